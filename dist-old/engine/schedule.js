// When a stream is due, for what, and how urgent it is. Pure: the streams' rows, the wall time and the settings in, times out.
import { unlessSetBack } from '../base/clock.js';
import { isReadable } from './live-stream.js';
import { PRIORITY } from './ports.js';
import { dependentsOf, isAwaited, isRemovalReady } from './removal-step.js';
import { DATED_SOURCES } from './report-span.js';
import { priorityOf, windowTasks } from './report-step.js';
import { isKeptWaiting, RETRY_MAX_MS } from './retry.js';
/** A class of priority is worth this much time: the earliest deadline goes first, so that nothing waits for ever. */
const CLASS_MS = 15_000;
/** A budget without slack is looked at again after this long. */
const SLACK_PAUSE_MS = 2_000;
const NEVER = Number.POSITIVE_INFINITY;
/** A refused stream is asked again after this long: whoever gives a role back waits for it. Reports have few requests. */
export const PROBE_MS = { general: 300_000, reports: 900_000 };
/** Missing records that may not be asked for can be many, and each costs a request. */
export const HELD_PROBE_MS = 3_600_000;
/** Every stream that waits for its time, the most urgent first. Streams that wait for another stream are left out. */
export function schedule(view, now) {
    const due = [];
    for (const live of view.streams.values()) {
        const next = nextTask(live, view, now);
        if (!next)
            continue;
        const { task, at, priority } = next;
        const isPatient = task.kind === 'census' || task.kind === 'confirm' || priority === PRIORITY.slack;
        due.push({ live, task, at, deadline: deadlineOf(next), keepsPace: isPatient || !hasPatientWork(live.row) });
    }
    // Equals take turns: whoever committed longest ago goes first, so that nine reports share one budget.
    return due.sort((a, b) => a.deadline - b.deadline || (a.live.lastCommitAt ?? 0) - (b.live.lastCommitAt ?? 0));
}
/** Whether something of the stream waits that goes on step by step beside its polls: a census, suspects, a slow sweep, a round. */
function hasPatientWork({ census, census_due, suspects, position }) {
    if (census !== null || census_due !== null || suspects.length > 0)
        return true;
    if (position.kind === 'child')
        return position.sweep !== null;
    return position.kind === 'report' && (position.touched.length > 0 || position.round !== null);
}
/** The stream's next step and the wall time (ms) from which on it may begin, 0 being at once; null while it has to wait for something else. */
export function nextTask(live, view, now) {
    if (live.busy || isWaitingForRemoval(live, view.streams))
        return null;
    if (live.orders.length > 0)
        return { task: { kind: 'order' }, at: 0, priority: PRIORITY.probe };
    const { state } = live.row;
    if (state === 'FEATURE_OFF' || waitsFor(live, view.streams) !== null || !isWanted(live, view))
        return null;
    const earliest = unlessSetBack(live.retry?.at ?? 0, RETRY_MAX_MS, now);
    const probeAt = unlessSetBack(live.probeAt, PROBE_MS[live.definition.budget], now);
    if (state !== 'RUNNING')
        return { ...reading(live, view, now), at: Math.max(earliest, probeAt) };
    const all = candidates(live, view, now).map((each) => (view.once ? each : delayed(each, live, view, now)));
    return soonest(all.map((each) => (isKeptWaiting(each.task.kind, live) ? { ...each, at: Math.max(earliest, each.at) } : each)), now);
}
/** What is due goes by its deadline; when nothing is, what falls due first. */
function soonest(all, now) {
    const due = all.filter(({ at }) => at <= now);
    if (due.length === 0)
        return all.reduce((a, b) => (b.at < a.at ? b : a));
    return due.reduce((a, b) => (deadlineOf(b) < deadlineOf(a) ? b : a));
}
function deadlineOf({ at, priority }) {
    return Math.max(at, 0) + priority * CLASS_MS;
}
/** What is not urgent waits while its budget is needed for something else. */
function delayed(candidate, { definition }, { hasSlack }, now) {
    const isSlack = candidate.priority === PRIORITY.slack && candidate.at <= now;
    return isSlack && !hasSlack(definition.budget) ? { ...candidate, at: now + SLACK_PAUSE_MS } : candidate;
}
function candidates(live, view, now) {
    const { row, definition } = live;
    if (definition.kind === 'report') {
        return windowTasks(live, view, now).map((window) => ({
            task: { kind: 'window', window },
            at: window.at,
            priority: priorityOf(window),
        }));
    }
    const found = [reading(live, view, now)];
    if (isRemovalReady(live, view.streams) && !dependentsOf(live, view.streams).some(({ busy }) => busy)) {
        found.push({ task: { kind: 'removal' }, at: 0, priority: PRIORITY.changes });
    }
    const isRefused = row.hold?.kind === 'refused' && !row.hold.released;
    const askAt = isRefused ? unlessSetBack(live.probeAt, HELD_PROBE_MS, now) : steppedAt(live, now);
    if (row.suspects.length > 0)
        found.push({ task: { kind: 'confirm' }, at: askAt, priority: PRIORITY.dirty });
    const census = censusDue(live, view, now);
    if (census)
        found.push(census);
    return found;
}
/** The next step of the stream's own reading: a page, parents, a window. */
function reading(live, view, now) {
    const { position, complete, swept_at } = live.row;
    const read = (at, priority) => ({ task: { kind: 'read' }, at, priority });
    // What is caught up once is not due again by its interval.
    const isDone = view.once && live.swept && swept_at !== null;
    const intervalEnd = isDone ? NEVER : endOf(swept_at, live.intervals.pollMs, now);
    switch (position.kind) {
        case 'list': {
            const isDue = position.sweep !== null || !live.swept || isAwaited(live) || isToBeCounted(live);
            const priority = live.definition.name === 'company' ? PRIORITY.probe : complete ? PRIORITY.changes : PRIORITY.first;
            return read(isDue ? 0 : intervalEnd, priority);
        }
        case 'child':
            if (!complete)
                return read(0, PRIORITY.children);
            if (position.pending.length > 0)
                return read(0, PRIORITY.changes);
            return read(position.sweep === null ? intervalEnd : steppedAt(live, now), PRIORITY.slack);
        case 'report': {
            const [window] = windowTasks(live, view, now);
            return { task: { kind: 'window', window: window }, at: window.at, priority: priorityOf(window) };
        }
    }
}
/** Something was deleted: whether that was all shows after another sweep. */
function isToBeCounted({ row, definition }) {
    const isLookedInto = row.census !== null || row.census_due !== null || row.suspects.length > 0 || row.gone.length > 0;
    return definition.kind === 'list' && row.complete && row.tallied_at === null && !isLookedInto;
}
function censusDue(live, { once }, now) {
    const { row, definition, intervals } = live;
    if (definition.kind !== 'list' || !row.complete)
        return null;
    const census = (at, priority) => ({ task: { kind: 'census' }, at, priority });
    const cause = row.census?.cause ?? row.census_due;
    if (cause !== null)
        return census(steppedAt(live, now), cause === 'tally' ? PRIORITY.dirty : PRIORITY.slack);
    const isDone = once && live.censused && row.census_at !== null;
    return census(isDone ? NEVER : endOf(row.census_at, intervals.censusMs, now), PRIORITY.slack);
}
/** When the interval that began at `time` ends; one that never began is over. */
function endOf(time, intervalMs, now) {
    return time === null ? 0 : unlessSetBack(Date.parse(time) + intervalMs, intervalMs, now);
}
/** `LiveStream.steppedAt` as a time that has come. */
function steppedAt(live, now) {
    return unlessSetBack(live.steppedAt, 0, now);
}
/** Records that the stream's are to be deleted with are gone: nothing of it may be under way meanwhile. */
function isWaitingForRemoval(live, streams) {
    const { owner } = live;
    if (owner === null || live.row.state !== 'RUNNING' || !live.row.complete)
        return false;
    return isRemovalReady(owner, streams) && !isAwaited(live);
}
/** With `run --only`, other streams are read only as far as a named one needs them. */
function isWanted(live, { only, streams }) {
    if (only === null || only.has(live.definition.name) || isAwaited(live))
        return true;
    if (live.row.gone.length > 0)
        return true;
    return [...streams.values()].some((other) => only.has(other.definition.name) && waitsFor(other, streams) === live.definition.name);
}
/** The stream that must be read first, by name; null when nothing stands in the way. */
export function waitsFor(live, streams) {
    const { definition, parent } = live;
    // The company says which modules are on; without its word every stream is tried.
    const company = streams.get('company');
    if (company && live !== company && !company.swept && company.retry === null && isReadable(company))
        return 'company';
    if (parent && (!parent.row.complete || parent.row.state !== 'RUNNING'))
        return parent.definition.name;
    if (definition.kind !== 'report')
        return null;
    // Windows reach back to the oldest entry, which is known once the entries are.
    return (DATED_SOURCES.find((name) => {
        const source = streams.get(name);
        return source && isReadable(source) && !source.row.complete;
    }) ?? null);
}
