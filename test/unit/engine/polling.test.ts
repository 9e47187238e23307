// How often lists are polled and counted, and how budgets are divided among what wants them.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isoSeconds } from '../../../src/base/clock.ts';
import { generalAllotment, reportsAllotment } from '../../../src/engine/pace/allotment.ts';
import { CountTurns } from '../../../src/engine/pace/count-turns.ts';
import { type PolledStream, type PollingSettings, pacing } from '../../../src/engine/pace/polling.ts';
import { catalog } from '../../../src/streams/catalog.ts';
import { EPOCH } from '../../support/epoch.ts';

const POLLING: PollingSettings = { targetMs: 4_000, quietMs: 10_000, idleMs: 60_000, budgetShare: 0.5 };
const GENERAL = { requests: 95, windowMs: 15_000 };
const AUTO = { pollMs: null, countMs: null, reconcileMs: 86_400_000 };
const NOW = EPOCH;
const LISTS = catalog.filter(({ kind }) => kind === 'list');

function lists(changedAgoMs: (place: number) => number, intervals: PolledStream['intervals'] = AUTO): PolledStream[] {
  return LISTS.map((definition, place) => {
    const ago = changedAgoMs(place);
    return { definition, intervals, changedAt: ago === Number.POSITIVE_INFINITY ? 0 : NOW - ago, isPolled: true };
  });
}

const intervalsOf = (streams: readonly PolledStream[], polling = POLLING, now = NOW) =>
  [...pacing(streams, polling, GENERAL, now).paces.values()].map(({ pollMs, countMs }) => [
    pollMs / 1000,
    countMs / 1000,
  ]);

describe('intervals by themselves', () => {
  test('five lists that change are polled every 4 s, the nine others every 10 s, all counted every 45 s, for 37 of 95 requests', () => {
    const streams = lists((place) => (place < 5 ? 60_000 : Number.POSITIVE_INFINITY));
    expect(LISTS).toHaveLength(14);
    expect(intervalsOf(streams)).toEqual([...Array(5).fill([4, 45]), ...Array(9).fill([10, 45])]);
    const { requests, stretch } = pacing(streams, POLLING, GENERAL, NOW);
    expect(requests).toBeCloseTo(5 * (15 / 4) + 9 * 1.5 + 14 / 3, 9);
    expect(stretch).toBe(1);
  });

  const first = (agoMs: number) => intervalsOf(lists((place) => (place === 0 ? agoMs : Number.POSITIVE_INFINITY)))[0];

  test('ten minutes after its last change a list goes more slowly, and after an hour the account sleeps', () => {
    expect(first(599_000)).toEqual([4, 45]);
    expect(first(600_000)).toEqual([10, 45]);
    expect(first(3_600_000)).toEqual([60, 300]);
    expect(first(Number.POSITIVE_INFINITY)).toEqual([60, 300]);
  });

  test('changes that are dated a little ahead of our clock are new, those of a clock that was set back by hours are not', () => {
    expect(first(-5_000)).toEqual([4, 45]);
    expect(first(-7_200_000)).toEqual([60, 300]);
  });

  test('a configured interval holds whatever changes', () => {
    expect(intervalsOf(lists(() => 0, { ...AUTO, pollMs: 30_000, countMs: 600_000 }))[0]).toEqual([30, 600]);
  });
});

