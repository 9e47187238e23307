// The two budgets over real time, restarts included (P6): the simulator counts arrivals in every window.
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { publisher } from '../support/publisher.ts';
import { scene } from '../support/scene.ts';

/** Harvest's limits, in a window that a test can wait for; `TEST_FULL_BUDGETS` takes Harvest's own (a minute). */
const FULL = process.env.TEST_FULL_BUDGETS !== undefined;
const GENERAL = { requests: 100, seconds: FULL ? 15 : 4 };
const REPORTS = { requests: 100, seconds: FULL ? 900 : 20 };
const RUN_MS = (FULL ? 60_000 : 15_000) / 3;

test('two restarts, one of them a SIGKILL, never exceed a budget in any window and meet no 429', async () => {
  const where = await scene({ ticking: true, budgets: { general: GENERAL, reports: REPORTS } });
  const settings = [
    `harvest.budgets.general.requests=${GENERAL.requests}`,
    `harvest.budgets.general.per_seconds=${GENERAL.seconds}`,
    `harvest.budgets.reports.requests=${REPORTS.requests}`,
    `harvest.budgets.reports.per_seconds=${REPORTS.seconds}`,
  ];
  for (const signal of ['SIGKILL', 'SIGTERM', 'SIGTERM'] as const) {
    const running = publisher({ ...where, settings }, ['run']);
    await pause(RUN_MS);
    running.process.kill(signal);
    await running.ended;
  }
  const { simulator } = where;
  expect(simulator.log.statuses()[429] ?? 0).toBe(0);
  expect(simulator.maxInAnyWindow('general')).toBeLessThanOrEqual(GENERAL.requests);
  expect(simulator.maxInAnyWindow('reports')).toBeLessThanOrEqual(REPORTS.requests);
  // Polite is easy for who asks nothing: most of the budget has to be used.
  expect(simulator.maxInAnyWindow('general')).toBeGreaterThan(GENERAL.requests * 0.6);
}, 120_000);
