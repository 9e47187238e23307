// How many accounts open at once, in a group or not.
import { expect, test } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';
import { Turns } from '../../src/base/turns.ts';
import { OpeningTurn } from '../../src/opening-turn.ts';
import { clockFrom } from '../support/epoch.ts';
import { waitingDaemon } from './waiting-daemon.ts';

const forever = new AbortController().signal;

/** A clock whose timers fire when the test says so. */
function heldClock(): Clock & { fire(): void } {
  const tasks = new Set<() => void>();
  return {
    ...clockFrom(),
    after: (_, task) => {
      tasks.add(task);
      return () => tasks.delete(task);
    },
    fire: () => {
      for (const task of tasks) task();
    },
  };
}

test.each([
  ['is open', (turn: OpeningTurn) => turn.hear(OPENED)],
  ['waits for something else', (turn: OpeningTurn) => turn.hear(WAITING)],
  ['takes long', (_: OpeningTurn, clock: ReturnType<typeof heldClock>) => clock.fire()],
  ['has ended', (turn: OpeningTurn) => turn.give()],
])('an account that %s lets the next one open, and only one', async (_, end) => {
  const clock = heldClock();
  const turns = new Turns(1);
  const [first, second, third] = [1, 2, 3].map(() => new OpeningTurn(turns, clock));
  const opening: string[] = [];
  await first!.take(forever);
  void second!.take(forever).then(() => opening.push('second'));
  void third!.take(forever).then(() => opening.push('third'));
  first!.hear({ name: 'token.accepted', refusedMs: 0 });
  await Promise.resolve();
  expect(opening).toEqual([]);
  end(first!, clock);
  await expect.poll(() => opening).toEqual(['second']);
  first!.give();
  await Promise.resolve();
  expect(opening).toEqual(['second']);
});

const OPENED = { name: 'account.opened', rows: 0, restoredRows: 0, restoreMs: 1, streams: 32, again: false } as const;
const WAITING = {
  name: 'account.waiting',
  ...{ code: 'kafka.unavailable', reason: 'x', remedy: 'y', attempt: 1, failingMs: 0, retryInMs: 1_000 },
} as const;

test('of six accounts of a process by itself, four are asked about while the registry is silent', async () => {
  const tokens = ['a', 'b', 'c', 'd', 'e', 'f'];
  const seen = new Set<string>();
  const statusOf = (token: string) => {
    seen.add(token);
    return 200;
  };
  const { registry, run, stop } = await waitingDaemon(tokens, { statusOf, clock: heldClock() });
  registry.interfere = () => 'hang';
  const ended = run();
  await expect.poll(() => registry.open()).toBe(8);
  expect([...seen].sort()).toEqual(['a', 'b', 'c', 'd']);
  stop.abort();
  await ended;
});
