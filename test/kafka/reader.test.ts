// A reader must survive this: aborted transactions, and everything that compaction leaves behind.
import type { Kafka, Producer } from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Broker } from '../../lab/stack/broker.ts';
import { systemClock } from '../../src/base/clock.ts';
import { Brokers } from '../../src/kafka/brokers.ts';
import { fetchBatches, partitionKey } from '../../src/kafka/fetch.ts';
import { createTopicReader, type PartitionRange, type TopicReader } from '../../src/kafka/reader.ts';
import { begun, patientClient } from '../support/clients.ts';
import {
  batch,
  brokerOfFile,
  forever,
  Model,
  makeTopic,
  message,
  openPatiently,
  settled,
  sinkOn,
} from '../support/kafka.ts';
import { eventually } from '../support/patience.ts';
import { uniquePrefix } from '../support/stack.ts';

let broker: Broker;
let discard: () => Promise<void>;
let kafka: Kafka;
let brokers: Brokers;
let reader: TopicReader;

beforeAll(async () => {
  ({ broker, discard } = await brokerOfFile({ 'log.cleaner.backoff.ms': '200', 'log.initial.task.delay.ms': '1000' }));
  kafka = patientClient(broker.bootstrap);
  brokers = new Brokers({ brokers: [broker.bootstrap], compression: 'none' }, systemClock);
  reader = createTopicReader(brokers, systemClock, { brokers: broker.bootstrap, prefix: 't' });
});

afterAll(async () => {
  brokers.close();
  await discard();
});

/** Compacts at once: rolls a segment with nearly every commit, and forgets tombstones and markers without delay. */
const EAGER = {
  'cleanup.policy': 'compact',
  'segment.bytes': String(1 << 20),
  'segment.ms': '100',
  'min.cleanable.dirty.ratio': '0',
  'delete.retention.ms': '0',
};

async function topicWith(
  topic: string,
  partitions = 1,
  configuration: Record<string, string> = EAGER,
): Promise<string> {
  const configEntries = Object.entries(configuration).map(([name, value]) => ({ name, value }));
  await makeTopic(broker.bootstrap, { topic, numPartitions: partitions, replicationFactor: 1, configEntries });
  return topic;
}

