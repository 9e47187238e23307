// One mistyped date is one window more: reports read the windows in which something is recorded, and each class has its turn.
import { describe, expect, test } from 'vitest';
import { createSimulator } from '../../../lab/simulator/index.ts';
import type { Transport } from '../../../src/harvest/transport.ts';
import {
  account,
  benchAccount,
  falseChanges,
  inProcess,
  named,
  viewDifferences,
  virtualBench,
} from '../../support/account.ts';
import { dayAt } from '../../support/epoch.ts';
import { freeEntries } from '../../support/free-entries.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const MINUTE = 60_000;
const BELOW = ['company', 'clients', 'projects', 'tasks', 'users', 'time_entries', 'expenses'];
const REPORTS = ['time_clients', 'uninvoiced', 'expenses_team'];
const STREAMS = [...BELOW, ...REPORTS];

type Position = {
  readonly covered: { readonly first: string; readonly last: string };
  readonly dirty: readonly string[];
};

/** An account of half a year that was read, with an entry that may be edited. */
async function synced(options: Parameters<typeof account>[0] = {}) {
  const { simulator, pass } = account({ timeEntries: 60, years: 0.5, ...options });
  for (const { id, timer_started_at } of simulator.data.time_entries.all()) {
    if (timer_started_at !== null) simulator.data.time_entries.stop(id);
  }
  const log = new MemoryLog();
  const run = async (parts: Parameters<typeof benchAccount>[2] = {}) => {
    pass(10_000);
    const from = simulator.log.all().length;
    const bench = benchAccount(simulator, log, { streams: STREAMS, ...parts });
    await bench.catchUp();
    const targets = simulator.log
      .all()
      .slice(from)
      .map(({ target }) => target);
    return { events: bench.events, reports: targets.filter((target) => target.includes('/reports/')) };
  };
  await run();
  return { simulator, log, run, entry: freeEntries(simulator)[0]! };
}

describe.each(['0024-03-01', '2204-10-29'])('an entry dated %s [P1 P9]', (day) => {
  test('costs one window of each report, is named once, and is forgotten when it is mended', async () => {
    const { simulator, log, run, entry } = await synced();
    const meant = entry.spent_date;
    const covered = () =>
      ['time_clients', 'uninvoiced'].map((report) => (log.rows.get(report)!.position as Position).covered);
    const before = covered();
    simulator.data.time_entries.update(entry.id, { spent_date: day });
    const typo = await run();
    // The old window, the new one and the current one, of two reports; the current one of the third.
    expect(typo.reports.length).toBeLessThanOrEqual(7);
    expect(typo.reports.some((target) => target.includes(`from=${day.slice(0, 7).replace('-', '')}01`))).toBe(true);
    expect(named(typo.events, 'day.unlikely')).toEqual([
      expect.objectContaining({ stream: 'time_entries', record: entry.id, field: 'spent_date', day }),
    ]);
    expect(log.notifications.map(({ body }) => body)).toContainEqual(
      expect.objectContaining({ event: 'day.unlikely', record: entry.id }),
    );
    expect(await viewDifferences(simulator, log, STREAMS)).toEqual([]);

    simulator.data.time_entries.update(entry.id, { notes: 'still the wrong year' });
    expect(named((await run()).events, 'day.unlikely')).toEqual([]);

    simulator.data.time_entries.update(entry.id, { spent_date: meant });
    expect((await run()).reports.length).toBeLessThanOrEqual(7);
    expect(covered()).toEqual(before);
    expect(await viewDifferences(simulator, log, STREAMS)).toEqual([]);
    expect(falseChanges(log)).toEqual([]);
  });
});

test('windows in which nothing is recorded are not asked for, and everything that was tracked is there [P1]', async () => {
  const { simulator, log, run, entry } = await synced();
  simulator.data.time_entries.update(entry.id, { spent_date: '2019-05-06' });
  expect((await run()).reports.length).toBeLessThanOrEqual(7);
  expect(await viewDifferences(simulator, log, STREAMS)).toEqual([]);
});

