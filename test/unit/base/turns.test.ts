import { expect, test } from 'vitest';
import { Turns } from '../../../src/base/turns.ts';

const forever = new AbortController().signal;

test('so many have a turn at once, the others in the order in which they came, and a turn is given back once', async () => {
  const turns = new Turns(2);
  const had: number[] = [];
  const gives: (() => void)[] = [];
  const takes = [1, 2, 3, 4].map(async (number) => {
    gives[number] = await turns.take(forever);
    had.push(number);
  });
  await Promise.all(takes.slice(0, 2));
  expect(had).toEqual([1, 2]);
  gives[1]!();
  gives[1]!();
  await takes[2];
  expect(had).toEqual([1, 2, 3]);
  gives[3]!();
  await takes[3];
  expect(had).toEqual([1, 2, 3, 4]);
});

test('whoever stops waiting leaves no gap behind', async () => {
  const turns = new Turns(1);
  const give = await turns.take(forever);
  const leaving = new AbortController();
  const left = turns.take(leaving.signal);
  const next = turns.take(forever);
  leaving.abort();
  (await left)();
  give();
  await next;
});