async function withProducer(work: (producer: Producer) => Promise<void>): Promise<void> {
  const producer = kafka.producer({ transactionalId: uniquePrefix(), idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  await work(producer);
  await producer.disconnect();
}

async function keysOf(topic: string): Promise<string[]> {
  await settled(broker.bootstrap, topic);
  const keys: string[] = [];
  await reader.readAll([topic], (record) => void keys.push(`${record.key}=${record.value}`), forever);
  return keys;
}

/** Every batch that the log of partition 0 holds, as fetched. */
async function batchesOf(topic: string) {
  const found = [];
  const { end } = (await reader.bounds([topic], forever)).get(topic)![0]!;
  const node = await brokers.ask((cluster) => cluster.findBroker({ nodeId: '1' }));
  for (let offset = 0; offset < end; ) {
    const answer = await fetchBatches(node, [{ topic, partition: 0, offset }]);
    const { batches } = answer.partitions.get(partitionKey(topic, 0))!;
    if (batches.length === 0) break;
    found.push(...batches);
    offset = batches.at(-1)!.nextOffset;
  }
  return { batches: found, end };
}

test('records of aborted transactions are passed over, those around them are not [P4]', async () => {
  const topic = await topicWith(uniquePrefix(), 1, { 'cleanup.policy': 'compact' });
  await withProducer(async (one) => {
    await withProducer(async (two) => {
      for (let i = 0; i < 6; i++) {
        const a = await begun(one, { topic, messages: [{ key: `a${i}`, value: 'x' }] });
        const b = await begun(two, { topic, messages: [{ key: `b${i}`, value: 'x' }] });
        await (i % 2 === 0 ? a.commit() : a.abort());
        await (i % 3 === 0 ? b.commit() : b.abort());
      }
    });
  });
  expect(await keysOf(topic)).toEqual(['a0=x', 'b0=x', 'a2=x', 'b3=x', 'a4=x']);
});

test('a topic that ends in an aborted transaction ends', async () => {
  const topic = await topicWith(uniquePrefix(), 1, { 'cleanup.policy': 'compact' });
  await withProducer(async (producer) => {
    await (await begun(producer, { topic, messages: [{ key: 'k', value: 'x' }] })).abort();
  });
  expect(await keysOf(topic)).toEqual([]);
});

test('several partitions are read at once, each in order, however much there is', async () => {
  const topic = await topicWith(uniquePrefix(), 5, { 'cleanup.policy': 'compact' });
  await withProducer(async (producer) => {
    for (let round = 0; round < 8; round++) {
      const messages = Array.from({ length: 5 * 400 }, (_, i) => ({
        key: `${round}-${i}`,
        value: 'v'.repeat(700),
        partition: i % 5,
      }));
      await (await begun(producer, { topic, messages })).commit();
    }
  });
  await settled(broker.bootstrap, topic);
  const seen = new Map<number, number[]>();
  await reader.readAll(
    [topic],
    ({ offset }, { partition }) => void seen.set(partition, [...(seen.get(partition) ?? []), offset]),
    forever,
  );
  for (const offsets of seen.values()) {
    expect(offsets).toHaveLength(3_200);
    expect(offsets.every((offset, i) => i === 0 || offset > offsets[i - 1]!)).toBe(true);
  }
  expect(seen.size).toBe(5);
});

test('a range is delivered exactly, although fetches begin and end with whole batches', async () => {
  const topic = await topicWith(uniquePrefix(), 1, { 'cleanup.policy': 'compact' });
  await withProducer(async (producer) => {
    const messages = Array.from({ length: 10 }, (_, i) => ({ key: `${i}`, value: 'x' }));
    await (await begun(producer, { topic, messages })).commit();
  });
  const offsets: number[] = [];
  await reader.read([{ topic, partition: 0, from: 3, to: 7 }], ({ offset }) => void offsets.push(offset), forever);
  expect(offsets).toEqual([3, 4, 5, 6]);
});

test('an offset that the broker will never reach is an error in bounded time', async () => {
  const topic = await topicWith(uniquePrefix(), 1, { 'cleanup.policy': 'compact' });
  const range: PartitionRange = { topic, partition: 0, from: 0, to: 5 };
  await expect(reader.read([range], () => {}, forever)).rejects.toMatchObject({
    code: 'kafka.unavailable',
    message: expect.stringContaining('stands still at offset 0 of 5'),
  });
});

test('a read that is aborted ends at once', async () => {
  const topic = await topicWith(uniquePrefix(), 1, { 'cleanup.policy': 'compact' });
  const controller = new AbortController();
  const reading = reader.read([{ topic, partition: 0, from: 0, to: 5 }], () => {}, controller.signal);
  setTimeout(() => controller.abort(new Error('enough')), 300);
  await expect(reading).rejects.toThrow('enough');
});

test('after compaction a new process restores exactly what is left, and ends [P2]', async () => {
  const prefix = uniquePrefix();
  for (const name of ['clients', 'users', 'state']) await topicWith(`${prefix}.${name}`);
  const sink = sinkOn(broker.bootstrap, { prefix });
  const model = new Model();
  await openPatiently(sink, model);
  for (let round = 0; round < 12; round++) {
    // Some keys change in every round, some stay; in the last round most leave, so that its batch is emptied.
    const numbers = Array.from({ length: 100 }, (_, i) => (round < 6 ? round * 100 + i : i));
    const messages = numbers
      .filter((number) => round < 11 || number >= 5)
      .map((number) => message('clients', `k${number}`, round < 11 ? `round ${round} ${'x'.repeat(500)}` : null));
    await sink.commit(batch(messages, { clients: { round } }));
    model.apply(messages);
    await systemClock.sleep(150); // the next append rolls the segment
  }
  await sink.close();

  // Cleaning needs something new to clean, and passes twice before tombstones go; another account's writes provide it.
  const other = sinkOn(broker.bootstrap, { prefix, account: '4712' });
  await openPatiently(other, new Model());
  const empty = await eventually('a batch is emptied', async () => {
    await systemClock.sleep(200); // the cleaner comes round that often
    const more = [message('clients', 'other', String(systemClock.now()))];
    await other.commit(batch(more, { clients: { round: 0 } }));
    model.apply(more);
    const { batches } = await batchesOf(`${prefix}.clients`);
    const records = batches.filter(({ control }) => !control).reduce((sum, { count }) => sum + count, 0);
    // The newest segments are not cleaned.
    return records <= model.values.size + 5 ? (batches.find(({ count }) => count === 0) ?? null) : null;
  });
  await other.close();

  // The cleaner keeps the last batch of each producer, without its records: nothing to deliver, and no reason to wait.
  const { baseOffset: from, nextOffset: to } = empty;
  const delivered: unknown[] = [];
  await reader.read(
    [{ topic: `${prefix}.clients`, partition: 0, from, to }],
    (record) => void delivered.push(record),
    forever,
  );
  expect(delivered).toEqual([]);

  const restored = new Model();
  const successor = sinkOn(broker.bootstrap, { prefix });
  const { rows, broken } = await openPatiently(successor, restored);
  await successor.close();
  expect(restored.values).toEqual(model.values);
  expect(rows.get('clients')).toEqual({ round: 11 });
  expect(broken.size).toBe(0);
});
