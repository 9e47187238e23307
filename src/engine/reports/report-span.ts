// Which windows a report stream holds: those in which its lists have something recorded, and the current one. An empty window
// answers nothing (uninvoiced: zeros, and what invoices leave open whatever the window), so that one mistyped year is one
// window more and not a thousand.
import { isoSeconds } from '../../base/clock.ts';
import {
  currentWindow as currentOf,
  isoDay,
  type WeekStart,
  type Window,
  type WindowSpan,
  weekStartIn,
  windowStarts,
} from '../../streams/windows.ts';
import { isReadable, type StreamRuntime, settingsStream } from '../state/stream-runtime.ts';
import type { StepContext, StepSettings } from '../step.ts';

type View = Pick<StepContext, 'settings' | 'streams'>;

export interface ReportWindows {
  /** First days, ascending. */
  readonly held: readonly string[];
  /** The same, and those that have rows on the topic all the same. */
  readonly known: readonly string[];
  /** A window that is none of those held has no rows to have: what is recorded is known, and nothing is in it. */
  readonly isEmpty: (from: string) => boolean;
}

/** The company's week start; Monday until `/company` was read. */
export function weekStartOf(streams: StepContext['streams']): WeekStart {
  return weekStartIn(settingsStream(streams)?.row.company ?? {});
}

/** The schedule asks at every look: kept until a day, a list or today is another. */
const kept = new WeakMap<StreamRuntime, { readonly key: string; readonly windows: ReportWindows }>();

/** The windows of a report, as far as its lists were read. */
export function reportWindows(report: StreamRuntime, { settings, streams }: View, now: number): ReportWindows {
  const sources = report.definition.sources.map((name) => streams.get(name));
  // With a start date, lists are read by what changed since: what else is recorded after it is not known.
  const isWhole = settings.startDate === null && sources.every((source) => source && isReadable(source));
  const span = { ...spanOf(settings, now, weekStartOf(streams)), isWhole };
  const versions = [report, ...sources].map((runtime) => runtime?.index.daysVersion);
  const key = [...Object.values(span), ...versions].join();
  const before = kept.get(report);
  if (before?.key === key) return before.windows;
  const windows = made({ ...span, days: sources.flatMap((source) => [...(source?.index.days.keys() ?? [])]) }, report);
  kept.set(report, { key, windows });
  return windows;
}

function made(span: WindowSpan, { index }: StreamRuntime): ReportWindows {
  const held = windowStarts(span);
  const known = [...new Set([...held, ...[...index.days.keys()].map(isoDay)])].sort();
  const set = new Set(held);
  const last = span.endDate ?? '9999-12-31';
  return { held, known, isEmpty: (from) => span.isWhole && !set.has(from) && from <= last };
}

/** The window of today, or of `harvest.end_date`. */
export function currentWindow(settings: StepSettings, now: number, weekStart: WeekStart): Window {
  return currentOf(spanOf(settings, now, weekStart));
}

function spanOf({ grain, startDate, endDate }: StepSettings, now: number, weekStart: WeekStart) {
  return { grain, startDate, endDate, today: isoSeconds(now).slice(0, 10), weekStart };
}
