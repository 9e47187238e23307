import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ConversionError, type OutMessage } from '../../../src/engine/ports.ts';
import { type SendBatch, sendBatches } from '../../../src/kafka/messages.ts';
import { partitionOf } from '../../../src/kafka/partitioner.ts';

const layouts = new Map([
  ['p.clients', { partitions: 3, maxBytes: 1_048_588 }],
  ['p.users', { partitions: 1, maxBytes: 50_000 }],
  ['p.tasks', { partitions: 1, maxBytes: 1_048_588 }],
  ['p.dead-letters', { partitions: 1, maxBytes: 1_048_588 }],
  ['p.notifications', { partitions: 1, maxBytes: 1_048_588 }],
]);
const NOTHING = { messages: [], deadLetters: [], notifications: [], signalsDone: [] };

const message = (stream: string, key: string, bytes: number): OutMessage => ({
  stream,
  key: Buffer.from(key),
  value: Buffer.alloc(bytes),
  op: 'u',
  sourceTsMs: 1_700_000_000_000,
});

const payload = ({ messages }: SendBatch) => messages.reduce((sum, { value }) => sum + (value as Buffer).length, 0);

test('every message goes to the partition of its key, in order, in sends that kafkajs can take [P3]', () => {
  const streams = fc.constantFrom('clients', 'users');
  const messages = fc.array(fc.tuple(streams, fc.nat(50), fc.nat(30_000)), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(messages, (drawn) => {
      const sent = drawn.map(([stream, key, bytes]) => message(stream, String(key), bytes));
      const packed = sendBatches('p', 'p-1', layouts, { ...NOTHING, messages: sent });
      for (const sendBatch of packed) {
        const limit = sendBatch.topic === 'p.users' ? 50_000 : 800_000;
        expect(sendBatch.messages.length === 1 || payload(sendBatch) <= limit).toBe(true);
        expect(sendBatch.messages.length).toBeLessThanOrEqual(1_000);
        expect(sendBatch.topic).toBe(`p.${sendBatch.stream}`);
      }
      for (const [topic, { partitions }] of layouts) {
        for (let partition = 0; partition < partitions; partition++) {
          const got = packed
            .filter((sendBatch) => sendBatch.topic === topic && sendBatch.partition === partition)
            .flatMap((sendBatch) => sendBatch.messages.map(({ value }) => value));
          const expected = sent
            .filter(({ stream, key }) => `p.${stream}` === topic && partitionOf(key, partitions) === partition)
            .map(({ value }) => value);
          expect(got.length).toBe(expected.length);
          expect(got.every((value, i) => value === expected[i])).toBe(true);
        }
      }
    }),
    { numRuns: 40 },
  );
});

test('a thousand small messages are one send, one more is another', () => {
  const sent = Array.from({ length: 1_001 }, (_, i) => message('tasks', String(i), 1));
  const packed = sendBatches('p', 'p-1', layouts, { ...NOTHING, messages: sent });
  expect(packed.map(({ messages }) => messages.length)).toEqual([1_000, 1]);
});

test('a message larger than the limit goes alone', () => {
  const sent = [message('users', 'a', 10), message('users', 'b', 90_000), message('users', 'c', 10)];
  const packed = sendBatches('p', 'p-1', layouts, { ...NOTHING, messages: sent });
  expect(packed.map(({ messages }) => messages.map(({ key }) => String(key)))).toEqual([['a'], ['b'], ['c']]);
});

test('an unknown source time leaves its header out', () => {
  const [sendBatch] = sendBatches('p', 'p-1', layouts, {
    ...NOTHING,
    messages: [{ ...message('users', 'a', 1), sourceTsMs: null, op: 'd', value: null }],
  });
  expect(sendBatch!.messages[0]).toMatchObject({ value: null, headers: { __op: 'd' } });
  expect(sendBatch!.messages[0]!.headers).not.toHaveProperty('__source_ts_ms');
});

test("a dead letter carries the original and Connect's header names [P7]", () => {
  const error = new ConversionError('hours', 'hours: not a number');
  const letter = { stream: 'clients', key: '12', value: '{"hours":"x"}', stage: 'VALUE_CONVERTER', error } as const;
  const [sendBatch] = sendBatches('p', 'p-1', layouts, { ...NOTHING, deadLetters: [letter] });
  expect(sendBatch).toMatchObject({ topic: 'p.dead-letters', stream: null });
  const { headers, ...rest } = sendBatch!.messages[0]!;
  expect(rest).toMatchObject({ key: Buffer.from('12'), value: '{"hours":"x"}' });
  expect(headers).toEqual({
    '__connect.errors.topic': 'p.clients',
    '__connect.errors.partition': '-1',
    '__connect.errors.offset': '-1',
    '__connect.errors.connector.name': 'p-1',
    '__connect.errors.task.id': '0',
    '__connect.errors.stage': 'VALUE_CONVERTER',
    '__connect.errors.class.name': 'Codec',
    '__connect.errors.exception.class.name': 'ConversionError',
    '__connect.errors.exception.message': 'hours: not a number',
    __field: 'hours',
  });
});

test('a stream that is not enabled is a defect, not a new topic', () => {
  expect(() => sendBatches('p', 'p-1', layouts, { ...NOTHING, messages: [message('roles', 'a', 1)] })).toThrow(
    'assertion failed',
  );
});
