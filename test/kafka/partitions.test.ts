// Partitions that somebody adds to a topic of ours: each key has its partition by their number, so what was written before
// would stand beside what is written after.
import { beforeEach, expect, test } from 'vitest';
import type { Sink } from '../../src/engine/ports.ts';
import { adminOf, persistently } from '../support/clients.ts';
import { batch, committedOn, forever, Model, makeTopic, message, openPatiently, sinkOn } from '../support/kafka.ts';
import { sharedStack, uniquePrefix } from '../support/stack.ts';

let bootstrap: string;
let prefix: string;

beforeEach(() => {
  ({ bootstrap } = sharedStack());
  prefix = uniquePrefix();
});

async function addPartitions(topic: string, count: number): Promise<void> {
  const admin = await adminOf(bootstrap);
  await persistently(() => admin.createPartitions({ topicPartitions: [{ topic, count }] }));
  await expect
    .poll(async () => (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0]!.partitions.length)
    .toBe(count);
  await admin.disconnect();
}

const KEYS = ['1', '2', '3', '4', '5', '6', '7', '8'];
const write = (sink: Sink, value: string) => sink.commit(batch(KEYS.map((key) => message('clients', key, value))));

const REFUSAL = {
  code: 'kafka.topic_contract',
  exitCode: 65,
  message: expect.stringMatching(
    /clients: partition 0 holds keys that belong to another of its 2 partitions: some were added/,
  ),
  remedy: expect.stringMatching(/kafka-topics\.sh --delete --topic .*clients; or use a new topics\.prefix/),
};

test('to a topic that holds records: refused at the next start, and nothing is published [P3]', async () => {
  const first = sinkOn(bootstrap, { prefix });
  await first.open(new Model(), forever);
  await write(first, 'one');
  await first.close();
  await addPartitions(`${prefix}.clients`, 2);
  const second = sinkOn(bootstrap, { prefix });
  await expect(openPatiently(second, new Model())).rejects.toMatchObject(REFUSAL);
  await second.close();
  expect(await committedOn(bootstrap, `${prefix}.clients`)).toEqual(KEYS.map((key) => `${key}=one`));
});

test('while we publish: the old ones are written to until the next opening, which refuses them [P3]', async () => {
  const sink = sinkOn(bootstrap, { prefix });
  await sink.open(new Model(), forever);
  await write(sink, 'one');
  await addPartitions(`${prefix}.clients`, 2);
  await write(sink, 'two');
  await expect(openPatiently(sink, new Model())).rejects.toMatchObject(REFUSAL);
  await sink.close();
});

test('to a topic that holds nothing: taken, in this process and in the next', async () => {
  const sink = sinkOn(bootstrap, { prefix });
  await sink.open(new Model(), forever);
  await addPartitions(`${prefix}.clients`, 2);
  await openPatiently(sink, new Model());
  await write(sink, 'one');
  await sink.close();
  const next = sinkOn(bootstrap, { prefix });
  const model = new Model();
  await openPatiently(next, model);
  await next.close();
  expect(model.values.size).toBe(KEYS.length);
});

test('a topic with many partitions of its own is read back as it was written', async () => {
  await makeTopic(bootstrap, {
    topic: `${prefix}.clients`,
    numPartitions: 7,
    configEntries: [{ name: 'cleanup.policy', value: 'compact' }],
  });
  const sink = sinkOn(bootstrap, { prefix });
  await sink.open(new Model(), forever);
  await write(sink, 'one');
  const model = new Model();
  await openPatiently(sink, model);
  await sink.close();
  expect(await committedOn(bootstrap, `${prefix}.clients`)).toHaveLength(KEYS.length);
});
