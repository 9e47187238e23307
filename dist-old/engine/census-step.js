// A step of a list's census: a few ranges of days, or a page of a list that goes by id, against the index. Everything read is
// compared like any record, so that what drifted silently is published too; what is missing becomes a suspect.
import { isoSeconds } from '../base/clock.js';
import { beginCensus, counted, Histogram, halved, isDone, isPage, limitOf } from './census.js';
import { bounds, countIn, isInScope } from './counts.js';
import { PRIORITY } from './ports.js';
import { circularLinks, isRefusal, newDiff, readAll, sinceStart, stepResult, sweepMs, } from './step.js';
/** Ranges that are asked for at the same time. */
const RANGES_AT_ONCE = 4;
/** The next part of the census under way, or the first of the one that is due. Throws what Source throws. */
export async function censusStep(live, context) {
    const { row, definition } = live;
    const days = new Histogram(live.index.dayCounts(), context.source.pageRows);
    const census = row.census ?? beginCensus(definition, row.census_due ?? 'interval', row.missing, days);
    const priority = census.cause === 'tally' ? PRIORITY.dirty : PRIORITY.slack;
    const diff = newDiff(live, context, { seen: true });
    const progress = await (census.ranges === null
        ? pageStep(live, census, diff, priority, context)
        : rangesStep(live, census, census.ranges, days, diff, priority, context));
    const now = context.now();
    const startedAt = census.started_at || isoSeconds(progress.serverTime ?? now);
    const next = { ...progress.census, started_at: startedAt, found: census.found + progress.missing.length };
    const limit = limitOf(live.index.size, context.settings.hold);
    const move = (current) => counted({ ...current, census_due: null, moved_at: isoSeconds(now), moved_by: 'census' }, next, progress.missing, limit, now);
    const stream = definition.name;
    const events = [];
    if (row.census === null)
        events.push({ name: 'sweep.started', stream, purpose: 'census', since: null });
    if (isDone(next)) {
        const { pages, read } = next;
        const ms = sweepMs(startedAt, now);
        events.push({ name: 'sweep.completed', stream, purpose: 'census', pages, read, ms, cursor: null });
    }
    const { failure = null } = progress;
    return stepResult(live, 'census', { diffs: [[live, diff]], moves: [[live, move]], events, failure });
}
async function rangesStep(live, census, ranges, days, diff, priority, context) {
    const taken = ranges.slice(0, RANGES_AT_ONCE);
    const answers = await Promise.all(taken.map((range) => look(live, range, census, days, priority, context)));
    const missing = [];
    const left = [];
    let read = 0;
    for (const [place, answer] of answers.entries()) {
        left.push(...answer.halves);
        if (answer.records === null)
            continue;
        read += answer.records.length;
        diff.add(answer.records, { accountId: context.settings.accountId });
        missing.push(...missingIn(live, taken[place], diff, context));
    }
    return {
        census: {
            ...census,
            ranges: [...left, ...ranges.slice(taken.length)],
            pages: census.pages + taken.length,
            read: census.read + read,
        },
        missing,
        serverTime: answers[0].serverTime,
    };
}
/** Reads a range that is a page; in a search, counts one that is more and halves it when the count is not ours. */
async function look(live, range, census, days, priority, context) {
    if (census.cause !== 'tally' || isPage(range, days)) {
        const query = { ...sinceStart(context), ...bounds(range) };
        const { records, serverTime } = await readAll(live, { query }, 'census', priority, context);
        return { records, halves: [], serverTime };
    }
    const [first, second] = halved(range, days);
    const { total, serverTime } = await countIn(live, first, priority, context);
    // The whole was counted by the tally: one question a halving tells of both halves.
    const rest = (range.total ?? days.count(range) - census.missing) - total;
    const halves = [
        { ...first, total },
        { ...second, total: rest },
    ].filter((half) => half.total !== days.count(half));
    return { records: null, halves, serverTime };
}
/** Rows of ours that belong into the range and were not in it. Rows without a day belong into the whole alone. */
function missingIn(live, range, { seen }, context) {
    const { index } = live;
    const isWhole = range.from === null && range.to === null;
    const ours = isWhole
        ? [...index.ids()]
        : // Rows without a day are in no range: each is asked for, once per census, with the first.
            [...index.idsDated(range.from ?? -Infinity, range.to ?? Infinity), ...(range.from === null ? undated(live) : [])];
    return ours.filter((id) => !seen.has(id) && isInScope(live, id, context));
}
function undated({ index, definition }) {
    if (definition.dated === null || !index.dayCounts().has(null))
        return [];
    return [...index.ids()].filter((id) => index.get(id).day === null);
}
async function pageStep(live, census, diff, priority, context) {
    let page;
    try {
        const target = census.next === null ? { query: sinceStart(context) } : { link: census.next };
        const request = { stream: live.definition, target, purpose: 'census', priority };
        page = await context.source.fetchPage(request, context.signal);
    }
    catch (error) {
        // A stored link may outlive its cursor: the walk begins again.
        if (census.next === null || !isRefusal(error))
            throw error;
        return { ...begunAgain(census), failure: error };
    }
    diff.add(page.records, { accountId: context.settings.accountId });
    const ids = page.records.map(({ id }) => id).filter((id) => typeof id === 'number');
    // The list goes by descending id (harvest-api section 3): a page speaks of all ids from its smallest to the page before.
    const above = census.floor ?? Number.POSITIVE_INFINITY;
    const floor = page.next === null ? 0 : Math.min(above, ...ids);
    if (floor === above)
        return { ...begunAgain(census), failure: circularLinks(live.definition.name) };
    const missing = [...live.index.ids()].filter((id) => id >= floor && id < above && !diff.seen.has(id) && isInScope(live, id, context));
    return {
        census: { ...census, next: page.next, floor, pages: census.pages + 1, read: census.read + page.records.length },
        missing,
        serverTime: page.serverTime,
    };
}
/** The walk from its first page. */
function begunAgain(census) {
    return { census: { ...census, next: null, floor: null, pages: 0, read: 0 }, missing: [], serverTime: null };
}
