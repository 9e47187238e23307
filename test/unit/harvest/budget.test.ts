// The budget under virtual time. The law: whatever the load, the network, the pauses and the crashes, the server never
// sees more than `requests` arrivals in any window; and left alone it sees as many as it may.
import { setMaxListeners } from 'node:events';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import type { BudgetRow } from '../../../src/engine/ports.ts';
import { Budget } from '../../../src/harvest/budget.ts';
import { Connections } from '../../../src/harvest/connections.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const WINDOW = 1000;
const never = new AbortController().signal;
setMaxListeners(0, never);

interface Setting {
  readonly requests: number;
  readonly clock: Clock;
  readonly places?: number;
  readonly onLeaseLow?: () => void;
}

function open({ requests, clock, places = 1000, onLeaseLow }: Setting): Budget {
  const connections = new Connections(places);
  return new Budget({
    name: 'general',
    requests,
    windowMs: WINDOW,
    clock,
    connections,
    onLeaseLow: onLeaseLow ?? null,
  });
}

/** The greatest number of times that fall into one window. */
function busiestWindow(times: readonly number[]): number {
  return Math.max(0, ...times.map((start) => times.filter((time) => time >= start && time < start + WINDOW).length));
}

describe('order', () => {
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

describe('places', () => {
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

describe('pause', () => {
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

  test('is not an hour longer for a successor that finds the clock set back by an hour', async () => {
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

describe('lease', () => {
  test('nothing starts before a row is restored and another one stored, and then no more than the lease', async () => {
    const clock = new VirtualClock();
    let asked = 0;
    const budget = open({ requests: 10, clock, onLeaseLow: () => asked++ });
    let started = 0;
    for (let i = 0; i < 8; i++) void budget.run({ priority: 0, since: 0 }, never, async () => started++);
    await clock.pass(5 * WINDOW);
    expect([started, asked]).toEqual([0, 0]);

    budget.restore(null);
    await clock.pass(5 * WINDOW);
    expect(started).toBe(0);
    expect(asked).toBeGreaterThan(0);

    budget.stored(budget.snapshot(3));
    await clock.pass(5 * WINDOW);
    expect(started).toBe(3);

    budget.stored(budget.snapshot(5));
    await clock.pass(5 * WINDOW);
    expect(started).toBe(8);
  });

  test('a row that was handed out binds at once, since it may be durable although nobody has said so', async () => {
    const clock = new VirtualClock();
    const budget = open({ requests: 10, clock, onLeaseLow: () => {} });
    budget.restore(null);
    budget.stored(budget.snapshot(10));
    const last = budget.snapshot(0);
    let started = 0;
    void budget.run({ priority: 0, since: 0 }, never, async () => started++);
    await clock.pass(5 * WINDOW);
    expect(started).toBe(0);
    // Read back after a doubt: it was the durable one. A new row lets the work go on.
    budget.restore(last);
    budget.stored(budget.snapshot(1));
    await clock.pass();
    expect(started).toBe(1);
  });

  test('a doubt does not charge our own rows again, but charges what another instance stored', async () => {
    const clock = new VirtualClock();
    const budget = open({ requests: 10, clock, onLeaseLow: () => {} });
    budget.restore(null);
    const ours = budget.snapshot(4);
    budget.stored(ours);
    budget.restore(JSON.parse(JSON.stringify(ours)));
    expect(budget.used()).toBe(0);
    budget.restore({ attempts: [clock.now() - 10], lease: 4, pausedUntil: 0 });
    expect(budget.used()).toBe(5);
  });

  test('a request under way when the row was written counts for the successor as one that has just ended', async () => {
    const clock = new VirtualClock();
    const budget = open({ requests: 10, clock, onLeaseLow: () => {} });
    budget.restore(null);
    budget.stored(budget.snapshot(1));
    void budget.run({ priority: 0, since: 0 }, never, () => clock.sleep(5 * WINDOW));
    const row = budget.snapshot(0);
    await clock.pass(3 * WINDOW);
    const successor = open({ requests: 10, clock });
    successor.restore(row);
    expect(successor.used()).toBe(1);
    await clock.pass(WINDOW - 1);
    expect(successor.used()).toBe(1);
    await clock.pass(1);
    expect(successor.used()).toBe(0);
  });

  test('a clean stop costs the successor only what was spent', async () => {
    const clock = new VirtualClock();
    const budget = open({ requests: 10, clock, onLeaseLow: () => {} });
    budget.restore(null);
    budget.stored(budget.snapshot(5));
    await budget.run({ priority: 0, since: 0 }, never, async () => {});
    const successor = open({ requests: 10, clock });
    successor.restore(budget.snapshot(0));
    expect(successor.used()).toBe(1);
    await clock.pass(WINDOW);
    expect(successor.used()).toBe(0);
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

// One life after another of the same account, over one server.
type Step = { readonly afterMs: number } & (
  | {
      readonly does: 'ask';
      readonly times: number;
      readonly priority: number;
      readonly ms: number;
      readonly reaches: number;
    }
  | { readonly does: 'pause'; readonly ms: number }
  | { readonly does: 'crash'; readonly downMs: number }
  | { readonly does: 'abort' }
);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      does: fc.constant('ask' as const),
      afterMs: fc.integer({ min: 0, max: 400 }),
      times: fc.integer({ min: 1, max: 6 }),
      priority: fc.integer({ min: 0, max: 6 }),
      ms: fc.integer({ min: 0, max: 1500 }),
      /** When in its duration the request reaches the server. */
      reaches: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      does: fc.constant('pause' as const),
      afterMs: fc.integer({ min: 0, max: 400 }),
      ms: fc.integer({ min: 0, max: 3000 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      does: fc.constant('crash' as const),
      afterMs: fc.integer({ min: 0, max: 400 }),
      downMs: fc.integer({ min: 0, max: 600 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ does: fc.constant('abort' as const), afterMs: fc.integer({ min: 0, max: 400 }) }),
  },
);

/** A process: its own monotonic clock, one commit at a time, and an end that nobody is told of. */
class Life {
  alive = true;
  served = 0;
  readonly budget: Budget;
  #committing = false;
  #asked: AbortController | undefined;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
    this.abort();
    const { clock } = world;
    const bornAt = clock.monotonic() - 12_345;
    this.budget = open({
      requests: world.requests,
      clock: {
        now: () => clock.now(),
        monotonic: () => clock.monotonic() - bornAt,
        sleep: (ms, signal) => clock.sleep(ms, signal),
        after: (ms, task) => clock.after(ms, task),
      },
      onLeaseLow: () => void this.#commit(),
    });
    this.budget.restore(world.durable);
    void this.#commit();
  }

  ask(priority: number, ms: number, reaches: number): void {
    const { clock, arrivals } = this.#world;
    const attempt = async () => {
      this.served += 1;
      await clock.sleep(ms * reaches);
      if (this.alive) arrivals.push(clock.monotonic());
      await clock.sleep(ms * (1 - reaches));
    };
    const since = clock.monotonic();
    void this.budget.run({ priority, since }, this.#asked!.signal, attempt).catch(() => {});
  }

  abort(): void {
    this.#asked?.abort();
    this.#asked = new AbortController();
    setMaxListeners(0, this.#asked.signal);
  }

  crash(): void {
    this.alive = false;
    this.abort();
  }

  /** Becomes durable halfway; the process learns of it later, or never. */
  async #commit(): Promise<void> {
    if (this.#committing || !this.alive) return;
    this.#committing = true;
    const { clock, commitMs, lease } = this.#world;
    const row = this.budget.snapshot(lease);
    await clock.sleep(commitMs / 2);
    if (this.alive) this.#world.durable = JSON.parse(JSON.stringify(row));
    await clock.sleep(commitMs / 2);
    this.#committing = false;
    if (this.alive) this.budget.stored(row);
  }
}

interface World {
  readonly clock: VirtualClock;
  readonly requests: number;
  readonly lease: number;
  readonly commitMs: number;
  readonly arrivals: number[];
  durable: BudgetRow | null;
}

test('no window ever sees more than the budget, over any load, pause, abort and crash; and no request is forgotten', async () => {
  const world = fc.record({
    requests: fc.integer({ min: 1, max: 8 }),
    leaseParts: fc.integer({ min: 1, max: 8 }),
    commitMs: fc.integer({ min: 0, max: 300 }),
    steps: fc.array(step, { minLength: 1, maxLength: 40 }),
  });
  await fc.assert(
    fc.asyncProperty(world, async ({ requests, leaseParts, commitMs, steps }) => {
      const clock = new VirtualClock();
      const lease = Math.max(1, Math.floor(requests / leaseParts));
      const here: World = { clock, requests, lease, commitMs, arrivals: [], durable: null };
      let life = new Life(here);
      for (const each of steps) {
        await clock.pass(each.afterMs);
        if (each.does === 'ask') for (let i = 0; i < each.times; i++) life.ask(each.priority, each.ms, each.reaches);
        if (each.does === 'pause') life.budget.pause(each.ms);
        if (each.does === 'abort') life.abort();
        if (each.does === 'crash') {
          life.crash();
          await clock.pass(each.downMs);
          life = new Life(here);
        }
      }
      await clock.pass();
      expect(busiestWindow(here.arrivals)).toBeLessThanOrEqual(requests);
      expect(life.budget.waiting()).toBe(0);
    }),
    { numRuns: 300 },
  );
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
