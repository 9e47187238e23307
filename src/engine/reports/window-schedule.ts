// Which window of a report is read next: those never read, those whose entries changed and the current one by its interval take
// turns; then what a rename or a rate may have restated, then all of them by slack.
import { unlessSetBack } from '../../base/clock.ts';
import { windowOf } from '../../streams/windows.ts';
import { PRIORITY } from '../ports.ts';
import { nextWindow, type ReportPosition } from '../state/position.ts';
import { isRunning } from '../state/stream-row.ts';
import type { StreamRuntime } from '../state/stream-runtime.ts';
import type { TaskAt, WindowTask } from '../state/task.ts';
import type { StepContext } from '../step.ts';
import { currentWindow, type ReportWindows, reportWindows, weekStartOf } from './report-span.ts';

const NEVER = Number.POSITIVE_INFINITY;

const PRIORITY_OF = {
  unread: PRIORITY.children,
  dirty: PRIORITY.dirty,
  current: PRIORITY.poll,
  touched: PRIORITY.slack,
  round: PRIORITY.slack,
  regrain: PRIORITY.dirty,
} as const;

export function priorityOf({ why }: WindowTask): number {
  return PRIORITY_OF[why];
}

/** Every task of the report; never none. */
export function windowTasks(
  runtime: StreamRuntime,
  view: Pick<StepContext, 'settings' | 'streams' | 'once' | 'paceOf'>,
  now: number,
): TaskAt[] {
  const { memory, intervals } = runtime;
  const { complete } = runtime.row;
  const position = runtime.row.position as ReportPosition;
  const { covered, round_at } = position;
  const { settings, streams, once } = view;
  const weekStart = weekStartOf(streams);
  const ofDay = (day: string) => windowOf(day, settings.grain, weekStart);
  // Another grain, or weeks that begin on another day.
  const isOther = covered !== null && ofDay(covered.first).from !== covered.first;
  if (position.grain !== settings.grain || isOther) return [taskAt('regrain', null, 0)];
  const windows = reportWindows(runtime, view, now);
  const current = currentWindow(settings, now, weekStart);
  const tasks: TaskAt[] = [];
  const unread = nextWindow(position, windows.held, current.from);
  // The current one has a reserve also when it was never read; but for refused reports, whose probes are no more than history.
  const isOnTime = unread === current.from && !once && isRunning(runtime.row);
  if (unread !== null) tasks.push(taskAt(isOnTime ? 'current' : 'unread', ofDay(unread), 0));

  // Times that a clock has run away from since are no reason to wait.
  const end = (began: number, intervalMs: number) => unlessSetBack(began + intervalMs, intervalMs, now);
  const { restateMs } = settings;
  const rested = (day: string) => (once ? 0 : end(memory.windowReads.get(day) ?? -restateMs, restateMs));
  const soonest = (days: readonly string[]) => days.toSorted((a, b) => rested(a) - rested(b) || (a < b ? 1 : -1))[0];
  const dirty = soonest(position.dirty.filter((day) => day !== current.from));
  if (dirty !== undefined) tasks.push(taskAt('dirty', ofDay(dirty), rested(dirty)));
  // A first reading comes by it; later on it does not wait for those before it that were never read.
  const isCovered = covered !== null && current.from >= covered.first && current.from <= covered.last;
  if (unread !== current.from && (complete || isCovered)) {
    const readAt = memory.windowReads.get(current.from);
    // A window that is caught up once is not due again by its interval.
    const byInterval = readAt === undefined ? 0 : once ? NEVER : end(readAt, view.paceOf(runtime).pollMs);
    const isDirty = position.dirty.includes(current.from);
    tasks.push(taskAt('current', current, isDirty ? Math.min(byInterval, rested(current.from)) : byInterval));
  }
  if (unread !== null) return tasks;
  const touched = soonest(position.touched);
  if (touched !== undefined)
    tasks.push(taskAt('touched', ofDay(touched), Math.max(rested(touched), end(memory.steppedAt, 0))));
  const isAsked = position.round !== null || round_at === null;
  const interval = once && memory.reconciled ? NEVER : end(Date.parse(round_at ?? ''), intervals.reconcileMs);
  const due = isAsked ? end(memory.steppedAt, 0) : interval;
  return [...tasks, taskAt('round', ofDay(nextOfRound(position, windows)), due)];
}

function taskAt(why: WindowTask['why'], window: WindowTask['window'], at: number): TaskAt {
  return { task: { kind: 'window', window: { why, window } }, at, priority: PRIORITY_OF[why] };
}

/** Of windows that are due and not slack, the one whose class had its turn longest ago: none waits for all of another. */
export function inTurn(due: readonly TaskAt[], { memory }: StreamRuntime): TaskAt {
  const turnOf = ({ task }: TaskAt) => (task.kind === 'window' ? memory.windowTurns[task.window.why] : null) ?? -1;
  return due.reduce((a, b) => (turnOf(b) < turnOf(a) ? b : a));
}

/** A round goes from the newest window to the oldest, where it ends. */
function nextOfRound({ round }: ReportPosition, { known }: ReportWindows): string {
  const before = round?.before ?? null;
  return (before === null ? known.at(-1) : known.findLast((from) => from < before)) ?? known[0]!;
}
