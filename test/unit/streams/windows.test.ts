import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Grain,
  isoDay,
  type WeekStart,
  windowAfter,
  windowBefore,
  windowCount,
  windowOf,
} from '../../../src/streams/windows.ts';

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
    );
  });

  test('ends the day before the next begins, and the way back is the way forth', () => {
    fc.assert(
      fc.property(date, grain, weekStart, (date, grain, weekStart) => {
        const window = windowOf(date, grain, weekStart);
        const after = windowAfter(window, grain, weekStart);
        expect(days(window.to, after.from)).toBe(1);
        expect(windowBefore(after, grain, weekStart)).toEqual(window);
        expect(windowCount(window.from, after.from, grain)).toBe(2);
      }),
    );
  });

  test('is the same for each of its days', () => {
    fc.assert(
      fc.property(date, grain, weekStart, (date, grain, weekStart) => {
        const window = windowOf(date, grain, weekStart);
        expect(windowOf(window.from, grain, weekStart)).toEqual(window);
        expect(windowOf(window.to, grain, weekStart)).toEqual(window);
      }),
    );
  });
});

test('weeks begin on the company’s day', () => {
  expect(windowOf('2026-11-21', 'week', 'Monday')).toEqual({ from: '2026-11-16', to: '2026-11-22' });
  expect(windowOf('2026-11-21', 'week', 'Sunday')).toEqual({ from: '2026-11-15', to: '2026-11-21' });
  expect(windowOf('2026-11-21', 'week', 'Saturday')).toEqual({ from: '2026-11-21', to: '2026-11-27' });
});

test('a leap year is one window of 365 days between its ends', () => {
  expect(windowOf('2024-02-29', 'year')).toEqual({ from: '2024-01-01', to: '2024-12-31' });
});
