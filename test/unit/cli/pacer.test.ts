// How commands beside a daemon spread what they ask: one request after the other, few at once, and nothing left when they end.
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { createPacer } from '../../../src/cli/pacer.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { EPOCH } from '../../support/epoch.ts';

beforeEach(() => void vi.useFakeTimers({ now: EPOCH }));
afterEach(() => void vi.useRealTimers());

const REASON = new Error('enough');

/** A pacer for so many requests in 15 s, and what was started through it, in seconds from the beginning. */
function paced(requests: number) {
  const env = {
    HARVEST_ACCOUNT_ID: '1',
    HARVEST_ACCESS_TOKEN: 't',
    KAFKA_BROKERS: 'b:9092',
    SCHEMA_REGISTRY_URL: 'http://r',
  };
  const pacer = createPacer(loadConfig({ env, overrides: [`harvest.budgets.general.requests=${requests}`] }));
  onTestFinished(() => pacer.close());
  const started: number[] = [];
  const ask = (takesMs = 0, signal = new AbortController().signal, budget: 'general' | 'reports' = 'general') =>
    pacer.run(budget, signal, async () => {
      // To the tenth: bottleneck comes to a turn over several timers of a millisecond.
      started.push(Math.round((vi.getMockedSystemTime()!.getTime() - EPOCH) / 100) / 10);
      await new Promise((resolve) => setTimeout(resolve, takesMs));
      return started.length;
    });
  return { pacer, started, ask };
}

test('requests come at even distances that spread the budget over its window, also after one that failed', async () => {
  const { pacer, started, ask } = paced(5);
  const failed = pacer.run('general', new AbortController().signal, async () => {
    throw REASON;
  });
  const told = expect(failed).rejects.toBe(REASON);
  const asked = [ask(), ask(), ask()];
  await vi.advanceTimersByTimeAsync(10_000);
  await told;
  await Promise.all(asked);
  expect(started).toEqual([3, 6, 9]);
});

test('a budget of one request in 15 s slows the pace to 3 s and no further, because the budget itself holds back the rest', async () => {
  const { started, ask } = paced(1);
  const asked = [ask(), ask()];
  await vi.advanceTimersByTimeAsync(4_000);
  await Promise.all(asked);
  expect(started).toEqual([0, 3]);
});

test('no more than two requests of a budget are under way, and reports do not stand before the others', async () => {
  const { started, ask } = paced(15);
  const asked = [ask(10_000), ask(10_000), ask(), ask(0, undefined, 'reports')];
  await vi.advanceTimersByTimeAsync(20_000);
  await Promise.all(asked);
  expect(started).toEqual([0, 0, 1, 10]);
});

test('a request that waits rejects as soon as nobody wants it, and is never made', async () => {
  const { started, ask } = paced(5);
  const stop = new AbortController();
  await Promise.all([ask(), vi.advanceTimersByTimeAsync(100)]);
  const waiting = expect(ask(0, stop.signal)).rejects.toBe(REASON);
  stop.abort(REASON);
  await waiting;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(started).toEqual([0]);
  await expect(ask(0, stop.signal)).rejects.toBe(REASON);
});

test('a closed pacer leaves no timer, and what waited is refused', async () => {
  const { pacer, started, ask } = paced(5);
  await Promise.all([ask(), vi.advanceTimersByTimeAsync(100)]);
  const refused = [ask(), ask(), ask()].map((each) => expect(each).rejects.toThrow());
  await vi.advanceTimersByTimeAsync(100);
  pacer.close();
  await Promise.all(refused);
  expect(vi.getTimerCount()).toBe(0);
  expect(started).toEqual([0]);
});
