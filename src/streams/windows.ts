// The calendar windows of reports. Pure: dates are `YYYY-MM-DD`, without zone (harvest-api section 12); both ends included.
import { DateTime, type DurationLikeObject } from 'luxon';

export type Grain = 'day' | 'week' | 'month' | 'quarter' | 'year';
/** `week_start_day` of `/company`. */
export type WeekStart = 'Saturday' | 'Sunday' | 'Monday';

export interface Window {
  readonly from: string;
  readonly to: string;
}

const STEP: Record<Grain, DurationLikeObject> = {
  day: { days: 1 },
  week: { weeks: 1 },
  month: { months: 1 },
  quarter: { quarters: 1 },
  year: { years: 1 },
};

// Luxon's weeks begin on Monday: shifting the date first makes them begin where the company's do.
const DAYS_BEFORE_MONDAY: Record<WeekStart, number> = { Monday: 0, Sunday: 1, Saturday: 2 };

/** Windows found so far: the schedule asks for the same few again and again. */
const found = new Map<string, Window>();
const FOUND_MAX = 10_000;

/** The window that holds `date`. Never longer than the 365 days Harvest takes: a leap year is `to - from` = 365. */
export function windowOf(date: string, grain: Grain, weekStart: WeekStart = 'Monday'): Window {
  const question = `${grain} ${weekStart} ${date}`;
  const known = found.get(question);
  if (known) return known;
  const shift = grain === 'week' ? DAYS_BEFORE_MONDAY[weekStart] : 0;
  const from = parse(date).plus({ days: shift }).startOf(grain).minus({ days: shift });
  const window = { from: format(from), to: format(from.plus(STEP[grain]).minus({ days: 1 })) };
  if (found.size === FOUND_MAX) found.clear();
  found.set(question, window);
  return window;
}

export function windowAfter(window: Window, grain: Grain, weekStart?: WeekStart): Window {
  return windowOf(format(parse(window.to).plus({ days: 1 })), grain, weekStart);
}

export function windowBefore(window: Window, grain: Grain, weekStart?: WeekStart): Window {
  return windowOf(format(parse(window.from).minus({ days: 1 })), grain, weekStart);
}

/** How many windows lie from the one that starts at `first` to the one that starts at `last`, both included. */
export function windowCount(first: string, last: string, grain: Grain): number {
  const unit = grain === 'quarter' ? 'quarters' : (`${grain}s` as const);
  return Math.round(parse(last).diff(parse(first), unit).as(unit)) + 1;
}

/** Days since 1970-01-01 as `YYYY-MM-DD`. */
export function isoDay(epochDay: number): string {
  return new Date(epochDay * 86_400_000).toISOString().slice(0, 10);
}

function parse(date: string): DateTime {
  const parsed = DateTime.fromISO(date, { zone: 'utc' });
  if (!parsed.isValid) throw new RangeError(`not a date: ${date}`);
  return parsed;
}

function format(date: DateTime): string {
  return date.toFormat('yyyy-MM-dd');
}
