// A step of a report stream: one calendar window, read whole. Which one: those never read, then those whose entries changed,
// then the current one by its interval, then what a rename or a rate may have restated, then all of them by slack.
import { isoSeconds, unlessSetBack } from '../base/clock.ts';
import { type Grain, type WeekStart, type Window, windowBefore, windowOf } from '../streams/windows.ts';
import { holdOf } from './census.ts';
import type { Diff } from './diff.ts';
import type { PublisherEvent } from './events.ts';
import type { LiveStream } from './live-stream.ts';
import { isNarrowed, lookAgain, missingFrom, NARROWED } from './narrowing.ts';
import { PRIORITY } from './ports.ts';
import { currentWindow, reportSpan, weekStartOf } from './report-span.ts';
import { type Move, moved, newDiff, readAll, type StepContext, type StepResult, stepResult, sweepMs } from './step.ts';
import type { Position, StreamRow } from './stream-row.ts';
import { addedTo, coverWindow, nextWindow, takenOff } from './sweep.ts';

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
  current: PRIORITY.changes,
  touched: PRIORITY.slack,
  round: PRIORITY.slack,
  regrain: PRIORITY.dirty,
} as const;

/** Every task of the report, the most urgent first. */
export function windowTasks(
  live: LiveStream,
  view: Pick<StepContext, 'settings' | 'streams' | 'once'>,
  now: number,
): WindowTask[] {
  const position = live.row.position as ReportPosition;
  const { settings, streams, once } = view;
  const weekStart = weekStartOf(streams);
  const ofDay = (day: string) => windowOf(day, settings.grain, weekStart);
  // Another grain, or weeks that begin on another day.
  const isOther = position.covered !== null && ofDay(position.covered.first).from !== position.covered.first;
  if (position.grain !== settings.grain || isOther) return [{ why: 'regrain', window: null, at: 0 }];
  const unread = nextWindow(position, reportSpan(view, now), weekStart);
  if (unread !== null) return [{ why: 'unread', window: unread, at: 0 }];

  // Times that a clock has run away from since are no reason to wait.
  const end = (began: number, intervalMs: number) => unlessSetBack(began + intervalMs, intervalMs, now);
  const rested = (day: string) => (once ? 0 : end(live.windowReads.get(day) ?? -RESTATED_PAUSE_MS, RESTATED_PAUSE_MS));
  const soonest = (days: readonly string[]) => days.toSorted((a, b) => rested(a) - rested(b) || (a < b ? 1 : -1))[0];
  const tasks: WindowTask[] = [];
  const dirty = soonest(position.dirty);
  if (dirty !== undefined) tasks.push({ why: 'dirty', window: ofDay(dirty), at: rested(dirty) });
  const current = currentWindow(settings, now, weekStart);
  const readAt = live.windowReads.get(current.from);
  // What is caught up once is not due again by its interval.
  const nextRead = readAt === undefined ? 0 : once ? NEVER : end(readAt, live.intervals.pollMs);
  tasks.push({ why: 'current', window: current, at: nextRead });
  const touched = soonest(position.touched);
  if (touched !== undefined)
    tasks.push({ why: 'touched', window: ofDay(touched), at: Math.max(rested(touched), end(live.steppedAt, 0)) });
  const round = nextOfRound(position, settings.grain, weekStart);
  if (round !== null) {
    const { round_at } = position;
    const isAsked = position.round !== null || round_at === null;
    const interval = once && live.censused ? NEVER : end(Date.parse(round_at ?? ''), live.intervals.censusMs);
    const due = isAsked ? end(live.steppedAt, 0) : interval;
    tasks.push({ why: 'round', window: round, at: due });
  }
  return tasks;
}

function nextOfRound({ covered, round }: ReportPosition, grain: Grain, weekStart: WeekStart): Window | null {
  if (covered === null) return null;
  if (round?.before == null) return windowOf(covered.last, grain, weekStart);
  return windowBefore(windowOf(round.before, grain, weekStart), grain, weekStart);
}

