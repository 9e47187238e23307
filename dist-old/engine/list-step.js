// A step of a list: one page of its sweep. At the end of a sweep the list is counted, when that is due.
import { isoSeconds } from '../base/clock.js';
import { PRIORITY } from './ports.js';
import { circularLinks, isRefusal, moved, newDiff, readAll, startOf, stepResult, sweepMs, } from './step.js';
import { advanceList, beginList, isEndless, restartWalk } from './sweep.js';
import { isTallyDue, tally } from './tally.js';
/** The next page of a list's sweep. Throws what Source throws. */
export async function listStep(live, position, context) {
    const { definition, row } = live;
    const { settings } = context;
    const start = settings.startDate === null ? null : startOf(settings.startDate);
    const sweep = position.sweep ?? beginList(position, 'list', row.complete, start);
    if (position.sweep === null)
        live.sweepBegan = context.number;
    const query = sweep.since === null ? {} : { updated_since: sweep.since };
    const priority = sweep.purpose === 'first' ? PRIORITY.first : PRIORITY.changes;
    let page;
    try {
        const target = sweep.next === null ? { query } : { link: sweep.next };
        page = await context.source.fetchPage({ stream: definition, target, purpose: sweep.purpose, priority }, context.signal);
    }
    catch (error) {
        // A stored link may outlive its cursor or the configured address: the walk begins again, the sweep stays.
        if (sweep.next === null || !isRefusal(error))
            throw error;
        return restartedStep(live, { ...position, sweep: restartWalk(sweep) }, sweep.purpose, error);
    }
    const diff = newDiff(live, context);
    diff.add(page.records, { accountId: settings.accountId });
    const advanced = advanceList(position, sweep, page, definition.paging, settings.overlapMs);
    if (isEndless(advanced.sweep, context.source.pageRows) || isCircle(live, sweep, page)) {
        return restartedStep(live, { ...position, sweep: restartWalk(sweep) }, sweep.purpose, circularLinks(definition.name));
    }
    const swept = advanced.outcome === 'done';
    if (swept && settings.pollTimers && definition.name === 'time_entries')
        await readTimers(live, diff, context);
    const now = context.now();
    const moves = [
        [live, (current) => moved(current, advanced.position, sweep.purpose, now, swept && advanced.sweep.started_at)],
    ];
    // The first sweep read everything: the first census can wait for its interval.
    if (swept && !row.complete)
        moves.push([live, (current) => ({ ...current, census_at: isoSeconds(now) })]);
    if (swept && isTallyDue(live, context))
        moves.push(...(await tally(live, diff, context)));
    return stepResult(live, sweep.purpose, {
        diffs: [[live, diff]],
        moves,
        swept,
        events: listEvents(live, sweep.pages === 0, advanced, now),
    });
}
/** Whether the next link has come before in this walk. */
function isCircle({ links }, { pages }, { next }) {
    if (pages === 0)
        links.clear();
    if (next === null)
        return false;
    const isKnown = links.has(next);
    links.add(next);
    return isKnown;
}
/** Running timers grow without moving `updated_at`: they are asked for by themselves (harvest-api section 13). */
async function readTimers(live, diff, context) {
    const query = { is_running: 'true' };
    const { records } = await readAll(live, { query }, 'changes', PRIORITY.changes, context);
    diff.add(records, { accountId: context.settings.accountId });
}
function listEvents(live, isFirstPage, { outcome, sweep, position }, now) {
    const stream = live.definition.name;
    const { purpose } = sweep;
    const events = [];
    if (isFirstPage && sweep.walk === 1)
        events.push({ name: 'sweep.started', stream, purpose, since: sweep.since });
    if (outcome === 'shifted') {
        events.push({ name: 'sweep.shifted', stream, expected: sweep.total ?? 0, found: sweep.read, walk: sweep.walk });
    }
    if (outcome === 'done') {
        const ms = sweepMs(sweep.started_at, now);
        const { pages, read } = sweep;
        events.push({ name: 'sweep.completed', stream, purpose, pages, read, ms, cursor: position.cursor });
    }
    return events;
}
function restartedStep(live, position, purpose, failure) {
    return stepResult(live, purpose, { moves: [[live, (row) => ({ ...row, position })]], failure });
}
