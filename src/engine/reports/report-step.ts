// A step of a report stream: one calendar window, read whole.
import { isoSeconds } from '../../base/clock.ts';
import type { Window } from '../../streams/windows.ts';
import type { PublisherEvent } from '../events.ts';
import { readAll } from '../fetch.ts';
import { PRIORITY } from '../ports.ts';
import type { Diff } from '../state/diff.ts';
import { holdOf } from '../state/hold.ts';
import {
  addedTo,
  coverWindow,
  freshPosition,
  NOT_BEGUN,
  nextWindow,
  type ReportPosition,
  shrinkCovered,
  takenOff,
} from '../state/position.ts';
import { type Move, moved, type StreamRow } from '../state/stream-row.ts';
import type { StreamRuntime } from '../state/stream-runtime.ts';
import type { WindowTask } from '../state/task.ts';
import { newDiff, type StepContext, type StepResult, scanCompleted, stepResult } from '../step.ts';
import { isNarrowed, lookAgain, missingFrom, NARROWED } from './narrowing.ts';
import { currentWindow, type ReportWindows, reportWindows, weekStartOf } from './report-span.ts';
import { priorityOf } from './window-schedule.ts';

/** Reads the window of `task`. Throws what Source throws. */
export async function reportStep(runtime: StreamRuntime, task: WindowTask, context: StepContext): Promise<StepResult> {
  const { settings } = context;
  const now = context.now();
  const position = runtime.row.position as ReportPosition;
  const { window } = task;
  if (window === null) return regrainStep(runtime, context);
  const windows = reportWindows(runtime, context, now);
  const isEmpty = windows.isEmpty(window.from);
  const purpose = runtime.row.complete ? 'window' : 'snapshot';
  const query = { from: compact(window.from), to: compact(window.to) };
  const look = async (priority: number) => {
    const diff = newDiff(runtime, context, { seen: true });
    // Its last record went or moved away: what it had goes too, and nothing has to be asked.
    if (isEmpty) return { diff, serverTime: now };
    const { records, serverTime } = await readAll(runtime, { query }, purpose, priority, context);
    diff.add(records, { accountId: settings.accountId, window });
    return { diff, serverTime };
  };
  let { diff, serverTime } = await look(priorityOf(task));
  const left = leftOf(runtime, window, diff);
  const isHeld = left.length > 0 && !runtime.row.hold?.released && (await isNarrowed(runtime, context));
  if (left.length > 0 && !isHeld) {
    // On time, whatever it was read for: it holds up its report, and the lane of dirty windows may hold one request.
    const again = () => look(PRIORITY.poll);
    ({ diff, serverTime } = await lookAgain(again, left, (answer) => leftOf(runtime, window, answer)));
  }

  const current = currentWindow(settings, now, weekStartOf(context.streams));
  const scanned = nextWindow(coverWindow(position, window.from, windows.held), windows.held, current.from) === null;
  const isFirst = !runtime.row.complete;
  const begun = position.scan ?? { started_at: isoSeconds(serverTime), windows: 0, read: 0 };
  const scan = { ...begun, windows: begun.windows + 1, read: begun.read + diff.read };
  const move: Move = (row) => {
    const read = readOff(row.position as ReportPosition, position, task, isEmpty && !isHeld, isHeld, windows, now);
    const next = { ...read, scan: scanned || row.complete ? null : scan };
    return withHold(moved(row, next, purpose, now, scanned && isoSeconds(serverTime)), isHeld, isFirst && scanned, now);
  };
  const stream = runtime.definition.name;
  const events: PublisherEvent[] = [];
  if (isFirst && position.covered === null) events.push({ name: 'scan.started', stream, purpose, since: window.from });
  if (scanned && isFirst) {
    events.push(scanCompleted(runtime, purpose, { ...scan, pages: scan.windows }, context.now()));
  }
  return stepResult(runtime, purpose, {
    ...{ diffs: [[runtime, diff]], moves: [[runtime, move]], scanned, events },
    memory: { windowReads: new Map(runtime.memory.windowReads).set(window.from, now) },
  });
}

/** Rows of the window that are not in its answer; none when the answer was not whole. */
function leftOf(runtime: StreamRuntime, window: Window, diff: Diff): string[] {
  const prefix = `${window.from}|${window.to}|`;
  return (missingFrom(runtime, diff) as string[]).filter((id) => id.startsWith(prefix));
}

/**
 * The position after the window of `task` was read, or was none any more (`isGone`). What was noted of it since its reading `began`
 * stays: the answer may be older.
 */
function readOff(
  position: ReportPosition,
  began: ReportPosition,
  { window, why }: WindowTask,
  isGone: boolean,
  isHeld: boolean,
  { held, known }: ReportWindows,
  now: number,
): ReportPosition {
  const { from } = window!;
  const left = isGone ? known.filter((each) => each !== from) : known;
  const covered = shrinkCovered(isGone ? position : coverWindow(position, from, held), left);
  const asked = position.round ?? NOT_BEGUN;
  const round = { ...asked, started_at: asked.started_at || isoSeconds(now) };
  const isLast = !left.some((each) => each < from);
  return {
    ...covered,
    dirty: began.dirty.includes(from) ? takenOff(covered.dirty, [from]) : covered.dirty,
    touched: began.touched.includes(from) ? takenOff(position.touched, [from]) : position.touched,
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
    return { ...read, hold: holdOf(row.hold, 'missing', NARROWED, at) };
  }
  const isOver = position.held.length === 0 && (!row.hold?.released || position.touched.length === 0);
  return isOver ? { ...read, hold: null } : read;
}

/** `reports.window` was changed: the rows of the old windows are no window's any more. */
function regrainStep(runtime: StreamRuntime, context: StepContext): StepResult {
  const diff = newDiff(runtime, context);
  for (const id of runtime.index.ids()) diff.remove(id);
  const position = freshPosition(runtime.definition, context.settings.grain);
  const move: Move = (row) => ({ ...moved(row, position, 'window', context.now(), false), complete: false });
  return stepResult(runtime, 'window', { diffs: [[runtime, diff]], moves: [[runtime, move]] });
}

const compact = (date: string): string => date.replaceAll('-', '');
