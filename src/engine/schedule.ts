// When a stream is due, for what, and how urgent it is. Pure: the streams' rows, the wall time and the settings in, times out.
import { unlessSetBack } from '../base/clock.ts';
import { findStream } from '../streams/catalog.ts';
import type { BudgetName } from '../streams/definition.ts';
import { GONE_MAX, isFull } from './deletions/reconciliation.ts';
import { isReadable, type LiveStream, type TaskKind } from './state/stream-runtime.ts';
import { PRIORITY } from './ports.ts';
import { dependentsOf, isAwaited, isRemovalReady } from './deletions/removal-step.ts';
import { DATED_SOURCES } from './reports/report-span.ts';
import { inTurn, priorityOf, type WindowTask, windowTasks } from './reports/report-step.ts';
import { isKeptWaiting, RETRY_PACE } from './retry.ts';
import { secondLookAt } from './steps/second-look.ts';
import type { StepContext } from './step.ts';
import type { StreamRow } from './state/stream-row.ts';

export interface ScheduleView extends Pick<StepContext, 'streams' | 'settings' | 'once'> {
  /** The streams that are to be read; null for all. */
  readonly only: ReadonlySet<string> | null;
  /** Whether a budget has room for what is not urgent: censuses, slow sweeps over parents, rounds over old windows. */
  readonly hasSlack: (budget: BudgetName) => boolean;
}

/** A class of priority is worth this much time: the earliest deadline goes first, so that nothing waits for ever. */
const CLASS_MS = 15_000;
/** A budget without slack is looked at again after this long. */
const SLACK_PAUSE_MS = 2_000;
const NEVER = Number.POSITIVE_INFINITY;
/** A refused stream is asked again after this long: whoever gives a role back waits for it. Reports have few requests. */
export const PROBE_MS: Readonly<Record<BudgetName, number>> = { general: 300_000, reports: 900_000 };
/** Missing records that may not be asked for can be many, and each costs a request. */
export const HELD_PROBE_MS = 3_600_000;

/** What a step does. */
export type Task =
  | { readonly kind: Exclude<TaskKind, 'window'> }
  | { readonly kind: 'window'; readonly window: WindowTask };

interface Candidate {
  readonly task: Task;
  readonly at: number;
  readonly priority: number;
}

export interface Due extends Omit<Candidate, 'priority'> {
  readonly live: LiveStream;
  readonly deadline: number;
  /** It is what can wait, or nothing of the stream waits: only then does its end set the pace of what can wait. */
  readonly keepsPace: boolean;
}

/** Every stream that waits for its time, the most urgent first. Streams that wait for another stream are left out. */
export function schedule(view: ScheduleView, now: number): Due[] {
  const due: Due[] = [];
  for (const live of view.streams.values()) {
    const next = nextTask(live, view, now);
    if (!next) continue;
    const { task, at, priority } = next;
    const isPatient = task.kind === 'census' || task.kind === 'confirm' || priority === PRIORITY.slack;
    due.push({
      live,
      task,
      at,
      deadline: deadlineOf(next, live, now),
      keepsPace: isPatient || !hasPatientWork(live.row),
    });
  }
  // Equals take turns: whoever committed longest ago goes first, so that nine reports share one budget.
  return due.sort((a, b) => a.deadline - b.deadline || (a.live.lastCommitAt ?? 0) - (b.live.lastCommitAt ?? 0));
}

/** Whether something of the stream waits that goes on step by step beside its polls: a census, suspects, a slow sweep, a round. */
function hasPatientWork({ census, census_due, suspects, position }: StreamRow): boolean {
  if (census !== null || census_due !== null || suspects.length > 0) return true;
  if (position.kind === 'child') return position.sweep !== null;
  return position.kind === 'report' && (position.touched.length > 0 || position.round !== null);
}

