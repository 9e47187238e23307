// Which step a task of the schedule is, and what its end means.
import { assert } from '../base/errors.ts';
import { censusStep } from './deletions/reconciliation-step.ts';
import { childStep } from './steps/child-step.ts';
import { confirmStep } from './deletions/confirm-step.ts';
import { listStep } from './steps/list-step.ts';
import type { LiveStream, Retry } from './state/stream-runtime.ts';
import { orderStep } from './steps/signal-step.ts';
import { removalStep } from './deletions/removal-step.ts';
import { reportStep } from './reports/report-step.ts';
import { isReading } from './retry.ts';
import type { Task } from './schedule.ts';
import { secondLookStep } from './steps/second-look.ts';
import type { StepContext, StepResult } from './step.ts';
import { wholeStep } from './steps/whole-step.ts';

/** Does what `task` says. Throws what Source throws. */
export async function runStep(live: LiveStream, task: Task, context: StepContext): Promise<StepResult> {
  switch (task.kind) {
    case 'order':
      return orderStep(live, context);
    case 'confirm':
      return confirmStep(live, context);
    case 'census':
      return censusStep(live, context);
    case 'second_look':
      return secondLookStep(live, context);
    case 'removal':
      return removalStep(live, context);
    case 'window':
      return reportStep(live, task.window, context);
    case 'read':
      return readStep(live, context);
  }
}

/** The next part of the stream's own reading, by its kind. */
function readStep(live: LiveStream, context: StepContext): Promise<StepResult> {
  const { position } = live.row;
  assert(position.kind !== 'report', 'reports are read by window');
  if (position.kind === 'child') return childStep(live, position, context);
  return live.definition.kind === 'whole' ? wholeStep(live, context) : listStep(live, position, context);
}

/** Whether what failed before works again, now that `task` has ended. */
export function isMended({ kind, ofWalk }: Retry, task: Task, { swept }: StepResult, live: LiveStream): boolean {
  if (!isReading(kind) && kind !== task.kind) return false;
  return !ofWalk || swept || isRounded(task, live);
}

/** A census or a round over all windows has ended with this step. */
export function isRounded(task: Task, { row }: LiveStream): boolean {
  if (task.kind === 'census') return row.census === null;
  return (
    task.kind === 'window' &&
    task.window.why === 'round' &&
    row.position.kind === 'report' &&
    row.position.round === null
  );
}
