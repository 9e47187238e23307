// A record that is gone is deleted together with everything that belonged to it, in one transaction (design section 4): a
// project with its time entries, expenses and assignments, an invoice with its messages and payments. No request is made.
//
// A record may have moved to another parent before its former one was deleted. So lists below are swept for changes once more
// after the 404, and only what still belongs to the deleted parent then goes with it.
import { isoSeconds } from '../base/clock.js';
import { ownerOf } from '../streams/definition.js';
import { holdOf, limitOf } from './census.js';
import { newDiff, stepResult } from './step.js';
/** The streams whose records go with one of `live`. */
export function dependentsOf(live, streams) {
    return [...streams.values()].filter(({ definition }) => ownerOf(definition) === live.definition.name);
}
/**
 * Those whose rows go with it now. A list that stands still is not touched: its orphans are missing from it when it runs
 * again. Children are: they move to no other parent, and nobody asks for those of a parent that is not there.
 */
function reachable(live, streams) {
    return dependentsOf(live, streams).filter(({ definition, row }) => definition.kind === 'child' || (row.state === 'RUNNING' && row.complete));
}
/** Whether `live` must be swept for changes before the gone records of its owner can be deleted. */
export function isAwaited(live) {
    const { owner, definition, row } = live;
    if (owner === null || definition.kind !== 'list' || !hasRemovals(owner))
        return false;
    return row.state === 'RUNNING' && row.complete && live.sweptFrom <= owner.goneSince;
}
/** Whether the gone records of `live` can be deleted as soon as nothing is under way in it and below it. */
export function isRemovalReady(live, streams) {
    return hasRemovals(live) && !reachable(live, streams).some(isAwaited);
}
function hasRemovals({ row }) {
    return row.gone.length > 0 && row.state === 'RUNNING' && (row.hold === null || row.hold.released);
}
/** Deletes the gone records of `live` and what belonged to them; holds when that is too much at once. */
export function removalStep(live, context) {
    const { gone } = live.row;
    const at = isoSeconds(context.now());
    const below = reachable(live, context.streams).map((stream) => [stream, gone.flatMap((id) => stream.index.idsIn(id))]);
    const tooMuch = below.find(([{ index }, ids]) => ids.length > limitOf(index.size, context.settings.hold));
    if (tooMuch && !live.row.hold?.released) {
        const [{ definition, index }, ids] = tooMuch;
        const reason = `deleting ${gone.length} records would take ${ids.length} of ${index.size} rows of ${definition.name} along`;
        const move = (row) => ({ ...row, hold: holdOf(row, 'cascade', reason, at) });
        return stepResult(live, 'confirm', { moves: [[live, move]] });
    }
    const diffs = [[live, removed(live, gone, context)]];
    for (const [stream, ids] of below)
        if (ids.length > 0)
            diffs.push([stream, removed(stream, ids, context)]);
    const move = (row) => ({
        ...row,
        gone: row.gone.filter((id) => !gone.includes(id)),
        hold: row.hold?.kind === 'cascade' ? null : row.hold,
        moved_at: at,
        moved_by: 'confirm',
    });
    return stepResult(live, 'confirm', { diffs, moves: [[live, move]] });
}
function removed(live, ids, context) {
    const diff = newDiff(live, context);
    for (const id of ids)
        diff.remove(id);
    return diff;
}
