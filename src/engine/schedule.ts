// When a stream is due, for what, and how urgent it is. Pure: the streams' rows, the wall time and the settings in, times out.
import { unlessSetBack } from '../base/clock.ts';
import type { BudgetName } from '../streams/definition.ts';
import { mayTake } from './claims.ts';
import { CONFIRMED_MAX, causeOf, isFull } from './deletions/reconciliation.ts';
import { isAwaited, isRemovalReady } from './deletions/removal-step.ts';
import { PRIORITY, type Signal } from './ports.ts';
import { inTurn, windowTasks } from './reports/window-schedule.ts';
import { isKeptWaiting, RETRY_PACE } from './retry.ts';
import { HELD_PROBE_MS } from './state/hold.ts';
import { isLongReading, isRunning } from './state/stream-row.ts';
import { type Claim, derivedReading, isReadable, type StreamRuntime, settingsStream } from './state/stream-runtime.ts';
import type { TaskAt } from './state/task.ts';
import type { StepContext } from './step.ts';
import { secondLookAt } from './steps/second-look.ts';

export interface ScheduleView extends Pick<StepContext, 'streams' | 'settings' | 'once' | 'paceOf'> {
  /** The streams that are to be read; null for all. */
  readonly only: ReadonlySet<string> | null;
  /** How long a step of that priority should wait for its budget before it begins, ms. */
  readonly waitMs: (budget: BudgetName, priority: number) => number;
  /** Whether what waits for slack goes first, for once. */
  readonly isSlacksTurn: (budget: BudgetName) => boolean;
  /** The next signal of a stream that waits to be carried out. */
  readonly signalFor: (stream: string) => Signal | undefined;
}

/** A class of priority is worth this much time: the earliest deadline goes first, so that nothing waits for ever. */
const CLASS_MS = 15_000;
const NEVER = Number.POSITIVE_INFINITY;
/** A refused stream is asked again after this long: whoever gives a role back waits for it. Reports have few requests. */
export const PROBE_MS: Readonly<Record<BudgetName, number>> = { general: 300_000, reports: 900_000 };

/** A list is counted so often in a catch-up, at the most. */
const COUNTS_ONCE = 10;

/** A task that waits for its time; when that has come, it may become a claim. */
export interface Due extends Pick<Claim, 'runtime' | 'task' | 'priority' | 'keepsPace'> {
  readonly at: number;
  readonly deadline: number;
}

/** Every stream that waits for its time, the most urgent first. Streams that wait for another stream are left out. */
export function schedule(view: ScheduleView, now: number): Due[] {
  const due: Due[] = [];
  for (const runtime of view.streams.values()) {
    const next = nextTask(runtime, view, now);
    if (!next) continue;
    const { task, at, priority } = next;
    const isPatient = task.kind === 'reconciliation' || task.kind === 'confirm' || priority === PRIORITY.slack;
    due.push({
      runtime,
      task,
      priority,
      at,
      deadline: deadlineOf(next, runtime, now),
      keepsPace: isPatient || !hasPatientWork(runtime),
    });
  }
  // Equals take turns: whoever committed longest ago goes first, so that nine reports share one budget.
  return due.sort((a, b) => a.deadline - b.deadline || committedAt(a) - committedAt(b));
}

function committedAt({ runtime }: Due): number {
  return runtime.memory.lastCommitAt ?? 0;
}

/** Whether something of the stream waits that goes on step by step beside its polls: a reconciliation, candidates, a slow scan, a round. */
function hasPatientWork(runtime: StreamRuntime): boolean {
  const { reconciliation, reconcile_due, candidates, position } = runtime.row;
  if (derivedReading(runtime) !== null || reconciliation !== null || reconcile_due !== null || candidates.length > 0)
    return true;
  if (position.kind === 'child') return position.scan !== null;
  return position.kind === 'report' && (position.touched.length > 0 || position.round !== null);
}

/** The stream's next step and the wall time (ms) from which on it may begin, 0 being at once; null while it has to wait for something else. */
export function nextTask(runtime: StreamRuntime, view: ScheduleView, now: number): TaskAt | null {
  if (runtime.claim !== null || isWaitingForRemoval(runtime)) return null;
  const { definition, memory } = runtime;
  const signal = view.signalFor(definition.name);
  if (signal !== undefined) return { task: { kind: 'signal', signal }, at: 0, priority: PRIORITY.probe };
  // It has no requests of its own: its parents' steps bring it along.
  if (definition.kind === 'derived') return null;
  const { state, paused } = runtime.row;
  if (paused !== null) return null;
  if (state === 'FEATURE_OFF' || waitsFor(runtime, view.streams) !== null || !isWanted(runtime, view)) return null;
  const earliest = unlessSetBack(memory.retry?.at ?? 0, RETRY_PACE.mostMs, now);
  const probeAt = unlessSetBack(memory.probeAt, PROBE_MS[definition.budget], now);
  if (state !== 'RUNNING') {
    const probe = { ...reading(runtime, view, now), at: Math.max(earliest, probeAt) };
    // It takes room like any other step of the reports, and there may be none until a pause is over.
    return definition.budget === 'reports' && !view.once ? delayed(probe, runtime, view, now) : probe;
  }
  const all = openTasks(runtime, view, now).map((each) => (view.once ? each : delayed(each, runtime, view, now)));
  const waiting = all.map((each) =>
    isKeptWaiting(each.task.kind, memory) ? { ...each, at: Math.max(earliest, each.at) } : each,
  );
  return soonest(waiting, runtime, view, now);
}

