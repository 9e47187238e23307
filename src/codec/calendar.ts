// Harvest's dates and datetimes as numbers and back. Strict: what is not a real day or instant is NaN, where
// Date.parse would give 3 March for 31 February and local time for text without a zone.

const DAY_MS = 86_400_000;
const ZONE = /^(?:\.(\d+))?(?:Z|([+-])(\d\d):?(\d\d))$/;

/** `2017-03-01` as days since 1970-01-01; NaN when it is no day of the calendar. */
export function epochDay(text: string): number {
  return text.length === 10 ? dayAt(text) : Number.NaN;
}

/** `2017-06-26T21:36:23Z` (or with a fraction or an offset) as ms since 1970; finer parts are cut off. NaN when invalid. */
export function epochMillis(text: string): number {
  const hour = two(text, 11);
  const minute = two(text, 14);
  const second = two(text, 17);
  const separated = text[10] === 'T' && text[13] === ':' && text[16] === ':';
  if (!separated || !(hour < 24 && minute < 60 && second < 60)) return Number.NaN;
  const local = dayAt(text) * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000;
  return text.length === 20 && text[19] === 'Z' ? local : local + zoneMillis(text.slice(19));
}

/** Whether the text of a valid datetime says more than milliseconds can hold. */
export function isFinerThanMillis(text: string): boolean {
  return text.length > 24 && /\.\d{4}/.test(text);
}

/** The day at the start of the text, by the proleptic Gregorian calendar with the year begun in March. */
function dayAt(text: string): number {
  const year = two(text, 0) * 100 + two(text, 2);
  const month = two(text, 5);
  const day = two(text, 8);
  const dashed = text[4] === '-' && text[7] === '-';
  if (!dashed || !(month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month))) return Number.NaN;
  const march = month > 2 ? month - 3 : month + 9;
  const years = month > 2 ? year : year - 1;
  const leapDays = Math.floor(years / 4) - Math.floor(years / 100) + Math.floor(years / 400);
  return years * 365 + leapDays + Math.floor((153 * march + 2) / 5) + day - 1 - 719_468;
}

function daysIn(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
}

/** The decimal number of two digits at `start`; NaN when one of them is none. */
function two(text: string, start: number): number {
  const tens = text.charCodeAt(start) - 48;
  const ones = text.charCodeAt(start + 1) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

/** Milliseconds to add to the local time for a tail such as `.250Z` or `+02:00`. */
function zoneMillis(tail: string): number {
  const match = ZONE.exec(tail);
  if (match === null) return Number.NaN;
  const [, fraction = '', sign, hours = '0', minutes = '0'] = match;
  const offset = (Number(hours) * 60 + Number(minutes)) * 60_000;
  return Number(fraction.padEnd(3, '0').slice(0, 3)) + (sign === '-' ? offset : -offset);
}
