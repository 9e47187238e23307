// The law of a budget, over lives of processes: whatever the load, the network, the pauses, crashes and sleep, the server never
// sees more than `requests` arrivals in any window.
import { setMaxListeners } from 'node:events';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BURST_SHARE, type BudgetRow, LANES, type Lane, PRIORITY } from '../../../src/engine/ports.ts';
import type { Budget } from '../../../src/harvest/budget.ts';
import { LEASE_MS } from '../../../src/harvest/lease.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { busiestWindow, never, open, WINDOW } from './opened-budget.ts';

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
  | { readonly does: 'allot'; readonly mosts: Readonly<Record<Lane, number>> }
);

const most = fc.integer({ min: 1, max: 8 });
const mosts = fc.record({ timely: most, rest: most, bulk: most, burst: most, children: most, again: most });

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
  {
    weight: 1,
    arbitrary: fc.record({ does: fc.constant('allot' as const), afterMs: fc.integer({ min: 0, max: 400 }), mosts }),
  },
);

/** A process: its own monotonic clock, one commit at a time, an end that nobody is told of, and sleep that it knows nothing of. */
class Life {
  alive = true;
  readonly budget: Budget;
  #committing = false;
  #asked: AbortController | undefined;
  readonly #world: World;
  #asleep: { readonly over: Promise<void>; readonly wake: () => void } | null = null;

