// Dates and times in the forms Harvest writes and reads (HARVEST-API, Values). Pure: knows no clock.
// Inside the simulator a date is 'YYYY-MM-DD' (compares as text) and a datetime is whole seconds since 1970.

const DAY = 86_400;
const TWO_DIGITS = Array.from({ length: 60 }, (_, n) => String(n).padStart(2, '0'));
const datesByDay = new Map<number, string>();

/** '2017-03-01' of a day number. The text is made once per day: a large account holds the same few dates often. */
export function dateOfDay(day: number): string {
  let date = datesByDay.get(day);
  if (date === undefined) {
    date = new Date(day * DAY * 1000).toISOString().slice(0, 10);
    datesByDay.set(day, date);
  }
  return date;
}

export const dayOfDate = (date: string): number => Date.parse(`${date}T00:00:00Z`) / 1000 / DAY;
export const dayOf = (seconds: number): number => Math.floor(seconds / DAY);
export const dateOf = (seconds: number): string => dateOfDay(dayOf(seconds));
export const midnightOf = (date: string): number => dayOfDate(date) * DAY;
export const addDays = (date: string, days: number): string => dateOfDay(dayOfDate(date) + days);
export const daysBetween = (from: string, to: string): number => dayOfDate(to) - dayOfDate(from);

export type Grain = 'day' | 'week' | 'month' | 'quarter' | 'year';

export interface Window {
  readonly from: string;
  readonly to: string;
}

const MONTHS: Readonly<Record<'month' | 'quarter' | 'year', number>> = { month: 1, quarter: 3, year: 12 };
/** 1 January 1970 was a Thursday: so many days after the start of a week. */
const INTO_WEEK = { Monday: 3, Sunday: 4, Saturday: 5 } as const;

/** The calendar window that holds the date; both ends included. */
export function windowAround(date: string, grain: Grain, weekStart: keyof typeof INTO_WEEK): Window {
  if (grain === 'day') return { from: date, to: date };
  if (grain === 'week') {
    const intoWeek = (dayOfDate(date) + INTO_WEEK[weekStart]) % 7;
    const from = addDays(date, -(intoWeek < 0 ? intoWeek + 7 : intoWeek));
    return { from, to: addDays(from, 6) };
  }
  const length = MONTHS[grain];
  const [year, month] = date.split('-').map(Number) as [number, number];
  const first = Math.floor((month - 1) / length) * length;
  const digits = (value: number, width: number) => String(value).padStart(width, '0');
  const monthStart = (months: number) =>
    `${digits(year + Math.floor(months / 12), 4)}-${digits((months % 12) + 1, 2)}-01`;
  return { from: monthStart(first), to: addDays(monthStart(first + length), -1) };
}

/** '2017-06-26T21:36:23Z' */
export function dateTime(seconds: number): string {
  const day = dayOf(seconds);
  const rest = seconds - day * DAY;
  const minutes = Math.floor(rest / 60);
  return `${dateOfDay(day)}T${TWO_DIGITS[Math.floor(minutes / 60)]}:${TWO_DIGITS[minutes % 60]}:${TWO_DIGITS[rest % 60]}Z`;
}

export const dateTimeOrNull = (seconds: number | null): string | null => (seconds === null ? null : dateTime(seconds));

/** Reads `YYYY-MM-DD` or `YYYYMMDD`; null when it is neither or no such day exists. */
export function parseDate(text: string): string | null {
  const parts = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text) ?? /^(\d{4})(\d\d)(\d\d)$/.exec(text);
  if (!parts) return null;
  const date = `${parts[1]}-${parts[2]}-${parts[3]}`;
  const ms = Date.parse(`${date}T00:00:00Z`);
  return Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== date ? null : date;
}

/** Seconds, fractions kept, of an ISO 8601 time with `T` and a zone, or of a plain date; null for anything else. */
export function parseDateTime(text: string): number | null {
  const date = parseDate(text);
  if (date !== null) return midnightOf(date);
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/.test(text)) return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms / 1000;
}

/** '8:00am' or '15:30' of minutes since midnight, as the company's clock asks. */
export function timeOfDay(minutes: number, clock: '12h' | '24h'): string {
  const hour = Math.floor(minutes / 60);
  const rest = TWO_DIGITS[minutes % 60];
  if (clock === '24h') return `${TWO_DIGITS[hour]}:${rest}`;
  return `${hour % 12 === 0 ? 12 : hour % 12}:${rest}${hour < 12 ? 'am' : 'pm'}`;
}

/** Minutes since midnight of '8:00am' or '15:30'; null when it is neither. */
export function parseTimeOfDay(text: string): number | null {
  const parts = /^(\d{1,2}):(\d\d)\s*(am|pm)?$/i.exec(text.trim());
  if (!parts) return null;
  const half = parts[3]?.toLowerCase();
  const hour = half === undefined ? Number(parts[1]) : (Number(parts[1]) % 12) + (half === 'pm' ? 12 : 0);
  const minutes = hour * 60 + Number(parts[2]);
  return minutes < 24 * 60 && Number(parts[2]) < 60 ? minutes : null;
}
