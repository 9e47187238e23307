// What published changes mean to other streams, in the same transaction (design section 4): children of changed parents are to
// be read, windows of reports are to be read again.
import { isoSeconds } from '../base/clock.js';
import { weekStartOf } from './report-span.js';
import { restated } from './restatement.js';
import { stepResult } from './step.js';
import { addedTo, addPending } from './sweep.js';
/** With more changed parents than this, visiting all of them costs less state. */
const PENDING_MAX = 5000;
/** The result with what follows from it for other streams. */
export function withConsequences(result, context) {
    const more = [];
    for (const [live, diff] of result.diffs) {
        more.push(...announcedChildren(live, diff, context), ...restatedReports(live, diff, context));
    }
    if (more.length === 0)
        return result;
    const { live, purpose, ...parts } = result;
    return stepResult(live, purpose, { ...parts, moves: [...result.moves, ...more] });
}
/** Children of parents that are published are read in the same pass. */
function announcedChildren(live, diff, { now }) {
    const changed = [...diff.changes].filter(([, row]) => row !== null).map(([id]) => id);
    if (changed.length === 0)
        return [];
    return live.children.map((child) => [
        child,
        (row) => {
            const position = row.position;
            // Before the first visit to all parents there is nothing to note: it will come by.
            if (!row.complete && position.sweep === null)
                return row;
            const added = addPending(position, changed, child.taken, isoSeconds(now()));
            if (added.pending.length <= PENDING_MAX)
                return { ...row, position: added };
            return { ...row, position: { ...position, pending: [], pending_since: null, sweep: null }, swept_at: null };
        },
    ]);
}
function restatedReports(live, diff, { streams, settings }) {
    const { dirty, touched, all } = restated(live, diff, streams, settings.grain, weekStartOf(streams));
    const moves = [];
    const move = (report, change) => moves.push([report, (row) => ({ ...row, position: change(row.position) })]);
    for (const [report, windows] of dirty) {
        move(report, (position) => ({ ...position, dirty: addedTo(position.dirty, windows, report.takenWindows) }));
    }
    for (const [report, windows] of touched) {
        move(report, (position) => ({ ...position, touched: addedTo(position.touched, windows, report.takenWindows) }));
    }
    for (const report of all)
        move(report, askForRound);
    return moves;
}
/** Every window is to be read again: in the next round, or in another one after the round under way. */
export function askForRound(position) {
    if (position.round !== null)
        return { ...position, round: { ...position.round, again: true } };
    return { ...position, round_at: null };
}
