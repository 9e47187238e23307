// What the demo of several instances says while accounts move.
import { expect, test } from 'vitest';
import { FleetBoard } from '../../../lab/demo/fleet-board.ts';

const opened = (account: string, more = {}) => ({ event: 'cluster.opened', account, ...more });

test('each account is told with its first owner, and one line says who has what', () => {
  const board = new FleetBoard();
  expect(board.hear('a', opened('1'), 0)).toEqual(['  1 → a']);
  expect(board.hear('b', opened('2'), 0)).toEqual(['  2 → b']);
  expect(board.hear('b', { event: 'account.opened', account: '3' }, 0)).toEqual([]);
  expect(board.text(['a', 'b', 'c'])).toBe('a: 1   b: 2   c: stands by');
});

test('a hand-over names the owner before, and how long nobody wrote', () => {
  const board = new FleetBoard();
  board.hear('a', opened('1'), 0);
  expect(board.hear('a', { event: 'cluster.closed', account: '1' }, 10)).toEqual([]);
  expect(board.hear('b', opened('1', { from: 'a', unownedMs: 420 }), 20)).toEqual([
    '  1 → b from a, 0.4 s after its last commit there',
  ]);
  // What is closed late, by an owner that has been replaced, changes nothing.
  board.hear('a', { event: 'cluster.closed', account: '1' }, 30);
  expect(board.text(['a', 'b'])).toBe('a: stands by   b: 1');
});

test('after an instance was killed each of its accounts is told with its seconds, and at last the greatest of them', () => {
  const board = new FleetBoard();
  for (const account of ['1', '2']) board.hear('a', opened(account), 0);
  expect(board.gone('a', 5_000)).toEqual(['1', '2']);
  expect(board.text(['b'])).toBe('b: stands by   without an owner: 1 2');
  expect(board.hear('b', opened('2', { unownedMs: 1 }), 16_200)).toEqual(['  2 → b, signed 11.2 s after a was gone']);
  expect(board.hear('c', opened('1'), 16_900)).toEqual([
    '  1 → c, signed 11.9 s after a was gone',
    '  all accounts of a have an owner again, after 11.9 s at the most',
  ]);
});
