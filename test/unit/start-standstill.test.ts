// Accounts ask for what they need before they can run again and again: that a registry does not answer is no standstill,
// that nobody asks any more is one.
import { expect, test } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';
import { vitality } from '../../src/observe/readiness.ts';
import { clockFrom, EPOCH } from '../support/epoch.ts';
import { waitingDaemon } from './waiting-daemon.ts';

/** A minute in a second. It may forget whom it was to wake; a signal wakes them all the same. */
class FastClock implements Clock {
  forgets = false;
  readonly #real = clockFrom();

  now(): number {
    return EPOCH + this.monotonic();
  }
  monotonic(): number {
    return this.#real.monotonic() * 60;
  }
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (!this.forgets) return this.#real.sleep(ms / 60, signal);
    return new Promise((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));
  }
  after(ms: number, task: () => void): () => void {
    return this.#real.after(ms / 60, task);
  }
}

/** A daemon on a registry that answers nothing but errors. */
async function refusedDaemon() {
  const clock = new FastClock();
  const { registry, daemon, run, stop, events } = await waitingDaemon(['t'], { clock });
  registry.interfere = () => ({ status: 503, body: '' });
  const named = (name: string) => events.map(([, event]) => event).filter((event) => event.name === name);
  return { clock, daemon, ended: run(), stop, named };
}

test('a registry that answers errors for five minutes is waited for, and nothing stands still', async () => {
  const { clock, daemon, ended, stop, named } = await refusedDaemon();
  const from = clock.monotonic();
  await expect.poll(() => clock.monotonic() - from).toBeGreaterThan(300_000);
  await expect.poll(() => named('account.waiting').length).toBeGreaterThan(2);
  expect(named('loop.stalled')).toEqual([]);
  expect(vitality(daemon.dead(), daemon.status())).toMatchObject({ alive: true });
  stop.abort();
  await ended;
});

test('a registry that nobody asks any more is a standstill [P9]', async () => {
  const { clock, daemon, ended, stop, named } = await refusedDaemon();
  await expect.poll(() => named('account.waiting').length).toBeGreaterThan(0);
  clock.forgets = true;
  await expect.poll(() => named('loop.stalled')).toMatchObject([{ loop: 'start' }]);
  expect(vitality(daemon.dead(), daemon.status())).toMatchObject({
    alive: false,
    stalls: [
      { account: '1', loop: 'start', waiting: 'the account waits for Harvest, the brokers or the schema registry' },
    ],
  });
  stop.abort();
  await ended;
});
