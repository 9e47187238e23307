// A step of a report stream: one calendar window, read whole.
import { isoSeconds } from '../base/clock.ts';
import { type Grain, isoDay, type WeekStart, type Window, windowOf } from '../streams/windows.ts';
import type { PublisherEvent } from './events.ts';
import type { LiveStream } from './live-stream.ts';
import { PRIORITY } from './ports.ts';
import {
  type Move,
  moved,
  newDiff,
  readAll,
  type StepContext,
  type StepResult,
  type StepSettings,
  sweepMs,
} from './step.ts';
import type { Position } from './stream-row.ts';
import { coverWindow, nextWindow, type Span, spanOf } from './sweep.ts';

/** The next window that was never read, or the current one again. Throws what Source throws. */
export async function reportStep(
  live: LiveStream,
  position: Extract<Position, { kind: 'report' }>,
  context: StepContext,
): Promise<StepResult> {
  const { settings } = context;
  const { grain } = settings;
  const now = context.now();
  if (position.grain !== grain) return regrainStep(live, position, grain, context);
  const weekStart = weekStartOf(context.streams);
  const span = reportSpan(context, now);
  const unread = nextWindow(position, span, weekStart);
  const window = unread ?? currentWindow(settings, now, weekStart);
  const purpose = live.row.complete ? 'window' : 'first';
  const priority = unread ? PRIORITY.children : PRIORITY.changes;

  const query = { from: compact(window.from), to: compact(window.to) };
  const { records, serverTime } = await readAll(live, { query }, purpose, priority, context);
  const diff = newDiff(live, context);
  diff.add(records, { accountId: settings.accountId, window });

  const covered = coverWindow(position, window);
  const swept = nextWindow(covered, span, weekStart) === null;
  const begun = position.sweep ?? { started_at: isoSeconds(serverTime), windows: 0, read: 0 };
  const sweep = { ...begun, windows: begun.windows + 1, read: begun.read + diff.read };
  const stream = live.definition.name;
  const events: PublisherEvent[] = [];
  if (position.covered === null) events.push({ name: 'sweep.started', stream, purpose, since: span.first.from });
  if (swept && !live.row.complete) {
    const ms = sweepMs(sweep.started_at, context.now());
    events.push({ name: 'sweep.completed', stream, purpose, pages: sweep.windows, read: sweep.read, ms, cursor: null });
  }
  const next = { ...covered, sweep: swept || live.row.complete ? null : sweep };
  const move: Move = (current) => moved(current, next, purpose, now, swept && isoSeconds(serverTime));
  return { live, purpose, diff, moves: new Map([[live, move]]), swept, events };
}

/** `reports.window` was changed: the rows of the old windows are no window's any more. */
async function regrainStep(
  live: LiveStream,
  position: Extract<Position, { kind: 'report' }>,
  grain: Grain,
  context: StepContext,
): Promise<StepResult> {
  const diff = newDiff(live, context);
  for (const id of live.index.ids()) diff.remove(id);
  const move: Move = (current) => ({
    ...moved(current, { ...position, grain, covered: null, sweep: null }, 'window', context.now(), false),
    complete: false,
  });
  return { live, purpose: 'window', diff, moves: new Map([[live, move]]), swept: false, events: [] };
}

/** The company's week start; Monday until `/company` was read. */
export function weekStartOf(streams: StepContext['streams']): WeekStart {
  const day = streams.get('company')?.row.company?.week_start_day;
  return day === 'Saturday' || day === 'Sunday' ? day : 'Monday';
}

export const DATED_SOURCES = ['time_entries', 'expenses'];

/** From `start_date`, or the oldest time entry or expense, to today, or the newest of them. */
export function reportSpan({ settings, streams }: Pick<StepContext, 'settings' | 'streams'>, now: number): Span {
  const extents = DATED_SOURCES.map((name) => streams.get(name)?.index.extent()).filter((extent) => extent != null);
  const today = isoSeconds(now).slice(0, 10);
  const oldest = isoDay(Math.min(...extents.map((extent) => extent.min), Date.parse(today) / 86_400_000));
  const newest = isoDay(Math.max(...extents.map((extent) => extent.max), Date.parse(today) / 86_400_000));
  const last = settings.endDate !== null && settings.endDate < newest ? settings.endDate : newest;
  return spanOf(settings.startDate ?? oldest, last, settings.grain, weekStartOf(streams));
}

function currentWindow(settings: StepSettings, now: number, weekStart: WeekStart): Window {
  const today = isoSeconds(now).slice(0, 10);
  return windowOf(
    settings.endDate !== null && settings.endDate < today ? settings.endDate : today,
    settings.grain,
    weekStart,
  );
}

const compact = (date: string): string => date.replaceAll('-', '');
