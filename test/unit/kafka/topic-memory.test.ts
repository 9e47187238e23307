import { expect, test } from 'vitest';
import { TopicMemory } from '../../../src/kafka/topic-memory.ts';

const bounds = (start: number, end: number) => ({ start, stable: end, end });

test('a topic that grew is the one we know', () => {
  const memory = new TopicMemory();
  memory.learn({ 0: 9, 1: 4 });
  memory.read(0, 11);
  expect(memory.breach([bounds(0, 11), bounds(0, 7)])).toBeNull();
});

test.each([
  ['emptied or made anew', { 0: 9 }, [bounds(0, 9)], 'ends at offset 9'],
  ['emptied by deleting records', { 0: 9 }, [bounds(10, 10)], 'begins at offset 10'],
  ['made anew with fewer partitions', { 1: 0 }, [bounds(0, 20)], 'partition 1 is gone'],
])('a topic that was %s is noticed by what the state row notes', (_, noted, found, reason) => {
  const memory = new TopicMemory();
  memory.learn(noted);
  expect(memory.breach(found)).toContain(reason);
});

test('a topic that is shorter than what was read of it is noticed without a state row', () => {
  const memory = new TopicMemory();
  memory.read(0, 5);
  expect(memory.breach([bounds(0, 4)])).toContain('ends at offset 4');
  expect(memory.breach([bounds(0, 5)])).toBeNull();
});

test('after forgetting, everything is unread', () => {
  const memory = new TopicMemory();
  memory.wrote(0, 30);
  expect(memory.unread('t', [bounds(0, 40)])).toEqual([{ topic: 't', partition: 0, from: 31, to: 40 }]);
  memory.forget();
  expect(memory.unread('t', [bounds(3, 40)])).toEqual([{ topic: 't', partition: 0, from: 3, to: 40 }]);
  expect(memory.noted()).toEqual({});
});

test('an offset that was given before tells that the topic was made anew', () => {
  const memory = new TopicMemory();
  memory.wrote(2, 7);
  expect(memory.accepts(2, 7)).toBe(false);
  expect(memory.accepts(2, 8)).toBe(true);
  expect(memory.accepts(0, 0)).toBe(true);
});

test('the offset of a state row never replaces a later one of our own', () => {
  const memory = new TopicMemory();
  memory.wrote(0, 30);
  memory.learn({ 0: 12, 1: 3 });
  expect(memory.noted()).toEqual({ 0: 30, 1: 3 });
});

test('a topic that got partitions since it was read is noticed, and read from its beginning', () => {
  const memory = new TopicMemory();
  memory.learn({ 0: 9 });
  memory.unread('t', [bounds(0, 10)]);
  memory.read(0, 10);
  expect(memory.isRepartitioned([bounds(0, 10)])).toBe(false);
  const grown = [bounds(0, 10), bounds(0, 0)];
  expect(memory.breach(grown), 'it is the topic that we know').toBeNull();
  expect(memory.isRepartitioned(grown)).toBe(true);
  memory.rewind();
  expect(memory.unread('t', grown)[0]).toMatchObject({ from: 0, to: 10 });
});
