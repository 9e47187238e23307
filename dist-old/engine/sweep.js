// How a position moves when a page, a chunk of parents or a window has been read: the cursor rules of design section 4.
// Pure: position in, position out; the times are the server's, handed in.
import { isoSeconds } from '../base/clock.js';
import { windowAfter, windowBefore, windowOf } from '../streams/windows.js';
/** A list that keeps shifting is taken as it is after so many walks; a census finds what slipped through all of them. */
export const WALKS_MAX = 5;
/** The sweep that a list begins when none is under way. `start` is `harvest.start_date` as a time, or null. */
export function beginList(position, kind, complete, start) {
    const since = kind === 'whole' ? null : (position.cursor ?? start);
    const purpose = !complete ? 'first' : kind === 'whole' ? 'whole' : 'changes';
    return { purpose, since, started_at: '', next: null, pages: 0, read: 0, total: null, shifted: false, walk: 1 };
}
/** The position after `page` of `sweep`; the cursor moves only when the whole sweep is done. */
export function advanceList(position, sweep, page, paging, overlapMs) {
    const first = sweep.pages === 0;
    const walked = {
        ...sweep,
        // The cursor comes from the very first answer, also when the list is walked again: an earlier time only re-reads.
        started_at: sweep.started_at === '' ? isoSeconds(page.serverTime) : sweep.started_at,
        next: page.next,
        pages: sweep.pages + 1,
        read: sweep.read + page.records.length,
        total: first ? page.totalEntries : sweep.total,
        // Cursor lists go by id and cannot shift (harvest-api section 3).
        shifted: sweep.shifted || (paging === 'page' && !first && page.totalEntries !== sweep.total),
    };
    if (page.next !== null)
        return { position: { ...position, sweep: walked }, outcome: 'page', sweep: walked };
    const slipped = walked.shifted || (paging === 'page' && walked.total !== null && walked.read !== walked.total);
    if (slipped && walked.walk < WALKS_MAX) {
        const again = { ...restartWalk(walked), walk: walked.walk + 1 };
        return { position: { ...position, sweep: again }, outcome: 'shifted', sweep: walked };
    }
    const cursor = isoSeconds(Date.parse(walked.started_at) - overlapMs);
    return { position: { ...position, cursor, sweep: null }, outcome: 'done', sweep: walked };
}
/** The same sweep from its first page: its next link is no longer good, or the list shifted. */
export function restartWalk(sweep) {
    return { ...sweep, next: null, pages: 0, read: 0, total: null, shifted: false };
}
/** Links that go in a circle never end: a walk far beyond its own total is one. */
export function isEndless(sweep, perPage) {
    return sweep.total !== null && sweep.pages > 10 + 3 * Math.ceil(sweep.total / perPage);
}
/** Adds changed parents. One that is being read right now (`taken`) is added again: what changed may be too new for that read. */
export function addPending(position, parents, taken, at) {
    const pending = addedTo(position.pending, parents, taken);
    return { ...position, pending, pending_since: pending.length === 0 ? null : (position.pending_since ?? at) };
}
/** Takes visited parents off the list, one entry each. */
export function removePending(position, visited) {
    const pending = takenOff(position.pending, visited);
    return { ...position, pending, pending_since: pending.length === 0 ? null : position.pending_since };
}
/** `list` with what it does not hold yet of `more`; what is being read right now (`taken`) is added again. */
export function addedTo(list, more, taken) {
    const waiting = new Set(list);
    const added = more.filter((each) => !waiting.has(each) || taken.has(each));
    return added.length === 0 ? list : [...list, ...new Set(added)];
}
/** `list` without `done`, one entry each: what was added while it was being read stays. */
export function takenOff(list, done) {
    const gone = new Set(done);
    return list.filter((each) => !gone.delete(each));
}
export function spanOf(firstDate, lastDate, grain, weekStart) {
    const first = windowOf(firstDate <= lastDate ? firstDate : lastDate, grain, weekStart);
    return { first, last: windowOf(lastDate, grain, weekStart) };
}
/** The next window of `span` never read: the newest first, for it is what people look at, then back in time. Null when all are. */
export function nextWindow(position, span, weekStart) {
    const { covered, grain } = position;
    if (covered === null)
        return span.last;
    if (covered.last < span.last.from)
        return windowAfter(windowOf(covered.last, grain, weekStart), grain, weekStart);
    if (covered.first > span.first.from)
        return windowBefore(windowOf(covered.first, grain, weekStart), grain, weekStart);
    return null;
}
export function coverWindow(position, window) {
    const { covered } = position;
    const first = covered && covered.first < window.from ? covered.first : window.from;
    const last = covered && covered.last > window.from ? covered.last : window.from;
    return { ...position, covered: { first, last } };
}
