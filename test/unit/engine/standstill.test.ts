// Each loop of an account is stopped on purpose, as a lost wake-up or a promise that is never kept would stop it: the account
// says which one stands still, and that it goes on when it does. What others hold up is no standstill.
import { describe, expect, test } from 'vitest';
import { createSimulator, type Simulator } from '../../../lab/simulator/index.ts';
import type { Clock } from '../../../src/base/clock.ts';
import { vitality } from '../../../src/observe/readiness.ts';
import { inProcess, named, type VirtualBench, virtualBench } from '../../support/account.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const MINUTE = 60_000;
const NEVER = new Promise<never>(() => {});

/** A clock that forgets whom it was to wake. Who is woken otherwise gets up. */
class ForgetfulClock implements Clock {
  forgets: (ms: number) => boolean = () => false;
  readonly #clock: VirtualClock;
  #forgotten: (() => void)[] = [];

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  readonly now = (): number => this.#clock.now();
  monotonic(): number {
    return this.#clock.monotonic();
  }
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (!this.forgets(ms)) return this.#clock.sleep(ms, signal);
    await new Promise<void>((resolve) => {
      signal?.addEventListener('abort', () => resolve(), { once: true });
      this.#forgotten.push(resolve);
    });
  }
  after(ms: number, task: () => void): () => void {
    return this.#clock.after(ms, task);
  }
  /** Forgets nobody any more, and wakes whom it forgot. */
  remembers(): void {
    this.forgets = () => false;
    for (const wake of this.#forgotten.splice(0)) wake();
  }
}

interface World {
  readonly clock: VirtualClock;
  readonly simulator: Simulator;
  readonly bench: VirtualBench;
  readonly stalled: () => string[];
  readonly moved: () => string[];
  /** Whether /health/live would say 200. */
  readonly isAlive: () => boolean;
}

type BenchOptions = NonNullable<Parameters<typeof virtualBench>[3]>;

function world(options: BenchOptions | ((simulator: Simulator, clock: VirtualClock) => BenchOptions) = {}): World {
  const clock = new VirtualClock();
  const budgets = { general: null, reports: null };
  const simulator = createSimulator({ timeEntries: 20, years: 0.2, now: clock.now, budgets });
  const own = typeof options === 'function' ? options(simulator, clock) : options;
  const bench = virtualBench(simulator, new MemoryLog(), clock, { streams: ['clients', 'tasks'], ...own });
  return {
    ...{ clock, simulator, bench },
    stalled: () => named(bench.events, 'loop.stalled').map(({ loop }) => loop),
    moved: () => named(bench.events, 'loop.moved').map(({ loop }) => loop),
    isAlive: () => vitality([], [bench.account.status()]).alive,
  };
}

/** The account runs on another clock than time itself. */
function onClock(clock: VirtualClock, machine: Clock): BenchOptions {
  return { clock: machine, source: { clock } };
}

async function ends({ clock }: World, daemon: { ended: Promise<void>; stop: () => void }): Promise<void> {
  daemon.stop();
  await clock.pass(MINUTE);
  await daemon.ended;
}

