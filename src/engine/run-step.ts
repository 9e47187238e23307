// Which step a task of the schedule is, and what its end means.
import { assert } from '../base/errors.ts';
import { confirmStep } from './deletions/confirm-step.ts';
import { reconciliationStep } from './deletions/reconciliation-step.ts';
import { removalStep } from './deletions/removal-step.ts';
import { reportStep } from './reports/report-step.ts';
import { isReading } from './retry.ts';
import type { Task } from './schedule.ts';
import type { Retry, StreamRuntime } from './state/stream-runtime.ts';
import type { StepContext, StepResult } from './step.ts';
import { childStep } from './steps/child-step.ts';
import { listStep } from './steps/list-step.ts';
import { secondLookStep } from './steps/second-look.ts';
import { signalStep } from './steps/signal-step.ts';
import { wholeStep } from './steps/whole-step.ts';

/** Does what `task` says. Throws what Source throws. */
export async function runStep(runtime: StreamRuntime, task: Task, context: StepContext): Promise<StepResult> {
  switch (task.kind) {
    case 'signal':
      return signalStep(runtime, context);
    case 'confirm':
      return confirmStep(runtime, context);
    case 'reconciliation':
      return reconciliationStep(runtime, context);
    case 'second_look':
      return secondLookStep(runtime, context);
    case 'removal':
      return removalStep(runtime, context);
    case 'window':
      return reportStep(runtime, task.window, context);
    case 'read':
      return readStep(runtime, context);
  }
}

/** The next part of the stream's own reading, by its kind. */
function readStep(runtime: StreamRuntime, context: StepContext): Promise<StepResult> {
  const { position } = runtime.row;
  assert(position.kind !== 'report', 'reports are read by window');
  assert(position.kind !== 'derived', 'what is derived is read by steps of its parents');
  if (position.kind === 'child') return childStep(runtime, position, context);
  return runtime.definition.kind === 'whole' ? wholeStep(runtime, context) : listStep(runtime, position, context);
}

/** Whether what failed before works again, now that `task` has ended. */
export function isMended(
  { kind, ofWalk }: Retry,
  task: Task,
  { scanned }: StepResult,
  runtime: StreamRuntime,
): boolean {
  if (!isReading(kind) && kind !== task.kind) return false;
  return !ofWalk || scanned || isRounded(task, runtime);
}

/** A reconciliation or a round over all windows has ended with this step. */
export function isRounded(task: Task, { row }: StreamRuntime): boolean {
  if (task.kind === 'reconciliation') return row.reconciliation === null;
  return (
    task.kind === 'window' &&
    task.window.why === 'round' &&
    row.position.kind === 'report' &&
    row.position.round === null
  );
}
