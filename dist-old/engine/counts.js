// Harvest's count of a list, or of some days of it, and ours.
import { isoDay } from '../streams/windows.js';
import { sinceStart, startOf } from './step.js';
export const EVERYTHING = { from: null, to: null };
/** Harvest's count of a range, for one request. */
export async function countIn(live, range, priority, context) {
    const { definition: stream } = live;
    const query = { ...sinceStart(context), ...bounds(range), per_page: '1' };
    const page = await context.source.fetchPage({ stream, target: { query }, purpose: 'tally', priority }, context.signal);
    return { total: page.totalEntries ?? page.records.length, serverTime: page.serverTime };
}
/** Days as the filters of a list. */
export function bounds({ from, to }) {
    return { ...(from !== null && { from: isoDay(from) }), ...(to !== null && { to: isoDay(to) }) };
}
/** How many rows of ours Harvest does not count; what could not be converted is counted there and not here. */
export function missingRows(live, total, context, diff) {
    const { index, row } = live;
    let ours = index.size;
    if (context.settings.startDate !== null)
        ours = [...index.ids()].filter((id) => isInScope(live, id, context)).length;
    for (const [id, change] of diff?.changes ?? [])
        if (change !== null && index.get(id) === undefined)
            ours++;
    const refused = new Set([...Object.keys(row.refused), ...(diff?.refusals.map(({ id }) => id) ?? [])]);
    for (const id of refused)
        if (index.get(Number(id)) === undefined)
            ours++;
    return ours - total;
}
/** With `harvest.start_date`, lists are asked for what changed since: older rows are not missing from them. */
export function isInScope({ index }, id, { settings }) {
    if (settings.startDate === null)
        return true;
    const updatedAt = index.get(id)?.updatedAt ?? null;
    return updatedAt === null || updatedAt > Date.parse(startOf(settings.startDate));
}
