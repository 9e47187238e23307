// What `plan` says before a first run, and what the status says while it goes on, are one reckoning, and it comes true.
import { expect, test } from 'vitest';
import { createSimulator } from '../../../lab/simulator/index.ts';
import { planOf } from '../../../src/cli/plan-estimate.ts';
import { factsOf } from '../../../src/cli/plan-facts.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { firstRunRooms, intervalsOf } from '../../../src/intervals.ts';
import { timeLeft } from '../../../src/observe/estimate.ts';
import { duration } from '../../../src/observe/readiness.ts';
import { enabledStreams } from '../../../src/settings.ts';
import { simulatedSource, virtualBench } from '../../support/account.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const MINUTE = 60_000;

const config = loadConfig({
  // A fifth of Harvest's quarter of an hour, for the sake of the test's own time.
  overrides: ['harvest.budgets.reports.per_seconds=180', 'reports.restate_seconds=60'],
  env: {
    ...{ HARVEST_ACCOUNT_ID: '1', HARVEST_ACCESS_TOKEN: 'none' },
    ...{ KAFKA_BROKERS: 'nobody:9092', SCHEMA_REGISTRY_URL: 'http://nobody:8081' },
  },
});
const rooms = firstRunRooms(config);
const budgets = {
  general: { requests: 95, perSeconds: 15, room: rooms.general },
  reports: { requests: 95, perSeconds: 180, room: rooms.reports },
};

/** Only the daemon's own budgets bound it. */
const unlimited = { budgets: { general: null, reports: null } };

test('the time that plan tells for a first run is what is left of it from its beginning to its end [P9]', async () => {
  const clock = new VirtualClock();
  const simulator = createSimulator({ timeEntries: 300, years: 1.5, now: clock.now, ...unlimited });
  const streams = enabledStreams(config);
  const facts = await factsOf(simulatedSource(simulator, { clock }), streams, null, new AbortController().signal);
  const today = new Date(clock.now()).toISOString().slice(0, 10);
  const span = { grain: 'month', weekStart: 'Monday', startDate: null, endDate: null, today, budgets } as const;
  const plan = planOf(facts.streams, span);
  // More than the whole budget would take: a part of it is kept for what is current.
  expect(plan.seconds).toBe(360);

  const bench = virtualBench(simulator, new MemoryLog(), clock, {
    streams: streams.map(({ name }) => name),
    intervals: ({ name }) => intervalsOf(config.streams[name]!),
    settings: { restateMs: 60_000 },
    source: { budgets },
  });
  const began = clock.monotonic();
  const elapsed = () => (clock.monotonic() - began) / 1000;
  const status = () => bench.account.status();
  const { stop, ended } = bench.start();
  for (let look = 0; status().streams.some(({ complete }) => !complete); look++) {
    // People work in it, so that what is current wants its part of the budgets.
    const [contact] = simulator.data.contacts.all();
    simulator.data.contacts.update(contact!.id, { title: `at look ${look}` });
    await clock.pass(MINUTE);
    const now = { atMs: clock.monotonic(), accounts: [status()] };
    const left = plan.seconds - elapsed();
    expect([elapsed(), timeLeft(now, now)]).toEqual([elapsed(), left === 0 ? null : `about ${duration(left)} left`]);
  }
  expect(elapsed()).toBe(plan.seconds);
  stop();
  await clock.pass(MINUTE);
  await ended;
});
