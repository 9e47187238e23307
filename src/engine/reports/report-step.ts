// A step of a report stream: one calendar window, read whole. Which one: those never read, those whose entries changed and the
// current one by its interval take turns; then what a rename or a rate may have restated, then all of them by slack.
import { isoSeconds, unlessSetBack } from '../../base/clock.ts';
import { type Grain, type Window, windowOf } from '../../streams/windows.ts';
import { holdOf } from '../deletions/reconciliation.ts';
import type { PublisherEvent } from '../events.ts';
import { PRIORITY } from '../ports.ts';
import type { Diff } from '../state/diff.ts';
import type { Position, StreamRow } from '../state/stream-row.ts';
import type { StreamRuntime } from '../state/stream-runtime.ts';
import { type Move, moved, newDiff, readAll, type StepContext, type StepResult, scanMs, stepResult } from '../step.ts';
import { addedTo, coverWindow, nextWindow, shrinkCovered, takenOff } from '../steps/scan.ts';
import { isNarrowed, lookAgain, missingFrom, NARROWED } from './narrowing.ts';
import { currentWindow, type ReportWindows, reportWindows, weekStartOf } from './report-span.ts';

type ReportPosition = Extract<Position, { kind: 'report' }>;

/** A window whose entries change all the time is read again after this long, or its entries would use up the budget. */
const RESTATED_PAUSE_MS = 300_000;
const NEVER = Number.POSITIVE_INFINITY;

/** What is next in a report, and from when on (ms; 0 is at once). */
export interface WindowTask {
  readonly why: 'unread' | 'dirty' | 'current' | 'touched' | 'round' | 'regrain';
  readonly window: Window | null;
  readonly at: number;
}

const PRIORITY_OF = {
  unread: PRIORITY.children,
  dirty: PRIORITY.dirty,
  current: PRIORITY.poll,
  touched: PRIORITY.slack,
  round: PRIORITY.slack,
  regrain: PRIORITY.dirty,
} as const;

/** Every task of the report. */
export function windowTasks(
  runtime: StreamRuntime,
  view: Pick<StepContext, 'settings' | 'streams' | 'once'>,
  now: number,
): WindowTask[] {
  const { complete } = runtime.row;
  const position = runtime.row.position as ReportPosition;
  const { covered } = position;
  const { settings, streams, once } = view;
  const weekStart = weekStartOf(streams);
  const ofDay = (day: string) => windowOf(day, settings.grain, weekStart);
  // Another grain, or weeks that begin on another day.
  const isOther = covered !== null && ofDay(covered.first).from !== covered.first;
  if (position.grain !== settings.grain || isOther) return [{ why: 'regrain', window: null, at: 0 }];
  const windows = reportWindows(runtime, view, now);
  const current = currentWindow(settings, now, weekStart);
  const tasks: WindowTask[] = [];
  const unread = nextWindow(position, windows.held, current.from);
  if (unread !== null) tasks.push({ why: 'unread', window: ofDay(unread), at: 0 });

  // Times that a clock has run away from since are no reason to wait.
  const end = (began: number, intervalMs: number) => unlessSetBack(began + intervalMs, intervalMs, now);
  const rested = (day: string) =>
    once ? 0 : end(runtime.windowReads.get(day) ?? -RESTATED_PAUSE_MS, RESTATED_PAUSE_MS);
  const soonest = (days: readonly string[]) => days.toSorted((a, b) => rested(a) - rested(b) || (a < b ? 1 : -1))[0];
  const dirty = soonest(position.dirty);
  if (dirty !== undefined) tasks.push({ why: 'dirty', window: ofDay(dirty), at: rested(dirty) });
  // A first reading comes by it; later on it does not wait for those before it that were never read.
  const isCovered = covered !== null && current.from >= covered.first && current.from <= covered.last;
  if (unread !== current.from && (complete || isCovered)) {
    const readAt = runtime.windowReads.get(current.from);
    // What is caught up once is not due again by its interval.
    const nextRead = readAt === undefined ? 0 : once ? NEVER : end(readAt, runtime.intervals.pollMs);
    tasks.push({ why: 'current', window: current, at: nextRead });
  }
  if (unread !== null) return tasks;
  const touched = soonest(position.touched);
  if (touched !== undefined)
    tasks.push({ why: 'touched', window: ofDay(touched), at: Math.max(rested(touched), end(runtime.steppedAt, 0)) });
  const { round_at } = position;
  const isAsked = position.round !== null || round_at === null;
  const interval = once && runtime.reconciled ? NEVER : end(Date.parse(round_at ?? ''), runtime.intervals.reconcileMs);
  const due = isAsked ? end(runtime.steppedAt, 0) : interval;
  return [...tasks, { why: 'round', window: ofDay(nextOfRound(position, windows)), at: due }];
}

/** Of tasks that are due and not slack, the one whose class had its turn longest ago: none waits for all of another. */
export function inTurn<Due extends { readonly task: { readonly window: WindowTask } }>(
  due: readonly Due[],
  { windowTurns }: StreamRuntime,
): Due {
  const turnOf = ({ task }: Due) => windowTurns.get(task.window.why) ?? -1;
  return due.reduce((a, b) => (turnOf(b) < turnOf(a) ? b : a));
}

/** A round goes from the newest window to the oldest, where it ends. */
function nextOfRound({ round }: ReportPosition, { known }: ReportWindows): string {
  const before = round?.before ?? null;
  return (before === null ? known.at(-1) : known.findLast((from) => from < before)) ?? known[0]!;
}

