// A record that Harvest deleted is removed together with everything that belonged to it, in one transaction: a
// project with its time entries, expenses and assignments, an invoice with its messages and payments. No request is made.
//
// A record may have moved to another parent before its former one was deleted. So lists below are scanned for changes once more
// after the 404, and only what still belongs to the deleted parent then goes with it.
import { isoSeconds } from '../../base/clock.ts';
import { counted } from '../../base/words.ts';
import type { RowId } from '../ports.ts';
import type { Diff } from '../state/diff.ts';
import { holdOf, isInForce, limitOf } from '../state/hold.ts';
import { isRunning, type Move } from '../state/stream-row.ts';
import type { Claim, StreamRuntime } from '../state/stream-runtime.ts';
import { newDiff, type StepContext, type StepResult, stepResult } from '../step.ts';

/**
 * The streams whose rows go with one of `runtime` now. A list that stands still is not touched: its orphans are missing from it when it runs
 * again. Children are: they move to no other parent, and nobody asks for those of a parent that is not there.
 */
function reachable({ dependents }: StreamRuntime): StreamRuntime[] {
  return dependents.filter(({ definition, row }) => definition.kind === 'child' || (isRunning(row) && row.complete));
}

/** Whether `runtime` must be scanned for changes before the confirmed deletes of its owner can be carried out. */
export function isAwaited(runtime: StreamRuntime): boolean {
  const { owner, definition, row } = runtime;
  if (owner === null || definition.kind !== 'list' || !hasRemovals(owner)) return false;
  return isRunning(row) && row.complete && runtime.memory.scannedFrom <= owner.memory.confirmedSince;
}

/** Whether the confirmed deletes of `runtime` can be carried out as soon as nothing is under way in it and below it. */
export function isRemovalReady(runtime: StreamRuntime): boolean {
  return hasRemovals(runtime) && !reachable(runtime).some(isAwaited);
}

function hasRemovals({ row }: StreamRuntime): boolean {
  return row.confirmed.length > 0 && isRunning(row) && !isInForce(row.hold);
}

/** Carries out the confirmed deletes of `runtime`, with what belonged to them; holds when that is too much at once. */
export function removalStep({ runtime }: Claim, context: StepContext): StepResult {
  const { confirmed } = runtime.row;
  const at = isoSeconds(context.now());
  const parents = new Set(confirmed);
  const withRows = (stream: StreamRuntime) => [stream, stream.index.idsInAny(parents)] as const;
  const below = reachable(runtime).map(withRows);
  // Items go with the transaction of their parents (derived.ts), but count here.
  const items = runtime.derived.map(withRows);
  const tooMuch = [...below, ...items].find(
    ([{ index }, ids]) => ids.length > limitOf(index.size, context.settings.hold),
  );
  if (tooMuch && !runtime.row.hold?.released) {
    const [{ definition, index }, ids] = tooMuch;
    const reason = `deleting ${counted(confirmed.length, 'record')} would take ${ids.length} of ${index.size} rows of ${definition.name} along`;
    const move: Move = (row) => ({ ...row, hold: holdOf(row.hold, 'cascade', reason, at) });
    return stepResult(runtime, 'confirm', { moves: [[runtime, move]] });
  }
  const diffs: [StreamRuntime, Diff][] = [[runtime, removed(runtime, confirmed, context)]];
  for (const [stream, ids] of below) if (ids.length > 0) diffs.push([stream, removed(stream, ids, context)]);
  const move: Move = (row) => ({
    ...row,
    confirmed: row.confirmed.filter((id) => !confirmed.includes(id)),
    hold: row.hold?.kind === 'cascade' ? null : row.hold,
    moved_at: at,
    moved_by: 'confirm',
  });
  return stepResult(runtime, 'confirm', { diffs, moves: [[runtime, move]] });
}

function removed(runtime: StreamRuntime, ids: readonly RowId[], context: StepContext): Diff {
  const diff = newDiff(runtime, context);
  for (const id of ids) diff.remove(id);
  return diff;
}