describe('more polls than fit into their share', () => {
  test('stretch all intervals evenly', () => {
    const streams = lists(() => 0, { ...AUTO, pollMs: 1_000, countMs: 60_000 });
    const { stretch, requests } = pacing(streams, { ...POLLING, budgetShare: 0.25 }, GENERAL, NOW);
    // A tenth of it is left free.
    expect(requests).toBeCloseTo(Math.floor(95 / 4) * 0.9, 9);
    expect(intervalsOf(streams, { ...POLLING, budgetShare: 0.25 })).toEqual(
      Array(14).fill([expect.closeTo(stretch, 9), expect.closeTo(60 * stretch, 9)]),
    );
    expect(stretch).toBeCloseTo((14 * 15.25) / (Math.floor(95 / 4) * 0.9), 9);
  });

  test('never take more of the budget than that, and are never faster than asked [P6]', () => {
    const interval = fc.option(fc.integer({ min: 1_000, max: 100_000 }));
    const stream = fc.record({ pollMs: interval, countMs: interval, ago: fc.integer({ min: -9e6, max: 9e6 }) });
    fc.assert(
      fc.property(
        fc.array(stream, { minLength: 1, maxLength: 14 }),
        fc.integer({ min: 1, max: 200 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (given, requests, budgetShare) => {
          const streams = given.map(({ ago, ...intervals }, place) => ({
            definition: LISTS[place]!,
            intervals: { ...intervals, reconcileMs: 1 },
            changedAt: NOW - ago,
            isPolled: true,
          }));
          const paced = pacing(streams, { ...POLLING, budgetShare }, { requests, windowMs: 15_000 }, NOW);
          const perWindow = [...paced.paces.values()].map((pace) => 15_000 / pace.pollMs + 15_000 / pace.countMs);
          const asked = perWindow.reduce((a, b) => a + b, 0);
          expect(asked).toBeLessThanOrEqual(requests * Math.min(budgetShare, 0.8) * 0.9 * (1 + 1e-9));
          // Their lane holds whole requests.
          const { timely } = generalAllotment(requests, asked, budgetShare, true);
          expect(asked).toBeLessThanOrEqual(timely * 0.9 * (1 + 1e-9));
          for (const { definition, intervals } of streams) {
            const pace = paced.paces.get(definition.name)!;
            expect(pace.pollMs).toBeGreaterThanOrEqual(intervals.pollMs ?? POLLING.targetMs);
          }
        },
      ),
    );
  });
});

describe('the turns in which lists are counted', () => {
  /** Looks every second, counts what is due, and gives when each list was counted. */
  const countedTimes = (countMsAt: (second: number) => number, seconds: number, begunAt = EPOCH + 71) => {
    const turns = new CountTurns();
    const names = LISTS.map(({ name }) => name);
    const counted = new Map(names.map((name) => [name, [begunAt]]));
    for (let second = 1; second <= seconds; second++) {
      const now = begunAt + second * 1_000;
      const countMs = countMsAt(second);
      turns.look(
        names.map((name) => ({ name, countMs })),
        now,
      );
      for (const [name, times] of counted) {
        const countedAt = Date.parse(isoSeconds(times.at(-1)!));
        // Its answer takes a moment.
        if (countedAt < turns.sinceOf(name)) times.push(now + 80);
      }
    }
    return [...counted.values()].map((times) => times.slice(1));
  };

  test('are evenly spread over the interval, one for each list', () => {
    const times = countedTimes(() => 45_000, 90);
    expect(times.map((each) => each.length)).toEqual(LISTS.map(() => 2));
    const ascending = times.flat().sort((a, b) => a - b);
    const gaps = ascending.slice(1).map((at, place) => at - ascending[place]!);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(3_000);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(4_000);
  });

  test('come once an interval and no later, however often the interval changes', () => {
    const intervals = fc.array(fc.integer({ min: 45_000, max: 60_000 }), { minLength: 30, maxLength: 30 });
    fc.assert(
      fc.property(intervals, fc.integer({ min: 0, max: 999 }), (given, ms) => {
        const times = countedTimes((second) => given[Math.floor(second / 20)]!, 590, EPOCH + ms);
        for (const each of times) {
          const gaps = each.slice(1).map((at, place) => at - each[place]!);
          expect(Math.max(...gaps)).toBeLessThanOrEqual(62_000);
          expect(each.length).toBeLessThanOrEqual(1 + 590 / 45);
        }
      }),
      { numRuns: 50 },
    );
  });

  test('go on from now when the clock was set back', () => {
    const turns = new CountTurns();
    turns.look([{ name: 'clients', countMs: 45_000 }], EPOCH);
    turns.look([{ name: 'clients', countMs: 45_000 }], EPOCH - 3_600_000);
    expect(turns.sinceOf('clients')).toBe(EPOCH - 3_600_000);
  });
});

describe('the division of a budget', () => {
  test('leaves polls their room, everything else the rest, and never less than a fifth', () => {
    expect(generalAllotment(95, 37, 0.5, false)).toMatchObject({ timely: 47, rest: 95 - 44, bulk: 95 - 44 });
    expect(generalAllotment(95, 0, 0.5, false)).toMatchObject({ rest: 94 });
    expect(generalAllotment(95, 95, 1, false)).toMatchObject({ timely: 76, rest: 19 });
  });

  test('of polls leaves a twelfth of the rest to what follows from a change, while the account lives', () => {
    expect(generalAllotment(95, 37, 0.5, true)).toMatchObject({ timely: 47, rest: 51, bulk: 46 });
    expect(generalAllotment(95, 95, 1, true)).toMatchObject({ rest: 19, bulk: 17 });
    // A fifth of the window at a time, with some room: what follows waits seconds, not until the window has passed.
    expect(generalAllotment(95, 37, 0.5, true).burst).toBe(12);
    expect(generalAllotment(95, 37, 0.5, false).burst).toBe(Number.POSITIVE_INFINITY);
  });

  test('of children leaves half of the rest to lists that are being read', () => {
    expect(generalAllotment(95, 37, 0.5, true, true)).toMatchObject({ rest: 51, bulk: 46, children: 25 });
    expect(generalAllotment(95, 37, 0.5, true).children).toBe(Number.POSITIVE_INFINITY);
  });

  test('of reports gives the history all that current windows leave, at least half; dirty ones come in between', () => {
    expect(reportsAllotment(95, 28, true)).toMatchObject({ timely: 47, rest: 67, again: 1 });
    expect(reportsAllotment(95, 10, true)).toMatchObject({ rest: 85 });
    const read = reportsAllotment(95, 28, false);
    expect(read).toMatchObject({ rest: 67, again: Number.POSITIVE_INFINITY, timely: Number.POSITIVE_INFINITY });
  });

  test('leaves a turn to everything, however small the budget [P1]', () => {
    const needs = [fc.integer({ min: 1, max: 300 }), fc.double({ min: 0, max: 500, noNaN: true })] as const;
    fc.assert(
      fc.property(
        ...needs,
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        fc.boolean(),
        (requests, need, share, isTrue) => {
          const both = [
            generalAllotment(requests, need, share, isTrue, isTrue),
            reportsAllotment(requests, need, isTrue),
          ];
          for (const lanes of both) {
            for (const most of Object.values(lanes)) expect(most).toBeGreaterThanOrEqual(1);
          }
        },
      ),
    );
  });
});