  constructor(world: World) {
    this.#world = world;
    world.owner = this;
    this.abort();
    const { clock } = world;
    const bornAt = clock.monotonic() - 12_345;
    this.budget = open({
      requests: world.requests,
      clock: {
        now: () => clock.now(),
        monotonic: () => clock.monotonic() - bornAt,
        sleep: (ms, signal) => clock.sleep(ms, signal).then(() => this.#asleep?.over),
        after: (ms, task) => clock.after(ms, task),
      },
      onLeaseLow: () => void this.#commit(),
    });
    this.budget.restore(world.durable);
    void this.#commit();
  }

  ask(priority: number, ms: number, reaches: number): void {
    const { clock, arrivals, starts } = this.#world;
    const attempt = async () => {
      starts.push(clock.monotonic());
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

  sleep(): void {
    let wake = () => {};
    const over = new Promise<void>((resolve) => {
      wake = resolve;
    });
    this.#asleep = { over, wake };
  }

  wake(): void {
    this.#asleep?.wake();
    this.#asleep = null;
  }

  /** Becomes durable halfway; the process learns of it later, or never. */
  async #commit(): Promise<void> {
    if (this.#committing || !this.alive) return;
    this.#committing = true;
    const { clock, commitMs, lease } = this.#world;
    const row = this.budget.snapshot(lease);
    await clock.sleep(commitMs / 2);
    await this.#asleep?.over;
    // Whoever opened after us fenced us: nothing that we commit counts any more, and so nobody confirms it.
    if (this.#world.owner !== this) return;
    if (this.alive) this.#world.durable = JSON.parse(JSON.stringify(row));
    await clock.sleep(commitMs / 2);
    await this.#asleep?.over;
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
  readonly starts: number[];
  durable: BudgetRow | null;
  owner: Life | null;
}

test('no window ever sees more than the budget, over any load, pause, abort, division and crash; and no request is forgotten [P6]', async () => {
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
      const here: World = { clock, requests, lease, commitMs, arrivals: [], starts: [], durable: null, owner: null };
      let life = new Life(here);
      for (const each of steps) {
        await clock.pass(each.afterMs);
        if (each.does === 'ask') for (let i = 0; i < each.times; i++) life.ask(each.priority, each.ms, each.reaches);
        if (each.does === 'pause') life.budget.pause(each.ms);
        if (each.does === 'abort') life.abort();
        if (each.does === 'allot') life.budget.allot(each.mosts);
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

test('no window sees more than the budget when an owner sleeps through the beginning of its successors and goes on when it wakes [P6]', async () => {
  const world = fc.record({
    requests: fc.integer({ min: 2, max: 12 }),
    leaseParts: fc.integer({ min: 1, max: 4 }),
    commitMs: fc.integer({ min: 0, max: 300 }),
    awakeMs: fc.integer({ min: 0, max: 5 * WINDOW }),
    asleepMs: fc.integer({ min: 0, max: 2 * LEASE_MS }),
    /** How long each of the successors lives; the last one until the end. */
    successorsMs: fc.array(fc.integer({ min: 0, max: LEASE_MS }), { maxLength: 2 }),
    wakesMs: fc.integer({ min: 0, max: 2 * LEASE_MS }),
  });
  await fc.assert(
    fc.asyncProperty(world, async ({ requests, leaseParts, commitMs, awakeMs, asleepMs, successorsMs, wakesMs }) => {
      const clock = new VirtualClock();
      const lease = Math.max(1, Math.floor(requests / leaseParts));
      const here: World = { clock, requests, lease, commitMs, arrivals: [], starts: [], durable: null, owner: null };
      const busy = (life: Life) => {
        for (let i = 0; i < 10 * requests; i++) life.ask(1, 0, 0);
      };
      const sleeper = new Life(here);
      busy(sleeper);
      await clock.pass(awakeMs);
      sleeper.sleep();
      await clock.pass(asleepMs);
      for (const livesMs of successorsMs) {
        const successor = new Life(here);
        busy(successor);
        await clock.pass(livesMs);
        successor.crash();
      }
      const last = new Life(here);
      await clock.pass(Math.max(0, wakesMs - 2 * WINDOW));
      // Using all that it may at the moment when the sleeper wakes.
      busy(last);
      await clock.pass(Math.min(wakesMs, 2 * WINDOW));
      sleeper.wake();
      await clock.pass(2 * LEASE_MS + 20 * WINDOW);
      expect(busiestWindow(here.starts)).toBeLessThanOrEqual(requests);
      expect(last.budget.waiting()).toBe(0);
    }),
    {
      numRuns: 300,
      // Three owners in one moment: what the second found leased, it must hand on as that.
      examples: [[{ requests: 2, leaseParts: 1, commitMs: 0, awakeMs: 0, asleepMs: 0, successorsMs: [0], wakesMs: 0 }]],
    },
  );
}, 120_000);

test('no window sees more requests of a lane than it is allotted, and a full lane holds back no other [P6]', async () => {
  const load = fc.array(
    fc.record({ afterMs: fc.integer({ min: 0, max: 300 }), priority: fc.integer({ min: 0, max: 6 }) }),
    {
      minLength: 1,
      maxLength: 60,
    },
  );
  await fc.assert(
    fc.asyncProperty(mosts, load, async (allotted, asked) => {
      const clock = new VirtualClock();
      const budget = open({ requests: 10, clock });
      budget.allot(allotted);
      const starts: { readonly at: number; readonly priority: number }[] = [];
      for (const { afterMs, priority } of asked) {
        await clock.pass(afterMs);
        const since = clock.monotonic();
        void budget.run({ priority, since }, never, async () => void starts.push({ at: clock.monotonic(), priority }));
      }
      await clock.pass();
      expect(starts).toHaveLength(asked.length);
      for (const [lane, priorities] of Object.entries(LANES)) {
        const inLane = starts.filter(({ priority }) => priorities.includes(priority)).map(({ at }) => at);
        const ms = lane === 'burst' ? WINDOW * BURST_SHARE : WINDOW;
        expect(busiestWindow(inLane, ms)).toBeLessThanOrEqual(allotted[lane as Lane]);
      }
    }),
    { numRuns: 200 },
  );
});

test('a poll starts at once while a hundred pages of a snapshot wait for their lane', async () => {
  const clock = new VirtualClock();
  const budget = open({ requests: 10, clock });
  budget.allot({ timely: 5, rest: 6, bulk: 6, burst: 6, children: 6, again: 6 });
  const started: number[] = [];
  const ask = (priority: number) =>
    void budget.run({ priority, since: clock.monotonic() }, never, async () => void started.push(priority));
  for (let page = 0; page < 100; page++) ask(PRIORITY.snapshot);
  // Long enough for them to stand before a poll in the queue.
  await clock.pass(2.5 * WINDOW);
  expect(started).toHaveLength(18);
  ask(PRIORITY.poll);
  await clock.pass(0);
  expect(started.at(-1)).toBe(PRIORITY.poll);
  expect(budget.roomInMs(PRIORITY.poll, 1)).toBe(0);
  expect(budget.roomInMs(PRIORITY.snapshot, 1)).toBeGreaterThan(10 * WINDOW);
  expect(budget.isHeldBack()).toBe(true);
});
