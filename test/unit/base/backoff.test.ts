import { describe, expect, test } from 'vitest';
import { Backoff, loudness, type Pace, patiently, until } from '../../../src/base/backoff.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const PACE: Pace = { baseMs: 100, mostMs: 1_000, patienceMs: 5_000 };

/** The outcome of `work` while the clock runs, and its time. */
async function settled<T>(clock: VirtualClock, work: Promise<T>): Promise<{ value?: T; error?: unknown; at: number }> {
  const outcome = work.then(
    (value) => ({ value, at: clock.monotonic() }),
    (error) => ({ error, at: clock.monotonic() }),
  );
  await clock.pass();
  return outcome;
}

describe('the pauses after failures in a row', () => {
  test('double up to the longest, and begin anew after progress', () => {
    const backoff = new Backoff(PACE, { clock: new VirtualClock() });
    expect(Array.from({ length: 6 }, () => backoff.failed())).toEqual([100, 200, 400, 800, 1_000, 1_000]);
    expect(backoff.attempt).toBe(6);
    backoff.progressed();
    expect([backoff.attempt, backoff.failingMs, backoff.failed()]).toEqual([0, 0, 100]);
  });

  test('grow by the factor of their loop, and are spread between nothing and their length', () => {
    const backoff = new Backoff(
      { baseMs: 250, mostMs: 60_000, factor: 4 },
      { clock: new VirtualClock(), random: () => 0.5 },
    );
    expect([backoff.failed(), backoff.failed(), backoff.failed()]).toEqual([125, 500, 2_000]);
  });

  test('stay finite after any number of failures', () => {
    const backoff = new Backoff(PACE, { clock: new VirtualClock() });
    for (let attempt = 0; attempt < 5_000; attempt++) backoff.failed();
    expect(backoff.failed()).toBe(1_000);
  });
});

describe('the patience', () => {
  test('counts from the first failure in a row, and progress renews it', async () => {
    const clock = new VirtualClock();
    const backoff = new Backoff(PACE, { clock });
    await clock.pass(60_000);
    backoff.failed();
    expect([backoff.isSpent, backoff.failingMs]).toEqual([false, 0]);
    await clock.pass(4_999);
    expect(backoff.isSpent).toBe(false);
    await clock.pass(1);
    expect([backoff.isSpent, backoff.failingMs]).toEqual([true, 5_000]);
    backoff.progressed();
    expect(backoff.isSpent).toBe(false);
  });

  test('may be a number of tries', () => {
    const backoff = new Backoff({ baseMs: 1, mostMs: 1, tries: 2 }, { clock: new VirtualClock() });
    backoff.failed();
    expect(backoff.isSpent).toBe(false);
    backoff.failed();
    expect(backoff.isSpent).toBe(true);
  });
});

test('a failure is a blip at first, an outage after a minute', () => {
  expect([0, 1_999, 2_000, 59_999, 60_000].map(loudness)).toEqual(['info', 'info', 'warn', 'warn', 'error']);
});

describe('work that is repeated patiently', () => {
  const busy = new Error('busy');
  const mayPass = (error: unknown) => error === busy;

  test('ends with what it returns at last, and says each pause before it', async () => {
    const clock = new VirtualClock();
    let left = 3;
    const pauses: number[] = [];
    const work = async () => {
      if (left-- > 0) throw busy;
      return 'done';
    };
    const onPause = (_: unknown, pauseMs: number) => pauses.push(pauseMs);
    expect(await settled(clock, patiently(work, PACE, { clock, mayPass, onPause }))).toEqual({
      value: 'done',
      at: 700,
    });
    expect(pauses).toEqual([100, 200, 400]);
  });

  test('throws its failure when the patience ends, which the first try counts towards', async () => {
    const clock = new VirtualClock();
    const work = async () => {
      await clock.sleep(4_900);
      throw busy;
    };
    expect(await settled(clock, patiently(work, PACE, { clock, mayPass }))).toEqual({ error: busy, at: 9_900 });
  });

  test('throws at once what will not pass', async () => {
    const clock = new VirtualClock();
    const lasting = new Error('no');
    const work = () => Promise.reject(lasting);
    expect(await settled(clock, patiently(work, PACE, { clock, mayPass }))).toEqual({ error: lasting, at: 0 });
  });

  test('ends with the reason of the signal, also in a pause', async () => {
    const clock = new VirtualClock();
    const stop = new AbortController();
    const reason = new Error('stopped');
    clock.after(50, () => stop.abort(reason));
    const repeated = patiently(() => Promise.reject(busy), PACE, { clock, mayPass, signal: stop.signal });
    expect(await settled(clock, repeated)).toEqual({ error: reason, at: 50 });
  });
});

describe('looking until something is there', () => {
  const never = new AbortController().signal;

  test('ends with what is seen', async () => {
    const clock = new VirtualClock();
    let looks = 0;
    const look = async () => (++looks === 3 ? looks : null);
    expect(await settled(clock, until(look, PACE, { clock, signal: never }))).toEqual({ value: 3, at: 300 });
  });

  test('ends with nothing when the patience does, having looked at least once', async () => {
    const clock = new VirtualClock();
    let looks = 0;
    const look = async () => {
      looks++;
      return null;
    };
    const pace = { baseMs: 100, mostMs: 100, patienceMs: 0 };
    expect(await settled(clock, until(look, pace, { clock, signal: never }))).toEqual({ value: null, at: 0 });
    expect(looks).toBe(1);
  });
});
