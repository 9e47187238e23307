// The budget of one process under virtual time: who goes first, what holds it back, and that it is used as far as it may be.
import { describe, expect, test } from 'vitest';
import { Budget } from '../../../src/harvest/budget.ts';
import { Connections } from '../../../src/harvest/connections.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { never, open, WINDOW } from './opened-budget.ts';

test('a row of short lives that each ask who they are, and a long one after them, stay within the budget together [P6]', async () => {
  const clock = new VirtualClock();
  const times: number[] = [];
  const attempt = async () => {
    times.push(clock.monotonic());
  };
  const life = async () => {
    const budget = open({ requests: 95, clock, windowMs: 15_000, onLeaseLow: () => {} });
    await budget.introduce(never, attempt);
    return budget;
  };
  for (let lives = 0; lives < 20; lives++) {
    (await life()).close();
    await clock.pass(750);
  }
  const last = await life();
  last.restore(null);
  last.stored(last.snapshot(1_000));
  for (let asked = 0; asked < 300; asked++) void last.run({ priority: 1, since: clock.monotonic() }, never, attempt);
  await clock.pass(60_000);
  expect(times.length).toBe(321);
  const window = (start: number) => times.filter((time) => time >= start && time < start + 15_000).length;
  expect(Math.max(...times.map(window))).toBeLessThanOrEqual(96);
});

describe('the order of waiting requests', () => {
  test('the most urgent goes first, and equals go in the order in which they came', async () => {
    const clock = new VirtualClock();
    const budget = open({ requests: 1, clock });
    const served: string[] = [];
    const ask = (name: string, priority: number) =>
      void budget.run({ priority, since: clock.monotonic() }, never, async () => served.push(name));
    ask('holder', 0);
    ask('slack', 6);
    ask('changes a', 1);
    ask('changes b', 1);
    ask('probe', 0);
    await clock.pass();
    expect(served).toEqual(['holder', 'probe', 'changes a', 'changes b', 'slack']);
  });

  test('a request that is repeated keeps the place of its first try', async () => {
    const clock = new VirtualClock();
    const budget = open({ requests: 1, clock });
    const served: string[] = [];
    const ask = (name: string, since: number) =>
      void budget.run({ priority: 1, since }, never, async () => served.push(name));
    await clock.pass(100);
    ask('holder', 100);
    ask('new', 100);
    ask('repeated', 50);
    await clock.pass();
    expect(served).toEqual(['holder', 'repeated', 'new']);
  });

  test('the least urgent is served in bounded time although more urgent work never ends', async () => {
    const clock = new VirtualClock();
    const budget = open({ requests: 4, clock });
    const stop = 30 * WINDOW;
    // Eight streams that always want the next page at once: twice what the budget gives.
    const busyStream = async () => {
      while (clock.monotonic() < stop) {
        await budget.run({ priority: 1, since: clock.monotonic() }, never, async () => {});
      }
    };
    for (let stream = 0; stream < 8; stream++) void busyStream();
    let servedAt = Number.POSITIVE_INFINITY;
    void budget.run({ priority: 6, since: 0 }, never, async () => {
      servedAt = clock.monotonic();
    });
    await clock.pass(stop);
    // Five windows to catch up five priorities, then the eight that were asked for before.
    expect(servedAt).toBeLessThanOrEqual((5 + 3) * WINDOW);
    await clock.pass();
  });

  test('a waiting request that is aborted leaves the queue and uses no token', async () => {
    const clock = new VirtualClock();
    const budget = open({ requests: 1, clock });
    const stop = new AbortController();
    void budget.run({ priority: 0, since: 0 }, never, async () => {});
    const waiting = budget.run({ priority: 0, since: 0 }, stop.signal, async () => 'sent');
    stop.abort(new Error('stopped'));
    await expect(waiting).rejects.toThrow('stopped');
    expect(budget.waiting()).toBe(0);
    await clock.pass();
    expect(budget.used()).toBe(1);
  });
});

describe('requests under way', () => {
  test('no more requests are under way than there are connections, over both budgets', async () => {
    const clock = new VirtualClock();
    const connections = new Connections(3);
    const [reports, general] = (['reports', 'general'] as const).map(
      (name) => new Budget({ name, requests: 50, windowMs: WINDOW, clock, connections, onLeaseLow: null }),
    );
    let running = 0;
    let most = 0;
    const work = async () => {
      running += 1;
      most = Math.max(most, running);
      await clock.sleep(10);
      running -= 1;
    };
    const all = [reports!, general!].flatMap((budget) =>
      Array.from({ length: 10 }, () => budget.run({ priority: 1, since: 0 }, never, work)),
    );
    await clock.pass();
    await Promise.all(all);
    expect(most).toBe(3);
    expect(clock.monotonic()).toBe(70);
  });
});

