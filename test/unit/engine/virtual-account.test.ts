// The daemon and its account under one clock that stands still until it is told to go: hours in milliseconds.
import { expect, test } from 'vitest';
import { createSimulator, seededRandom, storm } from '../../../lab/simulator/index.ts';
import { virtualBench } from '../../support/account.ts';
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
