// An owner that is stopped in the middle of its first sync, replaced, and woken while its successor is at full speed: together
// they stay inside the budget (P6). Ten in a row with TEST_SLEEPERS=10; prints the most requests in any window of each.
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { seededRandom } from '../../lab/simulator/index.ts';
import { systemClock } from '../../src/base/clock.ts';
import { onlyStreams, publisher, until } from '../support/publisher.ts';
import { scene } from '../support/scene.ts';

const SLEEPERS = Number(process.env.TEST_SLEEPERS ?? 1);
/** Harvest's own limits; the publisher keeps its default of 95. */
const BUDGETS = { general: { requests: 100, seconds: 15 }, reports: { requests: 100, seconds: 900 } };
/** Each invoice has two lists of its own, so that both have enough to ask for. */
const INVOICES = 400;
const SETTINGS = onlyStreams('company', 'clients', 'invoices', 'invoice_messages', 'invoice_payments');
/** The requests that the publisher may make in a window, by default: then it has nothing to do but wait, with a fresh lease in its hands. */
const WINDOW_FULL = 95;
/** Longer than its commits take. */
const SETTLED_MS = 2_000;
const WOKEN_AFTER_S = [5, 11] as const;

test(
  'an owner that slept while it was replaced spends nothing beyond the budget when it wakes [P6]',
  async () => {
    const random = seededRandom(6);
    const most: number[] = [];
    for (let round = 0; round < SLEEPERS; round++) {
      const plain = await scene({ ticking: true, timeEntries: 10, budgets: BUDGETS, counts: { invoices: INVOICES } });
      const where = { ...plain, settings: SETTINGS };
      const { simulator } = where;
      const requests = () => simulator.log.all().length;
      const owner = publisher(where, ['run']);
      await until('the owner waits for its window', () => requests() >= WINDOW_FULL, 120);
      await pause(SETTLED_MS);
      owner.process.kill('SIGSTOP');
      const successor = publisher(where, ['run']);
      await successor.printed(/account\.opened/);
      const before = requests();
      await until('the successor asks', () => requests() > before, 120);
      await pause(1000 * (WOKEN_AFTER_S[0] + random() * (WOKEN_AFTER_S[1] - WOKEN_AFTER_S[0])));
      owner.process.kill('SIGCONT');
      const wokenAt = systemClock.now();
      // It finds out at its next commit; until then it asks for as much as it may.
      expect((await owner.ended).code).toBe(79);
      // The budget that the successor counted as spent comes back a window after it began: that is when there is room for too much.
      const last = () => simulator.log.all().at(-1)!.at;
      await until('the successor asks a window later', () => last() > wokenAt + 1000 * BUDGETS.general.seconds, 120);
      successor.process.kill('SIGTERM');
      await successor.ended;
      most.push(simulator.maxInAnyWindow('general'));
    }
    if (SLEEPERS > 1) process.stdout.write(`most requests in any window: ${most.join(' ')}\n`);
    expect(Math.max(...most)).toBeLessThanOrEqual(BUDGETS.general.requests);
  },
  SLEEPERS * 180_000,
);
