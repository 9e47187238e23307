// The status tells the requests that snapshots still need: the estimate of the time left counts on it.
import { expect, test } from 'vitest';
import { createSimulator } from '../../../lab/simulator/index.ts';
import { virtualBench } from '../../support/account.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const REPORTS = ['time_clients', 'time_projects'];
const MINUTE = 60_000;

test('report windows that are not read are known, and how long a spent budget takes for them counts down to none', async () => {
  const clock = new VirtualClock();
  const simulator = createSimulator({ timeEntries: 50, years: 1, now: clock.now });
  const budgets = { general: { requests: 95, perSeconds: 15 }, reports: { requests: 10, perSeconds: 900 } };
  const settings = { startDate: new Date(clock.now() - 364 * 86_400_000).toISOString().slice(0, 10) };
  const intervals = { pollMs: 15 * MINUTE, countMs: 5 * MINUTE, reconcileMs: 1_440 * MINUTE };
  const parts = { streams: REPORTS, settings, intervals, source: { budgets } };
  const bench = virtualBench(simulator, new MemoryLog(), clock, parts);
  const left = () => bench.account.status().budgets.find(({ name }) => name === 'reports')!.firstScans;
  const windows = left().requests / REPORTS.length;
  expect([12, 13]).toContain(windows);
  // Ten at once, ten a quarter of an hour later, and the rest after another.
  expect(left().seconds).toBe(1_800);

  const { stop, ended } = bench.start();
  await clock.pass(MINUTE);
  // Two of ten are kept for the current windows, which are read for the first time.
  expect(left().requests).toBe(2 * windows - 10);
  const seen = [left().seconds];
  for (let minute = 0; minute < 5; minute++) {
    await clock.pass(MINUTE);
    seen.push(left().seconds);
  }
  // Whole seconds, rounded up.
  for (const step of seen.slice(1).map((seconds, at) => seen[at]! - seconds))
    expect(Math.abs(step - 60)).toBeLessThan(2);
  await clock.pass(55 * MINUTE);
  expect(left()).toEqual({ requests: 0, seconds: 0, isKnown: true });
  stop();
  await clock.pass(MINUTE);
  await ended;
});