/** Due tasks go by their deadlines, windows of a report by turns; when none is due, the one that falls due first. */
function soonest(all: readonly TaskAt[], runtime: StreamRuntime, view: ScheduleView, now: number): TaskAt {
  const due = all.filter(({ at }) => at <= now);
  if (due.length === 0) return all.reduce((a, b) => (b.at < a.at ? b : a));
  const windows = due.filter(({ task }) => task.kind === 'window');
  const slack = windows.find(({ priority }) => priority === PRIORITY.slack);
  // Where some window is always due, a rename would never be in the others.
  if (slack !== undefined && view.isSlacksTurn(runtime.definition.budget)) return slack;
  const urgent = windows.filter(({ priority }) => priority < PRIORITY.slack);
  if (urgent.length > 0) return inTurn(urgent, runtime);
  const deadline = (each: TaskAt) => deadlineOf(each, runtime, now);
  return due.reduce((a, b) => (deadline(b) < deadline(a) ? b : a));
}

/** A task that may begin at once has waited since the stream's last step: so a timed one that is late outranks it. */
function deadlineOf({ at, priority }: TaskAt, { memory }: StreamRuntime, now: number): number {
  return (at > 0 ? at : unlessSetBack(memory.waitingSince, 0, now)) + priority * CLASS_MS;
}

/** A step that its budget has no room for waits outside of it, and so holds up nothing of its stream. */
function delayed(candidate: TaskAt, { definition }: StreamRuntime, { waitMs }: ScheduleView, now: number): TaskAt {
  const wait = candidate.at <= now ? waitMs(definition.budget, candidate.priority) : 0;
  return wait > 0 ? { ...candidate, at: now + wait } : candidate;
}

function openTasks(runtime: StreamRuntime, view: ScheduleView, now: number): TaskAt[] {
  const { row, definition, memory } = runtime;
  if (definition.kind === 'report') return windowTasks(runtime, view, now);
  const found = [reading(runtime, view, now)];
  const removal = { kind: 'removal' } as const;
  if (isRemovalReady(runtime) && mayTake(removal, runtime))
    found.push({ task: removal, at: 0, priority: PRIORITY.poll });
  const isRefused = row.hold?.kind === 'refused' && !row.hold.released;
  const probeAt = isRefused ? unlessSetBack(memory.probeAt, HELD_PROBE_MS, now) : 0;
  const askAt = Math.max(probeAt, steppedAt(runtime, now));
  // Records that answered 404 and cannot be noted any more are asked for again later.
  const isAsked = row.candidates.length > 0 && row.confirmed.length < CONFIRMED_MAX;
  if (isAsked) found.push({ task: { kind: 'confirm' }, at: askAt, priority: PRIORITY.dirty });
  const lookAt = view.once ? null : secondLookAt(memory);
  if (lookAt !== null) {
    const at = unlessSetBack(lookAt, RETRY_PACE.mostMs, now);
    found.push({ task: { kind: 'second_look' }, at, priority: PRIORITY.dirty });
  }
  const reconciliation = reconciliationDue(runtime, view, now);
  if (reconciliation) found.push(reconciliation);
  return found;
}

/** The next step of the stream's own reading: a page, parents, a window. */
function reading(runtime: StreamRuntime, view: ScheduleView, now: number): TaskAt {
  const { position, complete, scanned_at } = runtime.row;
  const { scanned } = runtime.memory;
  const read = (at: number, priority: number): TaskAt => ({ task: { kind: 'read' }, at, priority });
  // A stream that is caught up once is not due again by its interval.
  const isDone = view.once && scanned && scanned_at !== null;
  const intervalEnd = isDone ? NEVER : endOf(scanned_at, view.paceOf(runtime).pollMs, now);
  switch (position.kind) {
    case 'list': {
      const isRead = runtime.definition.kind === 'whole' && derivedReading(runtime) !== null;
      const isDue = position.scan !== null || !scanned || isAwaited(runtime) || isToBeCounted(runtime, view) || isRead;
      if (runtime.definition.isSettings) return read(isDue ? 0 : intervalEnd, PRIORITY.probe);
      return read(isDue ? 0 : intervalEnd, isLongReading(runtime.row) ? PRIORITY.snapshot : PRIORITY.poll);
    }
    case 'child':
      if (!complete) return read(0, PRIORITY.children);
      if (position.pending.length > 0) return read(0, PRIORITY.dirty);
      if (position.scan !== null) return read(steppedAt(runtime, now), patientPriority(runtime));
      return read(derivedDueAt(runtime, now) ?? intervalEnd, patientPriority(runtime));
    case 'report':
      return windowTasks(runtime, view, now)[0]!;
    case 'derived':
      return read(NEVER, PRIORITY.slack);
  }
}

