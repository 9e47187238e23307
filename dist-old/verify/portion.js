import { windowAfter, windowOf } from '../streams/windows.js';
/** A list, or a stream that is read whole: one portion. Bounded by the start date as the daemon's first sweep is. */
export function wholePortion(stream, { accountId, startDate }) {
    const query = stream.kind === 'list' && startDate !== null ? { updated_since: `${startDate}T00:00:00Z` } : {};
    return { name: WHOLE, target: { query }, context: { accountId } };
}
/** A portion for each parent, by ascending id. */
export function parentPortions(parents, { accountId }) {
    return [...new Set(parents)]
        .sort((a, b) => a - b)
        .map((parent) => ({
        name: String(parent),
        target: { query: {}, parent },
        context: { accountId, parentId: parent },
    }));
}
/** The windows that the topic has rows of, the gaps between them, and all up to the current one; the newest first. */
export function windowPortions(index, settings, today, weekStart) {
    const { accountId, endDate, grain } = settings;
    const current = windowOf(endDate !== null && endDate < today ? endDate : today, grain, weekStart);
    const windows = new Map([[nameOf(current), current]]);
    for (const id of index.ids()) {
        const [from, to] = id.split('|');
        windows.set(nameOf({ from, to }), { from, to });
    }
    const oldest = [...windows.keys()].sort()[0].slice(0, 10);
    for (let window = windowOf(oldest, grain, weekStart); window.from < current.from; window = windowAfter(window, grain, weekStart)) {
        windows.set(nameOf(window), window);
    }
    return [...windows]
        .sort(([a], [b]) => (a < b ? 1 : -1))
        .map(([name, window]) => ({
        name,
        target: { query: { from: compact(window.from), to: compact(window.to) } },
        context: { accountId, window },
    }));
}
/** The name of the portion that a row of the topic belongs to. */
export function portionNameOf({ kind }, id, row) {
    if (kind === 'report')
        return id.split('|', 2).join('|');
    return kind === 'child' ? String(row.group) : WHOLE;
}
const WHOLE = 'all';
const nameOf = ({ from, to }) => `${from}|${to}`;
const compact = (date) => date.replaceAll('-', '');
