// The two budgets over real time, restarts included (P6): the simulator counts arrivals in every window.
import { expect, test } from 'vitest';
import { publisher, until } from '../support/publisher.ts';
import { scene } from '../support/scene.ts';

/** Harvest's limits, over windows that a test can wait for; `TEST_FULL_BUDGETS` takes Harvest's own, for a minute. */
const FULL = process.env.TEST_FULL_BUDGETS !== undefined;
const GENERAL = { requests: 100, seconds: FULL ? 15 : 4 };
const REPORTS = { requests: 100, seconds: FULL ? 900 : 20 };
/** Each of the three processes ends after more requests than a window allows, or when it has little left to ask. */
const REQUESTS_EACH = 110;
const SECONDS_EACH = 20;

test('two restarts, one of them a SIGKILL, never exceed a budget in any window and meet no 429 [P6]', async () => {
  const where = await scene({ ticking: true, budgets: { general: GENERAL, reports: REPORTS } });
  const settings = [
    `harvest.budgets.general.requests=${GENERAL.requests}`,
    `harvest.budgets.general.per_seconds=${GENERAL.seconds}`,
    `harvest.budgets.reports.requests=${REPORTS.requests}`,
    `harvest.budgets.reports.per_seconds=${REPORTS.seconds}`,
  ];
  for (const signal of ['SIGKILL', 'SIGTERM', 'SIGTERM'] as const) {
    const running = publisher({ ...where, settings }, ['run']);
    const target = where.simulator.log.all().length + REQUESTS_EACH;
    const end = performance.now() + SECONDS_EACH * 1000;
    const isOver = () => performance.now() > end || (!FULL && where.simulator.log.all().length >= target);
    await until(`${target} requests`, isOver, 2 * SECONDS_EACH);
    running.process.kill(signal);
    await running.ended;
  }
  const { simulator } = where;
  expect(simulator.log.statuses()[429] ?? 0).toBe(0);
  expect(simulator.maxInAnyWindow('general')).toBeLessThanOrEqual(GENERAL.requests);
  expect(simulator.maxInAnyWindow('reports')).toBeLessThanOrEqual(REPORTS.requests);
});