describe('an account says within little more than a minute that it stands still, and that it goes on [P9]', () => {
  test('when the schedule is not woken for what falls due', async () => {
    let machine!: ForgetfulClock;
    const it = world((_, clock) => {
      machine = new ForgetfulClock(clock);
      return onClock(clock, machine);
    });
    const daemon = it.bench.start();
    await it.clock.pass(MINUTE);
    // Signals are looked for every five seconds; whatever else sleeps is the schedule.
    machine.forgets = (ms) => ms !== 5_000;
    await it.clock.pass(5 * MINUTE);
    expect(it.stalled()).toEqual(['schedule']);
    expect(it.bench.account.status().stalls).toMatchObject([
      { loop: 'schedule', waiting: expect.stringMatching(/^(clients|tasks) is due \(read\)$/) },
    ]);
    expect(it.isAlive()).toBe(false);
    machine.remembers();
    await it.clock.pass(10_000);
    expect([it.moved(), it.isAlive()]).toEqual([['schedule'], true]);
    await ends(it, daemon);
  });

  test('when nobody looks for signals any more', async () => {
    let machine!: ForgetfulClock;
    const it = world((_, clock) => {
      machine = new ForgetfulClock(clock);
      return onClock(clock, machine);
    });
    const daemon = it.bench.start();
    await it.clock.pass(MINUTE);
    machine.forgets = (ms) => ms === 5_000;
    await it.clock.pass(90_000);
    expect([it.stalled(), it.isAlive()]).toEqual([['signals'], false]);
    machine.remembers();
    await it.clock.pass(10_000);
    expect([it.moved(), it.isAlive()]).toEqual([['signals'], true]);
    await ends(it, daemon);
  });

  test('when a look for signals never ends, before the first step', async () => {
    const it = world();
    it.bench.sink.signals = () => NEVER;
    it.bench.start();
    await it.clock.pass(90_000);
    expect([it.stalled(), it.isAlive()]).toEqual([['signals'], false]);
  });

  test('when requests wait for a budget that has room', async () => {
    let machine!: ForgetfulClock;
    const it = world((_, clock) => {
      machine = new ForgetfulClock(clock);
      const budgets = { general: { requests: 1, perSeconds: 20 }, reports: { requests: 1, perSeconds: 20 } };
      return { source: { clock: machine, budgets } };
    });
    const daemon = it.bench.start();
    await it.clock.pass(5 * MINUTE);
    expect(it.stalled()).toEqual([]);
    machine.forgets = () => true;
    await it.clock.pass(4 * MINUTE);
    expect([it.stalled(), it.isAlive()]).toEqual([['budget_general'], false]);
    expect(it.bench.account.status().stalls[0]!.waiting).toMatch(/^requests wait for the general budget: \d+$/);
    machine.remembers();
    await it.clock.pass(10_000);
    expect([it.moved(), it.isAlive()]).toEqual([['budget_general'], true]);
    await ends(it, daemon);
  });

  test('when a commit never ends', async () => {
    const it = world();
    const { commit } = it.bench.sink;
    let release = () => {};
    const daemon = it.bench.start();
    await it.clock.pass(MINUTE);
    it.bench.sink.commit = async function (batch) {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return commit.call(this, batch);
    };
    await it.clock.pass(3 * MINUTE);
    expect([it.stalled(), it.isAlive()]).toEqual([['commits'], false]);
    it.bench.sink.commit = commit;
    release();
    await it.clock.pass(10_000);
    expect([it.moved(), it.isAlive()]).toEqual([['commits'], true]);
    await ends(it, daemon);
  });

  test('when the log is never open', async () => {
    const it = world();
    it.bench.sink.open = () => NEVER;
    it.bench.start();
    await it.clock.pass(90_000);
    expect([it.stalled(), it.isAlive()]).toEqual([['opening'], false]);
  });

  test('when nobody is woken to open the log again', async () => {
    let machine!: ForgetfulClock;
    const it = world((_, clock) => {
      machine = new ForgetfulClock(clock);
      return { ...onClock(clock, machine), chance: 1 };
    });
    it.bench.sink.fate = () => 'lost';
    machine.forgets = (ms) => ms > 1_000;
    const daemon = it.bench.start();
    await it.clock.pass(2 * MINUTE);
    expect([it.stalled(), it.isAlive()]).toEqual([['reopening'], false]);
    it.bench.sink.fate = () => 'acknowledged';
    machine.remembers();
    await it.clock.pass(10_000);
    expect([it.moved(), it.isAlive()]).toEqual([['reopening'], true]);
    await ends(it, daemon);
  });

  test('when requests never end, whatever their time-out says', async () => {
    const it = world((simulator) => {
      let left = 4;
      const answers = inProcess(simulator);
      return { source: { transport: (request, signal) => (left-- > 0 ? answers(request, signal) : NEVER) } };
    });
    it.bench.start();
    await it.clock.pass(6 * MINUTE);
    expect([it.stalled(), it.isAlive()]).toEqual([['requests'], false]);
  });

  test('when a step waits for nothing that anybody knows of', async () => {
    const it = world();
    const daemon = it.bench.start();
    await it.clock.pass(MINUTE);
    const { fetchPage } = it.bench.source;
    it.bench.source.fetchPage = () => NEVER;
    await it.clock.pass(3 * MINUTE);
    expect([it.stalled(), it.isAlive()]).toEqual([['steps'], false]);
    it.bench.source.fetchPage = fetchPage;
    daemon.stop();
  });

  test('when the end of a session never comes', async () => {
    const it = world();
    it.bench.start();
    await it.clock.pass(MINUTE);
    it.bench.source.fetchPage = () => NEVER;
    await it.clock.pass(70_000);
    it.bench.sink.signals = () => Promise.reject(new Error('the log is gone'));
    await it.clock.pass(75_000);
    expect(it.stalled()).toContain('ending');
  });
});

describe('nothing stands still [P9]', () => {
  test('in an hour of ordinary life, budget spent and all', async () => {
    const it = world(() => ({
      streams: ['company', 'clients', 'tasks', 'invoices', 'invoice_messages', 'time_entries', 'time_clients'],
      // So few that requests wait for longer than the watchdog does.
      source: { budgets: { general: { requests: 9, perSeconds: 300 }, reports: { requests: 1, perSeconds: 900 } } },
    }));
    const daemon = it.bench.start();
    await it.clock.pass(60 * MINUTE);
    expect(it.bench.account.status().budgets.map(({ used, requests }) => used >= requests)).toContain(true);
    expect(it.stalled()).toEqual([]);
    await ends(it, daemon);
  });

  test('while Harvest asks for a pause of an hour', async () => {
    const it = world();
    const daemon = it.bench.start();
    await it.clock.pass(MINUTE);
    it.simulator.faults.add({
      match: { times: 1 },
      do: { kind: 'status', status: 429, headers: { 'retry-after': '3600' } },
    });
    await it.clock.pass(50 * MINUTE);
    expect(it.bench.account.status().budgets[0]!.pausedUntil).not.toBeNull();
    expect(it.stalled()).toEqual([]);
    await ends(it, daemon);
  });

  test('while Harvest answers nothing, or hangs up', async () => {
    const it = world({ chance: 1, source: { random: () => 1 } });
    const daemon = it.bench.start();
    await it.clock.pass(MINUTE);
    const restore = it.simulator.faults.add({ do: { kind: 'hang' } });
    await it.clock.pass(30 * MINUTE);
    restore();
    it.simulator.faults.add({ do: { kind: 'reset' } });
    await it.clock.pass(30 * MINUTE);
    expect(it.stalled()).toEqual([]);
    await ends(it, daemon);
  });

  test('while the log takes no commit for an hour, or tries in vain to open', async () => {
    const it = world({ chance: 1 });
    it.bench.sink.fate = () => 'lost';
    const daemon = it.bench.start();
    await it.clock.pass(60 * MINUTE);
    const { open } = it.bench.sink;
    let words = 0;
    it.bench.sink.moves = () => ({ log: words, signals: 0 });
    it.bench.sink.open = async function (...args) {
      // Brokers that are frozen: each try ends after half a minute.
      for (let tries = 0; tries < 10; tries++) {
        await it.clock.sleep(30_000);
        words++;
      }
      return open.apply(this, args);
    };
    await it.clock.pass(60 * MINUTE);
    expect(it.stalled()).toEqual([]);
    daemon.stop();
  });
});
