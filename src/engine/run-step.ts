// Which step a claim is, what its refusal means, and what is remembered once it is committed.
import { assert, type PublisherError } from '../base/errors.ts';
import { confirmStep } from './deletions/confirm-step.ts';
import { withMissingParents } from './deletions/missing-parents.ts';
import { reconciliationStep } from './deletions/reconciliation-step.ts';
import { removalStep } from './deletions/removal-step.ts';
import { reportStep } from './reports/report-step.ts';
import { PROBE_MS } from './schedule.ts';
import type { Memory, Retry } from './state/memory.ts';
import { refusedRow, type StreamRow } from './state/stream-row.ts';
import type { Claim, StreamRuntime } from './state/stream-runtime.ts';
import { isReading, type Task } from './state/task.ts';
import { type StepContext, type StepResult, stepResult } from './step.ts';
import { childStep } from './steps/child-step.ts';
import { withConsequences } from './steps/consequences.ts';
import { withDerived } from './steps/derived.ts';
import { listStep } from './steps/list-step.ts';
import { withNotes } from './steps/notes.ts';
import { secondLookStep } from './steps/second-look.ts';
import { signalStep } from './steps/signal-step.ts';
import { wholeStep } from './steps/whole-step.ts';

/** Does what the claim says. Throws what Source throws. */
export async function runStep(claim: Claim, context: StepContext): Promise<StepResult> {
  const result = withMissingParents(withDerived(await stepOf(claim, context), context));
  return withConsequences(withNotes(result, context), context);
}

function stepOf(claim: Claim, context: StepContext): StepResult | Promise<StepResult> {
  const { runtime, task } = claim;
  switch (task.kind) {
    case 'signal':
      return signalStep(runtime, task.signal, context);
    case 'confirm':
      return confirmStep(claim, context);
    case 'reconciliation':
      return reconciliationStep(claim, context);
    case 'second_look':
      return secondLookStep(claim, context);
    case 'removal':
      return removalStep(claim, context);
    case 'window':
      return reportStep(runtime, task.window, context);
    case 'read':
      return readStep(claim, context);
  }
}

/** The next part of the stream's own reading, by its kind. */
function readStep(claim: Claim, context: StepContext): Promise<StepResult> {
  const { kind } = claim.runtime.definition;
  assert(kind !== 'report', 'reports are read by window');
  assert(kind !== 'derived', 'derived streams are read by steps of their parents');
  return { list: listStep, whole: wholeStep, child: childStep }[kind](claim, context);
}

/** The stream stands still and says why; it is asked again in a few minutes. */
export function refusedStep(runtime: StreamRuntime, error: PublisherError, now: number): StepResult {
  const state = error.code === 'harvest.refused' || error.code === 'harvest.foreign_link' ? 'BLOCKED' : 'FORBIDDEN';
  return stepResult(runtime, 'probe', {
    moves: [[runtime, (row) => refusedRow(row, state, error, now)]],
    memory: { probeAt: now + PROBE_MS[runtime.definition.budget], retry: null },
  });
}

/** The memory of the claim's stream now that the result is committed. */
export function memoryAfter({ runtime, task }: Claim, { memory, scanned, failure }: StepResult): Memory {
  const { row } = runtime;
  const isRounded = hasRounded(task, row);
  const { retry } = memory;
  const isOver = retry !== null && failure === null && isMended(retry, task, scanned || isRounded);
  return {
    ...memory,
    scanned: memory.scanned || scanned,
    reconciled: memory.reconciled || isRounded,
    retry: isOver ? null : retry,
  };
}

/** Whether what failed before works again, now that `task` has ended; `ended` when a walk has. */
function isMended({ kind, ofWalk }: Retry, task: Task, ended: boolean): boolean {
  return (isReading(kind) || kind === task.kind) && (!ofWalk || ended);
}

/** A reconciliation or a round over all windows has ended with this step. */
function hasRounded(task: Task, { reconciliation, position }: StreamRow): boolean {
  if (task.kind === 'reconciliation') return reconciliation === null;
  const isRound = task.kind === 'window' && task.window.why === 'round';
  return isRound && position.kind === 'report' && position.round === null;
}
