import fc from 'fast-check';
import { expect, test } from 'vitest';
import { epochDay, epochMillis, isFinerThanMillis } from '../../../src/codec/calendar.ts';
import { isoDay } from '../../../src/streams/windows.ts';
import { runs } from '../../support/runs.ts';

const LAST = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
const anyMoment = fc.integer({ min: Date.UTC(100, 0, 1), max: LAST });

test('a day and its text are two forms of the same', () => {
  fc.assert(
    fc.property(anyMoment, (moment) => {
      const text = new Date(moment).toISOString().slice(0, 10);
      expect(epochDay(text)).toBe(Math.floor(moment / 86_400_000));
      expect(isoDay(epochDay(text))).toBe(text);
    }),
    runs(2_000),
  );
});

test('every day of 2000 to 2100 is a date, and no other day of those months is', () => {
  const wrong: string[] = [];
  for (let year = 2000; year <= 2100; year++) {
    for (let month = 1; month <= 12; month++) {
      for (let day = 1; day <= 32; day++) {
        const text = `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
        const moment = new Date(Date.UTC(year, month - 1, day));
        const expected = moment.getUTCMonth() === month - 1 ? moment.getTime() / 86_400_000 : Number.NaN;
        if (!Object.is(epochDay(text), expected)) wrong.push(text);
      }
    }
  }
  expect(wrong).toEqual([]);
});

test('an instant is read as the platform reads it', () => {
  fc.assert(
    fc.property(anyMoment, (moment) => {
      const text = new Date(moment).toISOString();
      expect(epochMillis(text)).toBe(moment);
      expect(epochMillis(`${text.slice(0, 19)}Z`)).toBe(Math.floor(moment / 1000) * 1000);
    }),
    runs(2_000),
  );
});

test('offsets and fractions are understood', () => {
  const noon = Date.UTC(2024, 1, 29, 12);
  expect(epochMillis('2024-02-29T14:00:00+02:00')).toBe(noon);
  expect(epochMillis('2024-02-29T06:30:00-0530')).toBe(noon);
  expect(epochMillis('2024-02-29T12:00:00.5Z')).toBe(noon + 500);
  expect(epochMillis('2024-02-29T12:00:00.123456Z')).toBe(noon + 123);
});

test('only a fraction below the millisecond is finer than milliseconds', () => {
  expect(isFinerThanMillis('2024-02-29T12:00:00.123456Z')).toBe(true);
  expect(isFinerThanMillis('2024-02-29T12:00:00.123+02:00')).toBe(false);
  expect(isFinerThanMillis('2024-02-29T12:00:00Z')).toBe(false);
});

test.each([
  '2023-02-29',
  '2024-02-30',
  '1900-02-29',
  '2024-13-01',
  '2024-00-10',
  '2024-04-31',
  '2024-1-01',
  '20240101',
  '2024/01/01',
  '2024-01-01Z',
  '',
  '2024-01-0x',
])('%j is no date', (text) => {
  expect(epochDay(text)).toBeNaN();
});

test.each([
  '2024-02-30T00:00:00Z',
  '2024-01-01T24:00:00Z',
  '2024-01-01T12:60:00Z',
  '2024-01-01T12:00:61Z',
  '2024-01-01T12:00:00',
  '2024-01-01 12:00:00Z',
  '2024-01-01',
  '2024-01-01T12:00:00.Z',
  '2024-01-01T12:00:00 UTC',
  '2024-01-01T1 :00:00Z',
  'yesterday',
])('%j is no instant', (text) => {
  expect(epochMillis(text)).toBeNaN();
});
