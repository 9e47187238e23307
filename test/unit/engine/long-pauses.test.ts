// Harvest asks to wait, for years or again and again: it is obeyed, said loudly, asked once more by the next process, and no
// reason for `run --once` never to end.
import { expect, test } from 'vitest';
import { createSimulator } from '../../../lab/simulator/index.ts';
import { lineOf } from '../../../src/observe/log.ts';
import { headline, readiness } from '../../../src/observe/readiness.ts';
import { named, viewDifferences, virtualBench } from '../../support/account.ts';
import { EPOCH } from '../../support/epoch.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const MINUTE = 60_000;
const STREAMS = ['company', 'clients'];
const BUDGETS = { general: { requests: 95, perSeconds: 15 }, reports: { requests: 95, perSeconds: 900 } };

function world() {
  const clock = new VirtualClock();
  const log = new MemoryLog();
  const budgets = { general: null, reports: null };
  const simulator = createSimulator({ timeEntries: 20, years: 0.2, now: clock.now, budgets });
  const process = () =>
    virtualBench(simulator, log, clock, { streams: STREAMS, chance: 1, source: { budgets: BUDGETS } });
  const throttle = (seconds: string, times?: number) =>
    simulator.faults.add({
      match: { ...(times !== undefined && { times }) },
      do: { kind: 'status', status: 429, headers: { 'retry-after': seconds } },
    });
  const asked = () => simulator.log.all().length;
  return { clock, log, simulator, process, throttle, asked };
}

test('a pause of thirty years is obeyed, and said in log, readiness and headline [P6 P9]', async () => {
  const { clock, process, throttle, asked } = world();
  const bench = process();
  const daemon = bench.start();
  await clock.pass(5 * MINUTE);
  throttle('999999999');
  await clock.pass(2 * MINUTE);
  const before = asked();
  await clock.pass(7 * 24 * 60 * MINUTE);
  expect(asked()).toBe(before);
  expect(lineOf(named(bench.events, 'budget.paused')[0]!)).toMatchObject({
    level: 'error',
    message: expect.stringContaining('a restart asks once'),
  });
  const status = bench.account.status();
  const year = new Date(EPOCH + 999_999_999 * 1_000).getUTCFullYear();
  expect(readiness([status]).notes).toContainEqual(
    expect.objectContaining({ state: 'PAUSED', reason: expect.stringContaining(`no general requests until ${year}-`) }),
  );
  expect(headline(status)).toContain(`until ${year}-`);
  daemon.stop();
  await clock.pass(MINUTE);
  await daemon.ended;
});

test('after a long pause the next process asks once: it goes on when Harvest answers, and waits when it is told so again [P6]', async () => {
  const { clock, log, simulator, process, throttle, asked } = world();
  const first = process().start();
  await clock.pass(5 * MINUTE);
  const restore = throttle('999999999');
  await clock.pass(2 * MINUTE);
  first.stop();
  await clock.pass(MINUTE);
  await first.ended;

  const before = asked();
  const second = process().start();
  await clock.pass(24 * 60 * MINUTE);
  expect(asked() - before).toBe(1);
  second.stop();
  await clock.pass(MINUTE);
  await second.ended;

  restore();
  simulator.data.clients.create({ name: 'made in thirty years' });
  const third = process().start();
  await clock.pass(2 * MINUTE);
  expect(await viewDifferences(simulator, log, STREAMS)).toEqual([]);
  third.stop();
  await clock.pass(MINUTE);
  await third.ended;
});

test('after a long pause a request that gets no answer is repeated, one at a time, until one comes', async () => {
  const { clock, log, simulator, process, throttle, asked } = world();
  const first = process().start();
  await clock.pass(5 * MINUTE);
  throttle('7200', 1);
  await clock.pass(2 * MINUTE);
  first.stop();
  await clock.pass(MINUTE);
  await first.ended;

  simulator.faults.add({ match: { times: 3 }, do: { kind: 'reset' } });
  const before = asked();
  const second = process().start();
  await clock.pass(MINUTE);
  expect(asked() - before).toBeGreaterThan(4);
  expect(await viewDifferences(simulator, log, STREAMS)).toEqual([]);
  second.stop();
  await clock.pass(MINUTE);
  await second.ended;
});

test.each([
  ['429 each quarter of a minute', '15', 65],
  ['one pause of thirty years', '999999999', 3],
  ['one pause of two hours', '7200', 3],
])('run --once under %s ends with 75 and the reason [P9]', async (_, seconds, mostMinutes) => {
  const { clock, process, throttle } = world();
  throttle(seconds);
  const bench = process();
  let ended: unknown = 'still running';
  void bench.catchUp().then(
    () => {
      ended = 'clean';
    },
    (error) => {
      ended = error;
    },
  );
  await clock.pass(mostMinutes * MINUTE);
  expect(ended).toMatchObject({
    code: 'harvest.throttled',
    exitCode: 75,
    message: expect.stringContaining('no general requests until'),
  });
});

test('run --once waits for a pause of a quarter of an hour, and ends whole', async () => {
  const { clock, log, simulator, process, throttle } = world();
  throttle('900', 2);
  const ended = process().catchUp();
  await clock.pass(40 * MINUTE);
  await ended;
  expect(await viewDifferences(simulator, log, STREAMS)).toEqual([]);
});