/** The stream's next step and the wall time (ms) from which on it may begin, 0 being at once; null while it has to wait for something else. */
export function nextTask(live: LiveStream, view: ScheduleView, now: number): Candidate | null {
  if (live.busy || isWaitingForRemoval(live, view.streams)) return null;
  if (live.orders.length > 0) return { task: { kind: 'order' }, at: 0, priority: PRIORITY.probe };
  const { state } = live.row;
  if (state === 'FEATURE_OFF' || waitsFor(live, view.streams) !== null || !isWanted(live, view)) return null;
  const earliest = unlessSetBack(live.retry?.at ?? 0, RETRY_PACE.mostMs, now);
  const probeAt = unlessSetBack(live.probeAt, PROBE_MS[live.definition.budget], now);
  if (state !== 'RUNNING') return { ...reading(live, view, now)!, at: Math.max(earliest, probeAt) };
  const all = candidates(live, view, now).map((each) => (view.once ? each : delayed(each, live, view, now)));
  const waiting = all.map((each) =>
    isKeptWaiting(each.task.kind, live) ? { ...each, at: Math.max(earliest, each.at) } : each,
  );
  return soonest(waiting, live, now);
}

/** What is due goes by its deadline, windows of a report by turns; when nothing is, what falls due first. */
function soonest(all: readonly Candidate[], live: LiveStream, now: number): Candidate {
  const due = all.filter(({ at }) => at <= now);
  if (due.length === 0) return all.reduce((a, b) => (b.at < a.at ? b : a));
  const urgent = due.filter(isUrgentWindow);
  if (urgent.length > 0) return inTurn(urgent, live);
  const deadline = (each: Candidate) => deadlineOf(each, live, now);
  return due.reduce((a, b) => (deadline(b) < deadline(a) ? b : a));
}

type WindowCandidate = Candidate & { readonly task: { readonly kind: 'window'; readonly window: WindowTask } };

function isUrgentWindow(candidate: Candidate): candidate is WindowCandidate {
  return candidate.task.kind === 'window' && candidate.priority < PRIORITY.slack;
}

/** What may begin at once has waited since the stream's last step: so what is timed and late outranks what merely came first. */
function deadlineOf({ at, priority }: Candidate, live: LiveStream, now: number): number {
  return (at > 0 ? at : unlessSetBack(live.waitingSince, 0, now)) + priority * CLASS_MS;
}

/** What is not urgent waits while its budget is needed for something else. */
function delayed(candidate: Candidate, { definition }: LiveStream, { hasSlack }: ScheduleView, now: number): Candidate {
  const isSlack = candidate.priority === PRIORITY.slack && candidate.at <= now;
  return isSlack && !hasSlack(definition.budget) ? { ...candidate, at: now + SLACK_PAUSE_MS } : candidate;
}

function candidates(live: LiveStream, view: ScheduleView, now: number): Candidate[] {
  const { row, definition } = live;
  if (definition.kind === 'report') {
    return windowTasks(live, view, now).map((window) => ({
      task: { kind: 'window', window },
      at: window.at,
      priority: priorityOf(window),
    }));
  }
  const found = [reading(live, view, now)!];
  if (isRemovalReady(live, view.streams) && !dependentsOf(live, view.streams).some(({ busy }) => busy)) {
    found.push({ task: { kind: 'removal' }, at: 0, priority: PRIORITY.changes });
  }
  const isRefused = row.hold?.kind === 'refused' && !row.hold.released;
  const askAt = isRefused ? unlessSetBack(live.probeAt, HELD_PROBE_MS, now) : steppedAt(live, now);
  // Records that answered 404 and cannot be noted any more are asked for again later.
  const isAsked = row.suspects.length > 0 && row.gone.length < GONE_MAX;
  if (isAsked) found.push({ task: { kind: 'confirm' }, at: askAt, priority: PRIORITY.dirty });
  const lookAt = view.once ? null : secondLookAt(live);
  if (lookAt !== null) {
    const at = unlessSetBack(lookAt, RETRY_PACE.mostMs, now);
    found.push({ task: { kind: 'second_look' }, at, priority: PRIORITY.dirty });
  }
  const census = censusDue(live, view, now);
  if (census) found.push(census);
  return found;
}

