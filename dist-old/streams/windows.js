// The calendar windows of reports. Pure: dates are `YYYY-MM-DD`, without zone (harvest-api section 12); both ends included.
import { DateTime } from 'luxon';
const STEP = {
    day: { days: 1 },
    week: { weeks: 1 },
    month: { months: 1 },
    quarter: { quarters: 1 },
    year: { years: 1 },
};
// Luxon's weeks begin on Monday: shifting the date first makes them begin where the company's do.
const DAYS_BEFORE_MONDAY = { Monday: 0, Sunday: 1, Saturday: 2 };
/** The window that holds `date`. Never longer than the 365 days Harvest takes: a leap year is `to - from` = 365. */
export function windowOf(date, grain, weekStart = 'Monday') {
    const name = `${grain} ${weekStart} ${date}`;
    const known = windows.get(name);
    if (known !== undefined)
        return known;
    // The schedule asks for the same few windows at every step, and calendars are slow: a century of days is kept.
    if (windows.size > WINDOWS_MAX)
        windows.clear();
    const window = calendarWindow(date, grain, weekStart);
    windows.set(name, window);
    return window;
}
const WINDOWS_MAX = 40_000;
const windows = new Map();
function calendarWindow(date, grain, weekStart) {
    const shift = grain === 'week' ? DAYS_BEFORE_MONDAY[weekStart] : 0;
    const from = parse(date).plus({ days: shift }).startOf(grain).minus({ days: shift });
    return { from: format(from), to: format(from.plus(STEP[grain]).minus({ days: 1 })) };
}
export function windowAfter(window, grain, weekStart) {
    return windowOf(dayAfter(window.to, 1), grain, weekStart);
}
export function windowBefore(window, grain, weekStart) {
    return windowOf(dayAfter(window.from, -1), grain, weekStart);
}
function dayAfter(date, days) {
    return isoDay(Date.parse(date) / 86_400_000 + days);
}
/** How many windows lie from the one that starts at `first` to the one that starts at `last`, both included. */
export function windowCount(first, last, grain) {
    const unit = grain === 'quarter' ? 'quarters' : `${grain}s`;
    return Math.round(parse(last).diff(parse(first), unit).as(unit)) + 1;
}
/** Days since 1970-01-01 as `YYYY-MM-DD`. */
export function isoDay(epochDay) {
    return new Date(epochDay * 86_400_000).toISOString().slice(0, 10);
}
function parse(date) {
    const parsed = DateTime.fromISO(date, { zone: 'utc' });
    if (!parsed.isValid)
        throw new RangeError(`not a date: ${date}`);
    return parsed;
}
function format(date) {
    return date.toFormat('yyyy-MM-dd');
}