export function priorityOf({ why }: WindowTask): number {
  return PRIORITY_OF[why];
}

/** Reads the window of `task`. Throws what Source throws. */
export async function reportStep(live: LiveStream, task: WindowTask, context: StepContext): Promise<StepResult> {
  const { settings } = context;
  const now = context.now();
  const position = live.row.position as ReportPosition;
  const { window, why } = task;
  if (window === null) return regrainStep(live, position, settings.grain, context);
  live.takenWindows = new Set([window.from]);
  const purpose = live.row.complete ? 'window' : 'first';
  const query = { from: compact(window.from), to: compact(window.to) };
  const look = async () => {
    const { records, serverTime } = await readAll(live, { query }, purpose, priorityOf(task), context);
    const diff = newDiff(live, context, { seen: true });
    diff.add(records, { accountId: settings.accountId, window });
    return { diff, serverTime };
  };
  let { diff, serverTime } = await look();
  const left = leftOf(live, window, diff);
  const isHeld = left.length > 0 && !live.row.hold?.released && (await isNarrowed(live, context));
  if (left.length > 0 && !isHeld) {
    ({ diff, serverTime } = await lookAgain(look, left, (again) => leftOf(live, window, again)));
  }
  live.windowReads.set(window.from, now);

  const weekStart = weekStartOf(context.streams);
  const swept = nextWindow(coverWindow(position, window), reportSpan(context, now), weekStart) === null;
  const isFirst = !live.row.complete;
  const begun = position.sweep ?? { started_at: isoSeconds(serverTime), windows: 0, read: 0 };
  const sweep = { ...begun, windows: begun.windows + 1, read: begun.read + diff.read };
  const move: Move = (row) => {
    const current = row.position as ReportPosition;
    const next = { ...readOff(current, window, why, isHeld, now), sweep: swept || row.complete ? null : sweep };
    return withHold(moved(row, next, purpose, now, swept && isoSeconds(serverTime)), isHeld, isFirst && swept, now);
  };
  const stream = live.definition.name;
  const events: PublisherEvent[] = [];
  if (position.covered === null) events.push({ name: 'sweep.started', stream, purpose, since: window.from });
  if (swept && isFirst) {
    const ms = sweepMs(sweep.started_at, context.now());
    events.push({ name: 'sweep.completed', stream, purpose, pages: sweep.windows, read: sweep.read, ms, cursor: null });
  }
  return stepResult(live, purpose, { diffs: [[live, diff]], moves: [[live, move]], swept, events });
}

/** Rows of the window that are not in its answer; none when the answer was not whole. */
function leftOf(live: LiveStream, window: Window, diff: Diff): string[] {
  const prefix = `${window.from}|${window.to}|`;
  return (missingFrom(live, diff) as string[]).filter((id) => id.startsWith(prefix));
}

/** The position after a window was read. */
function readOff(
  position: ReportPosition,
  window: Window,
  why: WindowTask['why'],
  isHeld: boolean,
  now: number,
): ReportPosition {
  const { from } = window;
  const covered = coverWindow(position, window);
  const round = position.round ?? { started_at: isoSeconds(now), before: null, again: false };
  // A round ends with the oldest window.
  const isLast = covered.covered!.first >= from;
  return {
    ...covered,
    dirty: takenOff(position.dirty, [from]),
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
function regrainStep(live: LiveStream, position: ReportPosition, grain: Grain, context: StepContext): StepResult {
  const diff = newDiff(live, context);
  for (const id of live.index.ids()) diff.remove(id);
  const fresh = { covered: null, sweep: null, dirty: [], touched: [], held: [], round: null, round_at: null };
  const move: Move = (current) => ({
    ...moved(current, { ...position, ...fresh, grain }, 'window', context.now(), false),
    complete: false,
  });
  return stepResult(live, 'window', { diffs: [[live, diff]], moves: [[live, move]] });
}

const compact = (date: string): string => date.replaceAll('-', '');
