// A row allows its writer some attempts, and costs as many to its reader; under virtual time.
import { describe, expect, test } from 'vitest';
import type { BudgetRow } from '../../../src/engine/ports.ts';
import { LEASE_MS } from '../../../src/harvest/lease.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { never, open, WINDOW } from './opened-budget.ts';

describe('lease [P6]', () => {
  test('nothing starts before a row is restored and another one stored, and then no more than the lease [P6]', async () => {
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

describe('a lease ends [P6]', () => {
  /** As another process would find it. */
  const read = (row: BudgetRow): BudgetRow => JSON.parse(JSON.stringify(row));

  function leased(clock: VirtualClock, lease: number) {
    const seen = { started: 0, asked: 0 };
    const budget = open({ requests: 10, clock, onLeaseLow: () => seen.asked++ });
    budget.restore(null);
    budget.stored(budget.snapshot(lease));
    seen.asked = 0;
    const ask = () => void budget.run({ priority: 0, since: 0 }, never, async () => seen.started++);
    return { budget, seen, ask };
  }

  test('after so long nothing starts on it, until another row is stored', async () => {
    const clock = new VirtualClock();
    const { budget, seen, ask } = leased(clock, 8);
    await clock.pass(LEASE_MS - 1);
    ask();
    await clock.pass(0);
    expect(seen).toEqual({ started: 1, asked: 0 });
    await clock.pass(1);
    ask();
    await clock.pass(10 * WINDOW);
    expect(seen.started).toBe(1);
    expect(seen.asked).toBeGreaterThan(0);
    budget.stored(budget.snapshot(8));
    await clock.pass(0);
    expect(seen.started).toBe(2);
  });

  test('it is counted from the making of the row, however long it takes to store it', async () => {
    const clock = new VirtualClock();
    const { budget, seen, ask } = leased(clock, 8);
    const row = budget.snapshot(8);
    await clock.pass(LEASE_MS);
    budget.stored(row);
    ask();
    await clock.pass(10 * WINDOW);
    expect(seen.started).toBe(0);
  });

  test('while nobody asks for anything, no row is stored for its sake', async () => {
    const clock = new VirtualClock();
    const { seen } = leased(clock, 8);
    await clock.pass(10 * LEASE_MS);
    expect(seen.asked).toBe(0);
  });

  test('a machine that was suspended finds it over, although its monotonic clock stood still', async () => {
    const clock = new VirtualClock();
    const { seen, ask } = leased(clock, 8);
    clock.set(LEASE_MS);
    ask();
    await clock.pass(WINDOW);
    expect(seen.started).toBe(0);
  });

  test('a wall clock that is set back does not lengthen it', async () => {
    const clock = new VirtualClock();
    const { seen, ask } = leased(clock, 8);
    clock.set(-3_600_000);
    await clock.pass(LEASE_MS);
    ask();
    await clock.pass(WINDOW);
    expect(seen.started).toBe(0);
  });

  test.each([0, -3_600_000, 3_600_000])(
    'a successor whose clock is off by %i ms counts it as running until it is over, and then as just ended',
    async (offMs) => {
      const clock = new VirtualClock();
      const row = read(leased(clock, 4).budget.snapshot(4));
      clock.set(offMs);
      const successor = open({ requests: 10, clock });
      await clock.pass(3 * WINDOW);
      successor.restore(row);
      await clock.pass(LEASE_MS + WINDOW - 1);
      expect(successor.used()).toBe(4);
      await clock.pass(1);
      expect(successor.used()).toBe(0);
    },
  );

  test('a row of before leases ended is taken for one that lasts as long as ours', async () => {
    const clock = new VirtualClock();
    const { lease_ms, ...row } = leased(clock, 4).budget.snapshot(4);
    expect(lease_ms).toBe(LEASE_MS);
    const successor = open({ requests: 10, clock });
    successor.restore(read(row));
    await clock.pass(LEASE_MS);
    expect(successor.used()).toBe(4);
    await clock.pass(WINDOW);
    expect(successor.used()).toBe(0);
  });

  test('a successor that ends itself hands on what is left of it', async () => {
    const clock = new VirtualClock();
    const first = read(leased(clock, 4).budget.snapshot(4));
    const second = open({ requests: 10, clock });
    second.restore(first);
    await clock.pass(30_000);
    const handedOn = read(second.snapshot(0));
    const third = open({ requests: 10, clock });
    await clock.pass(5_000);
    third.restore(handedOn);
    // Sixty seconds from its own reading: how long the row lay about, nobody can tell it.
    await clock.pass(60_000 + WINDOW - 1);
    expect(third.used()).toBe(4);
    await clock.pass(1);
    expect(third.used()).toBe(0);
  });

  test('however many lives end one after the other without a word, the next one can start something', async () => {
    const clock = new VirtualClock();
    let durable: BudgetRow | null = null;
    let most = 0;
    for (let life = 0; life < 30; life++) {
      const budget = open({ requests: 95, clock, onLeaseLow: () => {} });
      budget.restore(durable);
      most = Math.max(most, budget.used());
      await clock.pass(20_000);
      durable = read(budget.snapshot(23));
    }
    expect(most).toBeLessThan(80);
  });
});
