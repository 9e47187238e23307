import { describe, expect, test } from 'vitest';
import { type Loop, type Stall, Watchdog } from '../../../src/base/watchdog.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

interface Watch {
  readonly clock: VirtualClock;
  readonly watchdog: Watchdog;
  /** Everything that was told, in order. */
  readonly told: string[];
  readonly state: { waiting: string | null; moves: number };
}

function watch(rest: Partial<Loop> = {}): Watch {
  const clock = new VirtualClock();
  const state: Watch['state'] = { waiting: 'work', moves: 0 };
  const told: string[] = [];
  const watchdog = new Watchdog({
    clock,
    loops: [{ name: 'loop', owes: () => state.waiting, moves: () => state.moves, ...rest }],
    onStall: ({ loop, waiting, forMs }: Stall) => told.push(`${loop} stands still: ${waiting}, ${forMs / 1000} s`),
    onEnd: ({ loop, forMs }: Stall) => told.push(`${loop} goes on after ${forMs / 1000} s`),
  });
  watchdog.start();
  return { clock, watchdog, told, state };
}

describe('a loop that owes something [P9]', () => {
  test('and does not move for a minute stands still, which is told once', async () => {
    const { clock, watchdog, told } = watch();
    await clock.pass(59_999);
    expect(watchdog.look()).toEqual([]);
    await clock.pass(10 * 60_000);
    expect(told).toEqual(['loop stands still: work, 60 s']);
    expect(watchdog.look()).toMatchObject([{ loop: 'loop', waiting: 'work' }]);
  });

  test('goes on when it moves again, which is told with how long it stood', async () => {
    const { clock, watchdog, told, state } = watch();
    await clock.pass(120_000);
    state.moves++;
    await clock.pass(5_000);
    expect(told).toEqual(['loop stands still: work, 60 s', 'loop goes on after 120 s']);
    expect(watchdog.look()).toEqual([]);
  });

  test('does not stand still as long as it moves now and then', async () => {
    const { clock, told, state } = watch();
    for (let time = 0; time < 20; time++) {
      await clock.pass(55_000);
      state.moves++;
    }
    expect(told).toEqual([]);
  });

  test('has the patience that it needs', async () => {
    const { clock, told } = watch({ patienceMs: 180_000 });
    await clock.pass(179_000);
    expect(told).toEqual([]);
    await clock.pass(1_000);
    expect(told).toHaveLength(1);
  });
});

test('a loop that owes nothing may rest for ever, and one that owes nothing for a moment begins anew', async () => {
  const { clock, told, state } = watch();
  state.waiting = null;
  await clock.pass(3_600_000);
  state.waiting = 'work';
  await clock.pass(55_000);
  state.waiting = null;
  await clock.pass(5_000);
  state.waiting = 'work';
  await clock.pass(55_000);
  expect(told).toEqual([]);
});

test('a process that was stopped for an hour has not watched for an hour', async () => {
  const clock = new VirtualClock();
  let now = 0;
  const told: Stall[] = [];
  const watchdog = new Watchdog({
    // Its timers are as late as the process.
    clock: { now: clock.now, monotonic: () => now, sleep: clock.sleep.bind(clock), after: () => () => {} },
    loops: [{ name: 'loop', owes: () => 'work', moves: () => 0 }],
    onStall: (stall) => told.push(stall),
    onEnd: () => {},
  });
  for (const time of [3_600_000, 7_200_000, 7_205_000]) {
    now = time;
    expect(watchdog.look()).toEqual([]);
  }
  expect(told).toEqual([]);
});

test('a look at the watchdog sees a standstill, also when no timer ever fires', () => {
  let now = 0;
  const watchdog = new Watchdog({
    clock: { now: () => now, monotonic: () => now, sleep: () => new Promise(() => {}), after: () => () => {} },
    loops: [{ name: 'loop', owes: () => 'work', moves: () => 0 }],
    onStall: () => {},
    onEnd: () => {},
  });
  watchdog.start();
  for (; now < 65_000; now += 5_000) watchdog.look();
  expect(watchdog.look()).toHaveLength(1);
});

test('after its end nothing stands still and nothing is told', async () => {
  const { clock, watchdog, told } = watch();
  await clock.pass(50_000);
  watchdog.stop();
  await clock.pass(600_000);
  expect(told).toEqual([]);
});
