// A record that is gone is deleted together with everything that belonged to it, in one transaction (design section 4): a
// project with its time entries, expenses and assignments, an invoice with its messages and payments. No request is made.
//
// A record may have moved to another parent before its former one was deleted. So lists below are swept for changes once more
// after the 404, and only what still belongs to the deleted parent then goes with it.
import { isoSeconds } from '../../base/clock.ts';
import { counted } from '../../base/words.ts';
import { ownerOf } from '../../streams/definition.ts';
import { holdOf, limitOf } from './reconciliation.ts';
import type { Diff } from '../state/diff.ts';
import type { LiveStream } from '../state/stream-runtime.ts';
import type { RowId } from '../ports.ts';
import { type Move, newDiff, type StepContext, type StepResult, stepResult } from '../step.ts';

type Streams = StepContext['streams'];

/** The streams whose records go with one of `live`. */
export function dependentsOf(live: LiveStream, streams: Streams): LiveStream[] {
  return [...streams.values()].filter(({ definition }) => ownerOf(definition) === live.definition.name);
}

/**
 * Those whose rows go with it now. A list that stands still is not touched: its orphans are missing from it when it runs
 * again. Children are: they move to no other parent, and nobody asks for those of a parent that is not there.
 */
function reachable(live: LiveStream, streams: Streams): LiveStream[] {
  return dependentsOf(live, streams).filter(
    ({ definition, row }) => definition.kind === 'child' || (row.state === 'RUNNING' && row.complete),
  );
}

/** Whether `live` must be swept for changes before the gone records of its owner can be deleted. */
export function isAwaited(live: LiveStream): boolean {
  const { owner, definition, row } = live;
  if (owner === null || definition.kind !== 'list' || !hasRemovals(owner)) return false;
  return row.state === 'RUNNING' && row.complete && live.sweptFrom <= owner.goneSince;
}

/** Whether the gone records of `live` can be deleted as soon as nothing is under way in it and below it. */
export function isRemovalReady(live: LiveStream, streams: Streams): boolean {
  return hasRemovals(live) && !reachable(live, streams).some(isAwaited);
}

function hasRemovals({ row }: LiveStream): boolean {
  return row.gone.length > 0 && row.state === 'RUNNING' && (row.hold === null || row.hold.released);
}

/** Deletes the gone records of `live` and what belonged to them; holds when that is too much at once. */
export function removalStep(live: LiveStream, context: StepContext): StepResult {
  const { gone } = live.row;
  const at = isoSeconds(context.now());
  const below = reachable(live, context.streams).map(
    (stream) => [stream, gone.flatMap((id) => stream.index.idsIn(id))] as const,
  );
  const tooMuch = below.find(([{ index }, ids]) => ids.length > limitOf(index.size, context.settings.hold));
  if (tooMuch && !live.row.hold?.released) {
    const [{ definition, index }, ids] = tooMuch;
    const reason = `deleting ${counted(gone.length, 'record')} would take ${ids.length} of ${index.size} rows of ${definition.name} along`;
    const move: Move = (row) => ({ ...row, hold: holdOf(row, 'cascade', reason, at) });
    return stepResult(live, 'confirm', { moves: [[live, move]] });
  }
  const diffs: [LiveStream, Diff][] = [[live, removed(live, gone, context)]];
  for (const [stream, ids] of below) if (ids.length > 0) diffs.push([stream, removed(stream, ids, context)]);
  const move: Move = (row) => ({
    ...row,
    gone: row.gone.filter((id) => !gone.includes(id)),
    hold: row.hold?.kind === 'cascade' ? null : row.hold,
    moved_at: at,
    moved_by: 'confirm',
  });
  return stepResult(live, 'confirm', { diffs, moves: [[live, move]] });
}

function removed(live: LiveStream, ids: readonly RowId[], context: StepContext): Diff {
  const diff = newDiff(live, context);
  for (const id of ids) diff.remove(id);
  return diff;
}
