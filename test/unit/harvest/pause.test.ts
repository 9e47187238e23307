// A pause beyond an hour that a former process was told: one asks, all others wait for its answer.
import { expect, test } from 'vitest';
import { Budget } from '../../../src/harvest/budget.ts';
import { Connections } from '../../../src/harvest/connections.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const never = new AbortController().signal;
const HOURS = 3_600_000;

function successor(clock: VirtualClock, pausedMs: number) {
  const connections = new Connections(6);
  // A lease ends long before such a pause does, and is stored anew when somebody waits for it.
  const onLeaseLow = () => queueMicrotask(() => budget.stored(budget.snapshot(50)));
  const budget: Budget = new Budget({
    ...{ name: 'general', requests: 95, windowMs: 15_000, clock, connections, onLeaseLow },
  });
  budget.restore({ attempts: [], lease: 0, pausedUntil: clock.now() + pausedMs, at: clock.now() });
  budget.stored(budget.snapshot(50));
  const started: number[] = [];
  const ask = (attempt: () => Promise<void>) =>
    budget.run({ priority: 1, since: clock.monotonic() }, never, async () => {
      started.push(clock.monotonic());
      await attempt();
    });
  return { budget, started, ask };
}

test('of many requests one starts, and the others when it was answered', async () => {
  const clock = new VirtualClock();
  const { started, ask } = successor(clock, 100 * HOURS);
  for (let each = 0; each < 5; each++) void ask(() => clock.sleep(2_000));
  await clock.pass(1_000);
  expect(started).toEqual([0]);
  await clock.pass(60_000);
  expect(started).toEqual([0, 2_000, 2_000, 2_000, 2_000]);
});

test('of many requests one starts, and the others wait as long as it was told', async () => {
  const clock = new VirtualClock();
  const { budget, started, ask } = successor(clock, 100 * HOURS);
  for (let each = 0; each < 5; each++) void ask(async () => (started.length === 1 ? budget.pause(20_000) : undefined));
  await clock.pass(19_000);
  expect(started).toEqual([0]);
  await clock.pass(60_000);
  expect(started).toEqual([0, 20_000, 20_000, 20_000, 20_000]);
});

test('a shorter pause is kept as it was told', async () => {
  const clock = new VirtualClock();
  const { started, ask } = successor(clock, HOURS);
  void ask(async () => {});
  await clock.pass(HOURS - 1);
  expect(started).toEqual([]);
  await clock.pass(1);
  expect(started).toEqual([HOURS]);
});
