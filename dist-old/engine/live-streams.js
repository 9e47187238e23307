// The streams of an account as a process begins with them: built from the catalog, then as the topics say they stand.
import { ownerOf } from '../streams/definition.js';
import { createRowIndex } from './row-index.js';
import { freshRow, parseRow, restartedRow } from './stream-row.js';
/** Why row and topic cannot both be right; null when they agree. */
function contradiction(row, live, isStored) {
    if (row.rows === live.index.size)
        return null;
    return isStored
        ? `the topic holds ${live.index.size} rows, the state row says ${row.rows}`
        : `the topic holds ${live.index.size} rows, but no state row speaks of them`;
}
/** One live stream for each plan, parents and owners known to those below them. */
export function createStreams(streams, grain, now) {
    const all = new Map();
    // Parents stand before their children in the catalog.
    for (const { definition, intervals } of streams) {
        const parent = definition.parent ? (all.get(definition.parent.stream) ?? null) : null;
        const owner = all.get(ownerOf(definition) ?? '') ?? null;
        const live = {
            definition,
            intervals,
            index: createRowIndex(definition.kind !== 'report'),
            children: [],
            parent,
            owner,
            row: freshRow(definition, grain, now),
            busy: false,
            swept: false,
            censused: false,
            retry: null,
            probeAt: 0,
            steppedAt: 0,
            windowReads: new Map(),
            links: new Set(),
            taken: new Set(),
            takenWindows: new Set(),
            sweepBegan: -1,
            sweptFrom: -1,
            goneSince: 0,
            orders: [],
            lastCommitAt: null,
            maxValueBytes: Number.POSITIVE_INFINITY,
        };
        parent?.children?.push(live);
        all.set(definition.name, live);
    }
    return all;
}
/** The rows as committed; a stream whose topic is not what its row says is read again, suppressed by what is there. */
export function takeState(streams, opened, grain, now) {
    const refilled = [];
    for (const [name, live] of streams) {
        const stored = opened.rows.get(name);
        // What was read after the row's place is read again.
        live.links.clear();
        live.maxValueBytes = opened.maxValueBytes.get(name) ?? Number.POSITIVE_INFINITY;
        const row = stored ? parseRow(live.definition, stored) : freshRow(live.definition, grain, now);
        const broken = opened.broken.get(name) ?? contradiction(row, live, stored !== undefined);
        live.row = { ...(broken === null ? row : restartedRow(row, live.definition, grain)), rows: live.index.size };
        if (broken !== null)
            refilled.push({ name: 'topic.refilled', stream: name, reason: broken });
    }
    return refilled;
}