describe('a clock that moves while it is looked at', () => {
  test('opens the window between two looks of one decision, and nobody is forgotten [P6]', async () => {
    const forgotten: string[] = [];
    for (let tick = 0.1; tick < 4; tick += 0.1) {
      const clock = new VirtualClock(undefined, () => tick);
      const budget = open({ requests: 5, clock, places: 9, windowMs: 15 });
      for (let i = 0; i < 200; i++) void budget.run({ priority: 1, since: 0 }, never, async () => {});
      await clock.pass();
      if (budget.waiting() > 0) forgotten.push(`${budget.waiting()} of 200 at ${tick.toFixed(1)} ms a look`);
    }
    expect(forgotten).toEqual([]);
  });
});

describe('a pause', () => {
  test('nothing starts while it lasts, a shorter one does not end it, and it is kept over a restart', async () => {
    const clock = new VirtualClock();
    const budget = open({ requests: 5, clock });
    budget.pause(900_000);
    budget.pause(1_000);
    expect(budget.pausedUntil()).toBe(clock.now() + 900_000);
    const successor = open({ requests: 5, clock });
    successor.restore(budget.snapshot(0));
    const startedAt: number[] = [];
    for (const each of [budget, successor]) {
      void each.run({ priority: 0, since: 0 }, never, async () => startedAt.push(clock.monotonic()));
    }
    await clock.pass();
    expect(startedAt).toEqual([900_000, 900_000]);
    expect(budget.pausedUntil()).toBe(0);
  });

  test('is not an hour longer for a successor that finds the clock set back by an hour [P6]', async () => {
    const clock = new VirtualClock();
    const budget = open({ requests: 5, clock });
    budget.pause(20_000);
    const row = budget.snapshot(0);
    clock.set(-3_600_000);
    const successor = open({ requests: 5, clock });
    successor.restore(row);
    expect(successor.pausedUntil()).toBe(clock.now() + 20_000);
  });
});

describe('throughput', () => {
  test.each([
    { requests: 10, asked: 95, durationMs: 0 },
    { requests: 7, asked: 50, durationMs: 120 },
  ])('$requests a window, $asked asked, $durationMs ms each: as many as the rule allows', async (row) => {
    const clock = new VirtualClock();
    const budget: Budget = open({
      requests: row.requests,
      clock,
      onLeaseLow: () => budget.stored(budget.snapshot(row.requests)),
    });
    budget.restore(null);
    const startedAt: number[] = [];
    for (let i = 0; i < row.asked; i++) {
      void budget.run({ priority: 0, since: 0 }, never, async () => {
        startedAt.push(clock.monotonic());
        await clock.sleep(row.durationMs);
      });
    }
    await clock.pass();
    expect(startedAt).toHaveLength(row.asked);
    expect(startedAt.at(-1)).toBe((Math.ceil(row.asked / row.requests) - 1) * (WINDOW + row.durationMs));
  });
});

test('how long the last of many requests is held back: a full window, the oldest token, then window by window', async () => {
  const clock = new VirtualClock();
  const budget = open({ requests: 3, clock });
  expect([1, 3].map((requests) => budget.freeInMs(requests))).toEqual([0, 0]);
  const spend = () => budget.run({ priority: 0, since: clock.monotonic() }, never, async () => {});
  await spend();
  await clock.pass(400);
  await spend();
  await spend();
  // The oldest comes back in 600 ms, the two others in 1000, and each again a window later.
  expect([1, 2, 3, 4, 7].map((requests) => Math.round(budget.freeInMs(requests)))).toEqual([
    600, 1000, 1000, 1600, 2600,
  ]);
  await clock.pass(500);
  expect(Math.round(budget.freeInMs(1))).toBe(100);
  budget.pause(5_000);
  expect(Math.round(budget.freeInMs(1))).toBe(5_000);
});

test('more requests than the budget that a former process made are waited out before the next', () => {
  const clock = new VirtualClock();
  const budget = open({ requests: 3, clock });
  const now = clock.now();
  budget.restore({ attempts: [900, 700, 500, 300, 100].map((age) => now - age), lease: 0, pausedUntil: 0, at: now });
  expect([1, 2, 4].map((requests) => Math.round(budget.freeInMs(requests)))).toEqual([500, 700, 1500]);
});
