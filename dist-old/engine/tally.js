// A list's count at Harvest against ours: one request that tells cheaply whether something is missing.
import { isoSeconds, unlessSetBack } from '../base/clock.js';
import { limitOf, tallied } from './census.js';
import { countIn, EVERYTHING, missingRows } from './counts.js';
import { PRIORITY } from './ports.js';
import { sourcesOf } from './restatement.js';
import { addedTo } from './sweep.js';
/** Whether a tally is due, and would not count what is being looked into already. */
export function isTallyDue({ row, definition, intervals }, { once, now }) {
    if (definition.kind !== 'list' || row.census !== null || row.census_due !== null || row.suspects.length > 0)
        return false;
    if (row.gone.length > 0 && row.hold === null)
        return false;
    if (once || row.tallied_at === null)
        return true;
    return unlessSetBack(Date.parse(row.tallied_at) + intervals.tallyMs, intervals.tallyMs, now()) <= now();
}
/** Counts the list after a sweep whose last page gave `diff`: how rows move by it. Throws what Source throws. */
export async function tally(live, diff, context) {
    const { total } = await countIn(live, EVERYTHING, PRIORITY.changes, context);
    const missing = missingRows(live, total, context, diff);
    const limit = limitOf(live.index.size, context.settings.hold);
    const now = context.now();
    const own = (row) => tallied({ ...row, moved_at: isoSeconds(now) }, missing, limit, now);
    const reports = missing > limit ? [] : heldReports(live, context);
    return [[live, own], ...reports.map((report) => [report, readAgain])];
}
/** Reports that kept rows because this list missed some. */
function heldReports({ definition }, { streams }) {
    return [...streams.values()].filter((report) => sourcesOf(report.definition).includes(definition.name) && heldIn(report.row).length > 0);
}
const readAgain = (row) => {
    const position = row.position;
    return { ...row, position: { ...position, touched: addedTo(position.touched, position.held, new Set()), held: [] } };
};
function heldIn({ position }) {
    return position.kind === 'report' ? position.held : [];
}
