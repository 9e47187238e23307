import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Grain, isoDay, type WeekStart, windowAfter, windowOf } from '../../../src/streams/windows.ts';
import { runs } from '../../support/runs.ts';

const date = fc.integer({ min: Date.UTC(2000, 0, 1) / 864e5, max: Date.UTC(2100, 11, 31) / 864e5 }).map(isoDay);
const grain = fc.constantFrom<Grain>('day', 'week', 'month', 'quarter', 'year');
const weekStart = fc.constantFrom<WeekStart>('Saturday', 'Sunday', 'Monday');
const days = (from: string, to: string) => (Date.parse(to) - Date.parse(from)) / 864e5;

describe('every window of every grain, 2000 to 2100', () => {
  test('holds its date and is never longer than the 365 days that Harvest takes', () => {
    fc.assert(
      fc.property(date, grain, weekStart, (date, grain, weekStart) => {
        const window = windowOf(date, grain, weekStart);
        expect(window.from <= date && date <= window.to).toBe(true);
        expect(days(window.from, window.to)).toBeLessThanOrEqual(365);
      }),
      runs(300),
    );
  });

  test('ends the day before the next begins', () => {
    fc.assert(
      fc.property(date, grain, weekStart, (date, grain, weekStart) => {
        const window = windowOf(date, grain, weekStart);
        const after = windowAfter(window, grain, weekStart);
        expect(days(window.to, after.from)).toBe(1);
      }),
      runs(300),
    );
  });

  test('is the same for each of its days', () => {
    fc.assert(
      fc.property(date, grain, weekStart, (date, grain, weekStart) => {
        const window = windowOf(date, grain, weekStart);
        expect(windowOf(window.from, grain, weekStart)).toEqual(window);
        expect(windowOf(window.to, grain, weekStart)).toEqual(window);
      }),
      runs(300),
    );
  });
});

/** The window that holds a day, by the platform's own calendar. */
function reference(day: number, grain: Grain, weekStart: WeekStart): { from: string; to: string } {
  const date = new Date(day * 864e5);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  const months = (first: number, count: number) => ({
    from: isoDay(Date.UTC(year, first, 1) / 864e5),
    to: isoDay(Date.UTC(year, first + count, 0) / 864e5),
  });
  switch (grain) {
    case 'day':
      return { from: isoDay(day), to: isoDay(day) };
    case 'week': {
      const first = { Sunday: 0, Monday: 1, Saturday: 6 }[weekStart];
      const from = day - ((date.getUTCDay() - first + 7) % 7);
      return { from: isoDay(from), to: isoDay(from + 6) };
    }
    case 'month':
      return months(month, 1);
    case 'quarter':
      return months(month - (month % 3), 3);
    case 'year':
      return months(0, 12);
  }
}

test.each<[Grain, WeekStart]>([
  ['day', 'Monday'],
  ['week', 'Monday'],
  ['week', 'Sunday'],
  ['week', 'Saturday'],
  ['month', 'Monday'],
  ['quarter', 'Monday'],
  ['year', 'Monday'],
])('windows of a %s (weeks from %s) hold each day of 2000 to 2100 exactly once', (grain, weekStart) => {
  const last = Date.UTC(2100, 11, 31) / 864e5;
  const wrong: string[] = [];
  let window = windowOf('2000-01-01', grain, weekStart);
  for (let day = Date.UTC(2000, 0, 1) / 864e5; day <= last; day++) {
    const date = isoDay(day);
    if (date > window.to) window = windowAfter(window, grain, weekStart);
    const { from, to } = reference(day, grain, weekStart);
    if (window.from !== from || window.to !== to) wrong.push(`${date}: ${window.from} to ${window.to}`);
    if (days(from, to) > 365) wrong.push(`${date}: longer than Harvest takes`);
  }
  expect(wrong).toEqual([]);
});

test('weeks begin on the company’s day', () => {
  expect(windowOf('2026-11-21', 'week', 'Monday')).toEqual({ from: '2026-11-16', to: '2026-11-22' });
  expect(windowOf('2026-11-21', 'week', 'Sunday')).toEqual({ from: '2026-11-15', to: '2026-11-21' });
  expect(windowOf('2026-11-21', 'week', 'Saturday')).toEqual({ from: '2026-11-21', to: '2026-11-27' });
});

test('a leap year is one window of 365 days between its ends', () => {
  expect(windowOf('2024-02-29', 'year')).toEqual({ from: '2024-01-01', to: '2024-12-31' });
});