export function priorityOf({ why }: WindowTask): number {
  return PRIORITY_OF[why];
}

/** Reads the window of `task`. Throws what Source throws. */
export async function reportStep(runtime: StreamRuntime, task: WindowTask, context: StepContext): Promise<StepResult> {
  const { settings } = context;
  const now = context.now();
  const position = runtime.row.position as ReportPosition;
  const { window, why } = task;
  if (window === null) return regrainStep(runtime, position, settings.grain, context);
  runtime.takenWindows = new Set([window.from]);
  runtime.windowTurns.set(why, context.number);
  const windows = reportWindows(runtime, context, now);
  const isEmpty = windows.isEmpty(window.from);
  const purpose = runtime.row.complete ? 'window' : 'snapshot';
  const query = { from: compact(window.from), to: compact(window.to) };
  const look = async () => {
    const diff = newDiff(runtime, context, { seen: true });
    // Its last record went or moved away: what it had goes too, and nothing has to be asked.
    if (isEmpty) return { diff, serverTime: now };
    const { records, serverTime } = await readAll(runtime, { query }, purpose, priorityOf(task), context);
    diff.add(records, { accountId: settings.accountId, window });
    return { diff, serverTime };
  };
  let { diff, serverTime } = await look();
  const left = leftOf(runtime, window, diff);
  const isHeld = left.length > 0 && !runtime.row.hold?.released && (await isNarrowed(runtime, context));
  if (left.length > 0 && !isHeld) {
    ({ diff, serverTime } = await lookAgain(look, left, (again) => leftOf(runtime, window, again)));
  }
  runtime.windowReads.set(window.from, now);

  const current = currentWindow(settings, now, weekStartOf(context.streams));
  const scanned = nextWindow(coverWindow(position, window.from, windows.held), windows.held, current.from) === null;
  const isFirst = !runtime.row.complete;
  const begun = position.scan ?? { started_at: isoSeconds(serverTime), windows: 0, read: 0 };
  const scan = { ...begun, windows: begun.windows + 1, read: begun.read + diff.read };
  const move: Move = (row) => {
    const read = readOff(row.position as ReportPosition, task, isEmpty && !isHeld, isHeld, windows, now);
    const next = { ...read, scan: scanned || row.complete ? null : scan };
    return withHold(moved(row, next, purpose, now, scanned && isoSeconds(serverTime)), isHeld, isFirst && scanned, now);
  };
  const stream = runtime.definition.name;
  const events: PublisherEvent[] = [];
  if (isFirst && position.covered === null) events.push({ name: 'scan.started', stream, purpose, since: window.from });
  if (scanned && isFirst) {
    const ms = scanMs(scan.started_at, context.now());
    events.push({ name: 'scan.completed', stream, purpose, pages: scan.windows, read: scan.read, ms, cursor: null });
  }
  return stepResult(runtime, purpose, { diffs: [[runtime, diff]], moves: [[runtime, move]], scanned, events });
}

/** Rows of the window that are not in its answer; none when the answer was not whole. */
function leftOf(runtime: StreamRuntime, window: Window, diff: Diff): string[] {
  const prefix = `${window.from}|${window.to}|`;
  return (missingFrom(runtime, diff) as string[]).filter((id) => id.startsWith(prefix));
}

/** The position after the window of `task` was read, or was none any more (`isGone`). */
function readOff(
  position: ReportPosition,
  { window, why }: WindowTask,
  isGone: boolean,
  isHeld: boolean,
  { held, known }: ReportWindows,
  now: number,
): ReportPosition {
  const { from } = window!;
  const left = isGone ? known.filter((each) => each !== from) : known;
  const covered = shrinkCovered(isGone ? position : coverWindow(position, from, held), left);
  const round = position.round ?? { started_at: isoSeconds(now), before: null, again: false };
  const isLast = !left.some((each) => each < from);
  return {
    ...covered,
    dirty: takenOff(covered.dirty, [from]),
    touched: takenOff(position.touched, [from]),
    held: isHeld ? addedTo(position.held, [from], new Set()) : position.held.filter((each) => each !== from),
    ...(why === 'round' &&
      (isLast
        ? { round: null, round_at: round.again ? null : isoSeconds(now) }
        : { round: { ...round, before: from } })),
  };
}

function withHold(row: StreamRow, isHeld: boolean, isComplete: boolean, now: number): StreamRow {
  const position = row.position as ReportPosition;
  const at = isoSeconds(now);
  const read = isComplete ? { ...row, position: { ...position, round_at: at } } : row;
  if (isHeld) {
    return { ...read, hold: holdOf(row, 'missing', NARROWED, at) };
  }
  const isOver = position.held.length === 0 && (!row.hold?.released || position.touched.length === 0);
  return isOver ? { ...read, hold: null } : read;
}

/** `reports.window` was changed: the rows of the old windows are no window's any more. */
function regrainStep(runtime: StreamRuntime, position: ReportPosition, grain: Grain, context: StepContext): StepResult {
  const diff = newDiff(runtime, context);
  for (const id of runtime.index.ids()) diff.remove(id);
  const fresh = { covered: null, scan: null, dirty: [], touched: [], held: [], round: null, round_at: null };
  const move: Move = (current) => ({
    ...moved(current, { ...position, ...fresh, grain }, 'window', context.now(), false),
    complete: false,
  });
  return stepResult(runtime, 'window', { diffs: [[runtime, diff]], moves: [[runtime, move]] });
}

const compact = (date: string): string => date.replaceAll('-', '');
