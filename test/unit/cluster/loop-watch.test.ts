// The main loop as the thread of the member sees it, in virtual time.
import { expect, test } from 'vitest';
import { LoopWatch } from '../../../src/cluster/loop-watch.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const STALL_MS = 8_000;

/** A main loop that answers unless it is stuck; and what the thread heard and did. */
function watched() {
  const clock = new VirtualClock();
  const seen: string[] = [];
  let isStuck = false;
  let waits = false;
  let leaptMs = 0;
  const watch = new LoopWatch({
    clock: {
      now: clock.now,
      monotonic: () => clock.monotonic() + leaptMs,
      sleep: (ms, signal) => clock.sleep(ms, signal),
      after: (ms, task) => clock.after(ms, task),
    },
    ...{ everyMs: 500, stallMs: STALL_MS },
    ping: () => {
      waits = isStuck;
      if (!isStuck) watch.answered();
    },
    onAnswer: (lagMs) => seen.push(`answered after ${lagMs}`),
    onStall: () => seen.push('stalled'),
    onMove: () => seen.push('moves'),
  });
  watch.begin();
  const stick = () => {
    isStuck = true;
  };
  const goOn = () => {
    isStuck = false;
    if (waits) watch.answered();
  };
  /** Time in which nobody looks. */
  const leap = (ms: number) => {
    leaptMs += ms;
  };
  return { clock, seen, stick, goOn, leap };
}

test('a loop that answers is never said to stand still', async () => {
  const { clock, seen } = watched();
  await clock.pass(3_000);
  expect(new Set(seen)).toEqual(new Set(['answered after 0']));
});

test('a loop that stands still for the stall time is said to once, and again when it goes on [P11]', async () => {
  const { clock, seen, stick, goOn } = watched();
  await clock.pass(1_000);
  seen.length = 0;
  stick();
  await clock.pass(STALL_MS);
  expect(seen).toEqual([]);
  await clock.pass(2_000);
  expect(seen).toEqual(['stalled']);
  await clock.pass(60_000);
  goOn();
  expect(seen.slice(1)).toEqual([expect.stringMatching(/^answered after \d+$/), 'moves']);
});

test('a process that was stopped as a whole has not stood still in its main loop', async () => {
  const { clock, seen, stick, leap } = watched();
  await clock.pass(1_000);
  seen.length = 0;
  stick();
  await clock.pass(600);
  leap(3_600_000);
  await clock.pass(600);
  expect(seen).toEqual([]);
});
