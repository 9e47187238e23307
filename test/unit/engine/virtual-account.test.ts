// The daemon and its account under one clock that stands still until it is told to go: hours in milliseconds.
import { expect, test } from 'vitest';
import { createSimulator, seededRandom, storm } from '../../../lab/simulator/index.ts';
import type { Transport } from '../../../src/harvest/transport.ts';
import { inProcess, virtualBench } from '../../support/account.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { evidenceOf, judge, WatchedLog } from '../../support/oracle.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { Witness } from '../../support/witness.ts';

const MINUTE = 60_000;

test('a quarter of an hour of storm pass without a false change or a false deletion', async () => {
  const clock = new VirtualClock();
  const budgets = { general: null, reports: null };
  const simulator = createSimulator({ timeEntries: 60, years: 0.2, now: clock.now, budgets });
  const log = new WatchedLog(simulator);
  const witness = new Witness(simulator);
  const random = seededRandom(1);
  const daemon = virtualBench(simulator, log, clock).start();
  await clock.pass(5 * MINUTE);
  expect((await judge(simulator, evidenceOf(log), { witness })).differences).toEqual([]);
  const before = log.history.length;
  for (let minute = 0; minute < 15; minute += 5) {
    storm(simulator, { random, lateSeconds: 60, count: 16 });
    await clock.pass(5 * MINUTE);
  }
  daemon.stop();
  await clock.pass(MINUTE);
  await daemon.ended;
  expect(log.history.length).toBeGreaterThan(before);
  expect(await judge(simulator, evidenceOf(log), { witness, streams: [] })).toMatchObject({
    falseChanges: [],
    falseDeletions: [],
  });
  expect(log.early).toEqual([]);
});

test('lists are polled in time while the children of all parents are read for the first time [P1]', async () => {
  const clock = new VirtualClock();
  const budgets = { general: null, reports: null };
  const simulator = createSimulator({ timeEntries: 3_000, years: 3, now: clock.now, budgets });
  const answer = inProcess(simulator);
  const polls: number[] = [];
  const transport: Transport = async (request, signal) => {
    await clock.sleep(100);
    if (/\/clients\?.*updated_since/.test(request.url)) polls.push(clock.monotonic());
    return answer(request, signal);
  };
  const limits = { general: { requests: 6, perSeconds: 15 }, reports: { requests: 1, perSeconds: 900 } };
  const log = new MemoryLog();
  const daemon = virtualBench(simulator, log, clock, { chance: 0.5, source: { budgets: limits, transport } }).start();
  const isRead = () => ['invoice_messages', 'cost_rates'].every((stream) => log.rows.get(stream)?.complete);
  while (!isRead()) await clock.pass(MINUTE);
  const gaps = polls.slice(1).map((at, place) => (at - polls[place]!) / MINUTE);
  expect(gaps.length).toBeGreaterThan(5);
  expect(Math.max(...gaps)).toBeLessThanOrEqual(5);
  daemon.stop();
  await clock.pass(MINUTE);
  await daemon.ended;
}, 120_000);
