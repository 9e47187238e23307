// The calendar windows of reports. Pure: dates are `YYYY-MM-DD`, without zone (HARVEST-API, Time zones); both ends included.
import { DateTime, type DurationLikeObject } from 'luxon';

export type Grain = 'day' | 'week' | 'month' | 'quarter' | 'year';
/** `week_start_day` of `/company`. */
export type WeekStart = 'Saturday' | 'Sunday' | 'Monday';

/** Where the account's settings, as Harvest answers them, begin their weeks: on Monday unless they say otherwise. */
export function weekStartIn({ week_start_day: day }: Readonly<Record<string, unknown>>): WeekStart {
  return day === 'Saturday' || day === 'Sunday' ? day : 'Monday';
}

export interface Window {
  readonly from: string;
  readonly to: string;
}

const DAY_MS = 86_400_000;

const STEP: Record<Grain, DurationLikeObject> = {
  day: { days: 1 },
  week: { weeks: 1 },
  month: { months: 1 },
  quarter: { quarters: 1 },
  year: { years: 1 },
};

// Luxon's weeks begin on Monday: shifting the date first makes them begin where the company's do.
const DAYS_BEFORE_MONDAY: Record<WeekStart, number> = { Monday: 0, Sunday: 1, Saturday: 2 };

/** The window that holds `date`. Never longer than the 365 days Harvest takes: a leap year is `to - from` = 365. */
export function windowOf(date: string, grain: Grain, weekStart: WeekStart = 'Monday'): Window {
  const name = `${grain} ${weekStart} ${date}`;
  const known = windows.get(name);
  if (known !== undefined) return known;
  // The schedule asks for the same few windows at every step, and calendars are slow: a century of days is kept.
  if (windows.size > WINDOWS_MAX) windows.clear();
  const window = calendarWindow(date, grain, weekStart);
  windows.set(name, window);
  return window;
}

const WINDOWS_MAX = 40_000;
const windows = new Map<string, Window>();

function calendarWindow(date: string, grain: Grain, weekStart: WeekStart): Window {
  const shift = grain === 'week' ? DAYS_BEFORE_MONDAY[weekStart] : 0;
  const day = DateTime.fromISO(date, { zone: 'utc' });
  if (!day.isValid) throw new RangeError(`not a date: ${date}`);
  const from = day.plus({ days: shift }).startOf(grain).minus({ days: shift });
  return { from: from.toISODate(), to: from.plus(STEP[grain]).minus({ days: 1 }).toISODate() };
}

export function windowAfter(window: Window, grain: Grain, weekStart?: WeekStart): Window {
  return windowOf(isoDay(Date.parse(window.to) / DAY_MS + 1), grain, weekStart);
}

/** Nobody tracked time so long ago, or plans so far ahead: a mistyped year. */
const YEARS_BACK = 25;
const YEARS_AHEAD = 2;

/** Whether a day, in days since 1970, is too far from `today` to be meant. */
export function isUnlikely(day: number, today: string): boolean {
  const years = (day - Date.parse(today) / DAY_MS) / 365.25;
  return years < -YEARS_BACK || years > YEARS_AHEAD;
}

/** The facts that decide which windows a report has. */
export interface WindowSpan {
  readonly grain: Grain;
  readonly weekStart: WeekStart;
  /** `harvest.start_date` and `harvest.end_date`, or null. */
  readonly startDate: string | null;
  readonly endDate: string | null;
  readonly today: string;
  /** Days on which something is recorded, since 1970. */
  readonly days: Iterable<number>;
  /** Those are all such days. */
  readonly isWhole: boolean;
}

/** The window of today, or of the last day that is asked for. */
export function currentWindow({ grain, weekStart, endDate, today }: Omit<WindowSpan, 'days' | 'isWhole'>): Window {
  return windowOf(endDate !== null && endDate < today ? endDate : today, grain, weekStart);
}

/**
 * First days of the windows that a report has, ascending: those in which something is recorded, and the current one. Where it is
 * not known what is recorded, also all from the start date, or the oldest likely day, to the current one.
 */
export function windowStarts(span: WindowSpan): string[] {
  const { grain, weekStart, startDate, endDate, today, isWhole } = span;
  const ofDay = (date: string) => windowOf(date, grain, weekStart).from;
  const current = currentWindow(span).from;
  const starts = startsOf(span);
  if (!isWhole) {
    const likely = [...span.days].filter((day) => !isUnlikely(day, today));
    let from = ofDay(startDate ?? isoDay(Math.min(...likely, Date.parse(today) / DAY_MS)));
    for (; from < current; from = windowAfter(windowOf(from, grain, weekStart), grain, weekStart).from)
      starts.add(from);
  }
  const first = startDate === null ? '' : ofDay(startDate);
  const last = endDate === null ? '9999-12-31' : ofDay(endDate);
  const asked = [...starts].filter((from) => from >= first && from <= last);
  return [...new Set([...asked, current])].sort();
}

/** First days of the windows that hold the days. A calendar is slow, so it is asked once a window and not once a day. */
function startsOf({ days, grain, weekStart }: WindowSpan): Set<string> {
  const starts = new Set<string>();
  let last = Number.NEGATIVE_INFINITY;
  for (const day of [...days].sort((a, b) => a - b)) {
    if (day <= last) continue;
    const { from, to } = windowOf(isoDay(day), grain, weekStart);
    starts.add(from);
    last = Date.parse(to) / DAY_MS;
  }
  return starts;
}

/** Days since 1970-01-01 as `YYYY-MM-DD`. */
export function isoDay(epochDay: number): string {
  return new Date(epochDay * DAY_MS).toISOString().slice(0, 10);
}