/** The next step of the stream's own reading: a page, parents, a window. */
function reading(live: LiveStream, view: ScheduleView, now: number): Candidate | null {
  const { position, complete, swept_at } = live.row;
  const read = (at: number, priority: number): Candidate => ({ task: { kind: 'read' }, at, priority });
  // What is caught up once is not due again by its interval.
  const isDone = view.once && live.swept && swept_at !== null;
  const intervalEnd = isDone ? NEVER : endOf(swept_at, live.intervals.pollMs, now);
  switch (position.kind) {
    case 'list': {
      const isDue = position.sweep !== null || !live.swept || isAwaited(live) || isToBeCounted(live);
      const priority =
        live.definition.name === 'company' ? PRIORITY.probe : complete ? PRIORITY.changes : PRIORITY.first;
      return read(isDue ? 0 : intervalEnd, priority);
    }
    case 'child':
      if (!complete) return read(0, PRIORITY.children);
      if (position.pending.length > 0) return read(0, PRIORITY.changes);
      return read(position.sweep === null ? intervalEnd : steppedAt(live, now), PRIORITY.slack);
    case 'report': {
      const [window] = windowTasks(live, view, now);
      return { task: { kind: 'window', window: window! }, at: window!.at, priority: priorityOf(window!) };
    }
  }
}

/** Something was deleted: whether that was all shows after another sweep. */
function isToBeCounted({ row, definition }: LiveStream): boolean {
  const isLookedInto = row.census !== null || row.census_due !== null || row.suspects.length > 0 || row.gone.length > 0;
  return definition.kind === 'list' && row.complete && row.tallied_at === null && !isLookedInto;
}

function censusDue(live: LiveStream, { once }: ScheduleView, now: number): Candidate | null {
  const { row, definition, intervals } = live;
  if (definition.kind !== 'list' || !row.complete || (row.census === null && isFull(row))) return null;
  const census = (at: number, priority: number): Candidate => ({ task: { kind: 'census' }, at, priority });
  const cause = row.census?.cause ?? row.census_due;
  if (cause !== null) return census(steppedAt(live, now), cause === 'tally' ? PRIORITY.dirty : PRIORITY.slack);
  const isDone = once && live.censused && row.census_at !== null;
  return census(isDone ? NEVER : endOf(row.census_at, intervals.censusMs, now), PRIORITY.slack);
}

/** When the interval that began at `time` ends; one that never began is over. */
function endOf(time: string | null, intervalMs: number, now: number): number {
  return time === null ? 0 : unlessSetBack(Date.parse(time) + intervalMs, intervalMs, now);
}

/** `LiveStream.steppedAt` as a time that has come. */
function steppedAt(live: LiveStream, now: number): number {
  return unlessSetBack(live.steppedAt, 0, now);
}

/** Records that the stream's are to be deleted with are gone: nothing of it may be under way meanwhile. */
function isWaitingForRemoval(live: LiveStream, streams: ScheduleView['streams']): boolean {
  const { owner } = live;
  if (owner === null || live.row.state !== 'RUNNING' || !live.row.complete) return false;
  return isRemovalReady(owner, streams) && !isAwaited(live);
}

/** With `run --only`, other streams are read only as far as a named one needs them. */
function isWanted(live: LiveStream, { only, streams }: ScheduleView): boolean {
  if (only === null || only.has(live.definition.name) || isAwaited(live)) return true;
  if (live.row.gone.length > 0) return true;
  return [...streams.values()].some(
    (other) => only.has(other.definition.name) && waitsFor(other, streams) === live.definition.name,
  );
}

/** The stream that must be read first, by name; null when nothing stands in the way. */
export function waitsFor(live: LiveStream, streams: ScheduleView['streams']): string | null {
  const { definition, parent } = live;
  // The company says which modules are on; without its word every stream is tried.
  const company = streams.get('company');
  if (company && live !== company && !company.swept && company.retry === null && isReadable(company)) return 'company';
  if (parent && (!parent.row.complete || parent.row.state !== 'RUNNING')) return parent.definition.name;
  if (definition.kind !== 'report') return null;
  // Windows reach back to the oldest entry, which is known once the entries are.
  return (
    DATED_SOURCES.find((name) => {
      const source = streams.get(name);
      return source && isReadable(source) && !source.row.complete;
    }) ?? null
  );
}

/** The streams without which these cannot be read: they themselves, and all that `waitsFor` may name. */
export function neededFor(names: Iterable<string>): ReadonlySet<string> {
  const needed = new Set(['company']);
  const add = (name: string) => {
    needed.add(name);
    const { parent, kind } = findStream(name)!;
    if (parent) add(parent.stream);
    if (kind === 'report') for (const source of DATED_SOURCES) add(source);
  };
  for (const name of names) add(name);
  return needed;
}