/** Something was deleted: whether that was all shows after another scan. A catch-up ends also where each count tells something else. */
function isToBeCounted({ row, definition, memory }: StreamRuntime, { once }: ScheduleView): boolean {
  if (once && memory.counts >= COUNTS_ONCE) return false;
  const isLookedInto =
    row.reconciliation !== null || row.reconcile_due !== null || row.candidates.length > 0 || row.confirmed.length > 0;
  return definition.kind === 'list' && row.complete && row.counted_at === null && !isLookedInto;
}

function reconciliationDue(runtime: StreamRuntime, { once }: ScheduleView, now: number): TaskAt | null {
  const { row, definition, intervals } = runtime;
  if (definition.kind !== 'list' || !row.complete || (row.reconciliation === null && isFull(row))) return null;
  const reconciliation = (at: number, priority: number): TaskAt => ({ task: { kind: 'reconciliation' }, at, priority });
  const cause = causeOf(row);
  if (cause !== null)
    return reconciliation(steppedAt(runtime, now), cause === 'count' ? PRIORITY.dirty : patientPriority(runtime));
  const derivedAt = derivedDueAt(runtime, now);
  if (derivedAt !== null) return reconciliation(derivedAt, patientPriority(runtime));
  const isDone = once && runtime.memory.reconciled && row.reconciled_at !== null;
  return reconciliation(isDone ? NEVER : endOf(row.reconciled_at, intervals.reconcileMs, now), PRIORITY.slack);
}

/** When a whole scan became due for something derived from the stream, so that no number of polls keeps it waiting; else null. */
function derivedDueAt(runtime: StreamRuntime, now: number): number | null {
  if (derivedReading(runtime) !== 'due') return null;
  const since = Math.min(...runtime.derived.filter(isToBeRead).map(({ row }) => Date.parse(row.moved_at)));
  return unlessSetBack(Math.max(since, runtime.memory.steppedAt), 0, now);
}

function isToBeRead({ row: { position } }: StreamRuntime): boolean {
  return position.kind === 'derived' && position.reading === 'due';
}

/** A whole scan lives on slack, unless it is the first reading of something derived from the stream. */
function patientPriority(runtime: StreamRuntime): number {
  return derivedReading(runtime) === null ? PRIORITY.slack : PRIORITY.children;
}

/** When the interval that began at `time` ends; one that never began is over. */
function endOf(time: string | null, intervalMs: number, now: number): number {
  return time === null ? 0 : unlessSetBack(Date.parse(time) + intervalMs, intervalMs, now);
}

/** `Memory.steppedAt` as a time that has come. */
function steppedAt({ memory }: StreamRuntime, now: number): number {
  return unlessSetBack(memory.steppedAt, 0, now);
}

/** Records that the stream's are to be deleted with are confirmed: nothing of it may be under way meanwhile. */
function isWaitingForRemoval(runtime: StreamRuntime): boolean {
  const { owner } = runtime;
  if (owner === null || !isRunning(runtime.row) || !runtime.row.complete) return false;
  return isRemovalReady(owner) && !isAwaited(runtime);
}

/** With `run --only`, other streams are read only as far as a named one needs them. */
function isWanted(runtime: StreamRuntime, { only, streams }: ScheduleView): boolean {
  if (only === null || only.has(runtime.definition.name) || isAwaited(runtime)) return true;
  if (runtime.derived.some(({ definition }) => only.has(definition.name))) return true;
  if (runtime.row.confirmed.length > 0) return true;
  return [...streams.values()].some(
    (other) => only.has(other.definition.name) && waitsFor(other, streams) === runtime.definition.name,
  );
}

/** The stream that must be read first, by name; null when nothing stands in the way. */
export function waitsFor(runtime: StreamRuntime, streams: ScheduleView['streams']): string | null {
  const { definition, parent } = runtime;
  // The company says which modules are on; without its word every stream is tried.
  const company = settingsStream(streams);
  const isUnheard = company && !company.memory.scanned && company.memory.retry === null && isReadable(company);
  if (isUnheard && runtime !== company) return company.definition.name;
  if (parent && (!parent.row.complete || !isRunning(parent.row))) return parent.definition.name;
  if (definition.kind !== 'report') return null;
  // A report's windows are known once all that is recorded in its sources is; a snapshot that is paused will go on.
  return (
    definition.sources.find((name) => {
      const source = streams.get(name);
      return source && !source.row.complete && (isReadable(source) || source.row.paused !== null);
    }) ?? null
  );
}
