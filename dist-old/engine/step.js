// What a step of a stream is: fetch what is next, compare it with the index, say how the rows move. Nothing is written here;
// the committer writes a step's result in one transaction, or the step never happened. One file per kind of stream:
// list-step.ts, child-step.ts, report-step.ts.
import { isoSeconds } from '../base/clock.js';
import { PublisherError } from '../base/errors.js';
import { Diff } from './diff.js';
import { advanceList, beginList, isEndless } from './sweep.js';
/** A result with everything that is usually nothing left out. Several moves of one stream follow one another. */
export function stepResult(live, purpose, { diffs = [], moves, ...rest }) {
    const chained = new Map();
    for (const [stream, move] of moves) {
        const before = chained.get(stream);
        chained.set(stream, before ? (row) => move(before(row)) : move);
    }
    const usual = { events: [], swept: false, confirmed: false, ordersDone: [], failure: null };
    return { ...usual, ...rest, live, purpose, diffs: new Map(diffs), moves: chained };
}
/** `harvest.start_date` as the filter that bounds first sweeps, tallies and censuses. */
export function sinceStart({ settings }) {
    return settings.startDate === null ? {} : { updated_since: startOf(settings.startDate) };
}
export function startOf(date) {
    return `${date}T00:00:00Z`;
}
/**
 * A diff against the stream's index; what is new is `r` until the first sweep has ended. With `seen` it keeps the ids of all
 * records, for lists that are complete.
 */
export function newDiff(live, context, { seen = false } = {}) {
    const { row, definition, index } = live;
    return new Diff(definition, context.codec, index, {
        newOp: row.complete ? 'c' : 'r',
        refused: row.refused,
        maxValueBytes: live.maxValueBytes,
        seen,
    });
}
/** The row after a good answer: running again if it was not, complete once a sweep has ended. */
export function moved(row, position, purpose, now, syncedTo) {
    const at = isoSeconds(now);
    const running = row.state === 'RUNNING' ? {} : { state: 'RUNNING', reason: null, remedy: null, since: at };
    const swept = syncedTo === false ? {} : { complete: true, synced_to: syncedTo, swept_at: at };
    return { ...row, ...running, ...swept, position, moved_at: at, moved_by: purpose };
}
/** Everything of one list, however many pages; walked again while it shifts. For lists that fit memory: children, windows. */
export async function readAll(live, target, purpose, priority, context) {
    const { definition: stream } = live;
    let position = { kind: 'list', cursor: null, sweep: null };
    let sweep = beginList(position, 'whole', false, null);
    const links = new Set();
    for (let records = [];;) {
        const at = sweep.next === null ? target : { link: sweep.next };
        const page = await context.source.fetchPage({ stream, target: at, purpose, priority }, context.signal);
        for (const record of page.records)
            records.push(record);
        const advanced = advanceList(position, sweep, page, stream.paging, 0);
        if (advanced.outcome === 'done') {
            const { started_at, pages } = advanced.sweep;
            return { records, serverTime: Date.parse(started_at), pages };
        }
        if (isEndless(advanced.sweep, context.source.pageRows) || links.has(page.next))
            throw circularLinks(stream.name);
        if (advanced.outcome === 'shifted') {
            records = [];
            links.clear();
        }
        else
            links.add(page.next);
        position = advanced.position;
        sweep = position.sweep;
    }
}
/** How long a sweep took. Its start is the server's time, whose clock may be ahead of ours. */
export function sweepMs(startedAt, now) {
    return Math.max(0, now - Date.parse(startedAt));
}
/** Links that lead nowhere new: the walk begins again, after a pause. */
export function circularLinks(stream) {
    return new PublisherError('harvest.unparsable', `the next links of ${stream} go in a circle`);
}
/** Harvest refuses the request itself, as it does for a link that is no longer good. */
export function isRefusal(error) {
    return (error instanceof PublisherError &&
        (error.code === 'harvest.refused' || error.code === 'harvest.not_found' || error.code === 'harvest.foreign_link'));
}