test('while entries may not be read, nobody knows which windows are empty: those since the start date are read [P1]', async () => {
  const { simulator } = account({ timeEntries: 60, years: 0.5 });
  simulator.faults.add({ match: { stream: 'time_entries' }, do: { kind: 'status', status: 403 } });
  const log = new MemoryLog();
  const startDate = dayAt(-324);
  await benchAccount(simulator, log, { streams: STREAMS, settings: { startDate } }).catchUp();
  const asked = simulator.log.all().filter(({ target }) => target.includes('/reports/time/clients'));
  const months = new Set(asked.map(({ target }) => /from=(\d{6})/.exec(target)![1]));
  expect(months.size).toBeGreaterThanOrEqual(9);
  expect(months).toContain(startDate.slice(0, 7).replace('-', ''));
});

interface Asked {
  readonly target: string;
  readonly at: number;
  /** Its window was the day on which it was asked for. */
  readonly ofToday: boolean;
}

/** A running daemon whose reports are asked for at times. */
async function watched(options: Omit<NonNullable<Parameters<typeof virtualBench>[3]>, 'source'>, reports: number) {
  const clock = new VirtualClock();
  const budgets = { general: null, reports: null };
  const simulator = createSimulator({ timeEntries: 120, years: 1, now: clock.now, budgets });
  const log = new MemoryLog();
  const asked: Asked[] = [];
  const answer = inProcess(simulator);
  const transport: Transport = async (request, signal) => {
    await clock.sleep(100);
    const target = request.url;
    // The day may end while the test runs.
    const ofToday = target.includes(`from=${simulator.data.today().replaceAll('-', '')}`);
    if (target.includes('/reports/')) asked.push({ target, at: clock.monotonic(), ofToday });
    return answer(request, signal);
  };
  const limits = { general: { requests: 95, perSeconds: 15 }, reports: { requests: reports, perSeconds: 900 } };
  const bench = virtualBench(simulator, log, clock, {
    ...options,
    chance: 0.5,
    source: { budgets: limits, transport },
  });
  const daemon = bench.start();
  const end = async () => {
    daemon.stop();
    await clock.pass(MINUTE);
    await daemon.ended;
  };
  /** The longest time without a request of that kind, ms. */
  const gaps = (isMeant: (request: Asked) => boolean) => {
    const times = asked.filter(isMeant).map(({ at }) => at);
    return Math.max(...[...times, clock.monotonic()].map((at, place) => at - (times[place - 1] ?? 0)));
  };
  return { clock, simulator, asked, gaps, end };
}

test('the project budget is read in time while years of days are unread [P1]', async () => {
  const intervals = { pollMs: 15 * MINUTE, countMs: 5 * MINUTE, reconcileMs: 1_440 * MINUTE };
  const streams = [...STREAMS, 'time_projects', 'time_tasks', 'time_team', 'project_budget'];
  const { clock, asked, gaps, end } = await watched({ settings: { grain: 'day' }, intervals, streams }, 40);
  await clock.pass(120 * MINUTE);
  expect(asked.length).toBeGreaterThan(200);
  expect(gaps(({ target }) => target.includes('project_budget'))).toBeLessThanOrEqual(32 * MINUTE);
  await end();
}, 120_000);

test('unread, dirty and current windows take turns [P1]', async () => {
  const intervals = { pollMs: 10_000, countMs: 5 * MINUTE, reconcileMs: 1_440 * MINUTE };
  const streams = [...BELOW, 'time_clients'];
  const { clock, simulator, asked, gaps, end } = await watched({ settings: { grain: 'day' }, intervals, streams }, 10);
  await clock.pass(20 * MINUTE);
  const unread = asked.length;
  const [entry] = simulator.data.time_entries.all().slice(-1);
  simulator.data.time_entries.update(entry!.id, { notes: 'x', hours: 1.23 });
  await clock.pass(60 * MINUTE);
  expect(gaps(({ ofToday }) => ofToday)).toBeLessThanOrEqual(16 * MINUTE);
  const days = new Set(asked.slice(unread).map(({ target }) => /from=(\d+)/.exec(target)![1]));
  expect(days.size).toBeGreaterThan(10);
  expect(days).toContain(entry!.spent_date.replaceAll('-', ''));
  await end();
}, 120_000);
