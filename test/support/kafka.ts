// The tests of the Kafka room share this: sinks with short names, batches in one line, and a model of the log that a sink
// restores into.
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ITopicConfig } from 'kafkajs';
import { expect } from 'vitest';
import { startBroker } from '../../lab/stack/broker.ts';
import type { Security } from '../../lab/stack/broker-config.ts';
import { type Clock, systemClock, systemRandom } from '../../src/base/clock.ts';
import type { Batch, JsonObject, Op, OutMessage, Restore, Sink, TopicRecord } from '../../src/engine/ports.ts';
import { Brokers } from '../../src/kafka/brokers.ts';
import type { KafkaSettings, Log } from '../../src/kafka/connection.ts';
import type { Membership } from '../../src/kafka/ownership.ts';
import { createSink, type SinkOptions } from '../../src/kafka/publisher.ts';
import { createTopicReader, type TopicReader } from '../../src/kafka/reader.ts';
import { list } from '../../src/streams/definition.ts';
import { adminOf, persistently } from './clients.ts';
import { type Message, readTopics } from './consumer.ts';
import { eventually, PATIENTLY } from './patience.ts';

export { PATIENTLY } from './patience.ts';

export const ACCOUNT = '4711';
export const CLIENTS = list('clients', { permission: '' });
export const USERS = list('users', { permission: '' });

export interface SinkChoices {
  readonly prefix: string;
  readonly partitions?: number;
  readonly kafka?: Partial<KafkaSettings>;
  readonly account?: string;
  readonly instance?: string;
  readonly membership?: Membership;
  readonly isRunBy?: NonNullable<SinkOptions['isRunBy']>;
  readonly clock?: Clock;
  readonly log?: Log;
  /** Of a process with several accounts. */
  readonly brokers?: Brokers;
}

/** A sink of its own instance, as another process would have it. */
export function sinkOn(bootstrap: string, choices: SinkChoices): Sink {
  const kafka: KafkaSettings = { brokers: [bootstrap], compression: 'none', ...choices.kafka };
  const brokers = choices.brokers ?? new Brokers(kafka, choices.clock ?? systemClock, choices.log);
  const sink = createSink({
    ...{ kafka, brokers },
    topics: { prefix: choices.prefix, partitions: choices.partitions ?? 1, replication_factor: -1 },
    accountId: choices.account ?? ACCOUNT,
    streams: [CLIENTS, USERS],
    instance: choices.instance ?? randomUUID(),
    clock: choices.clock ?? systemClock,
    random: systemRandom,
    ...(choices.log ? { log: choices.log } : {}),
    ...(choices.membership ? { membership: choices.membership } : {}),
    ...(choices.isRunBy ? { isRunBy: choices.isRunBy } : {}),
  });
  const close = sink.close.bind(sink);
  sink.close = async () => {
    await close();
    if (choices.brokers === undefined) brokers.close();
  };
  return sink;
}

export function message(
  stream: string,
  key: string,
  value: string | null,
  op: Op = value === null ? 'd' : 'u',
): OutMessage {
  return {
    stream,
    key: Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    op,
    sourceTsMs: value === null ? null : 1_700_000_000_000,
  };
}

export function batch(messages: readonly OutMessage[], rows: Readonly<Record<string, JsonObject | null>> = {}): Batch {
  return { messages, deadLetters: [], notifications: [], signalsDone: [], rows: new Map(Object.entries(rows)) };
}

/** The compacted view of what a sink delivered: `stream/key` to value. */
export class Model implements Restore {
  readonly values = new Map<string, string>();
  readonly resets: string[] = [];
  delivered = 0;

  reset(stream: string): void {
    this.resets.push(stream);
    for (const name of [...this.values.keys()]) if (name.startsWith(`${stream}/`)) this.values.delete(name);
  }

  record(stream: string, { key, value }: Pick<TopicRecord, 'key' | 'value'>): void {
    this.delivered++;
    if (value === null) this.values.delete(`${stream}/${key}`);
    else this.values.set(`${stream}/${key}`, String(value));
  }

  /** The effect of a committed batch on the view. */
  apply(messages: readonly OutMessage[]): void {
    for (const one of messages) this.record(one.stream, one);
  }
}

export const forever = new AbortController().signal;

/** Makes a topic and waits for its leaders. kafkajs' own wait gives up at the first answer that does not know of it yet. */
export async function makeTopic(bootstrap: string, topic: ITopicConfig): Promise<void> {
  const admin = await adminOf(bootstrap);
  // A second try may find what the first has made; whoever makes a topic that was there before would see it in its settings.
  await persistently(() => admin.createTopics({ waitForLeaders: false, topics: [topic] }));
  await admin.disconnect();
  await settled(bootstrap, topic.topic);
}

/** For readers that are told how far to read: until all that the topic holds is committed or aborted. */
export async function settled(bootstrap: string, topic: string): Promise<void> {
  await withReader(bootstrap, async (reader) => {
    const isSettled = async () => {
      const partitions = (await reader.bounds([topic], forever)).get(topic)!;
      return partitions.every(({ stable, end }) => stable === end);
    };
    await expect.poll(isSettled, PATIENTLY).toBe(true);
  });
}

/** The same for what the topics hold now, though no longer than that: a transaction may be open on purpose. */
async function decided(bootstrap: string, topics: readonly string[], patienceMs: number): Promise<void> {
  const present = await presentOf(bootstrap, topics);
  if (present.length === 0) return;
  await withReader(bootstrap, async (reader) => {
    const bounds = async () => [...(await reader.bounds(present, forever)).values()].flat();
    const before = await bounds();
    for (
      const deadline = systemClock.monotonic() + patienceMs;
      systemClock.monotonic() < deadline;
      await systemClock.sleep(50)
    ) {
      const now = await bounds();
      if (now.every(({ stable }, index) => stable >= before[index]!.end)) return;
    }
  });
}

async function withReader(bootstrap: string, work: (reader: TopicReader) => Promise<void>): Promise<void> {
  const brokers = new Brokers({ brokers: [bootstrap], compression: 'none' }, systemClock);
  try {
    await work(createTopicReader(brokers, systemClock, { brokers: bootstrap, prefix: '' }));
  } finally {
    brokers.close();
  }
}

/** A broker of one test file, which its tests may kill; call it in the file's outermost `beforeAll`, stop it in `afterAll`. */
export async function brokerOfFile(properties: Readonly<Record<string, string>>, listeners: Security = 'plain') {
  const dataDir = await mkdtemp(join(tmpdir(), 'harvest-kafka-test-'));
  const broker = await startBroker({ dataDir, properties, listeners });
  const discard = async () => {
    await broker.kill();
    await rm(dataDir, { recursive: true, force: true });
  };
  return { broker, discard };
}

/**
 * The records that an independent consumer gets from the topics; absent ones are empty. Waits for its group coordinator, which a young
 * broker still loads, and for partitions that have not heard yet of a commit: a moment, unless a transaction stays open.
 */
export async function readCommitted(
  bootstrap: string,
  topics: readonly string[],
  patienceMs = 3_000,
): Promise<Message[]> {
  return persistently(async () => {
    if (patienceMs > 0) await decided(bootstrap, topics, patienceMs);
    return readTopics(bootstrap, topics);
  });
}

async function presentOf(bootstrap: string, topics: readonly string[]): Promise<string[]> {
  const admin = await adminOf(bootstrap);
  const present = new Set(await persistently(() => admin.listTopics()));
  await admin.disconnect();
  return topics.filter((topic) => present.has(topic));
}

/** The same of one topic, as `key=value`, sorted. */
export async function committedOn(bootstrap: string, topic: string): Promise<string[]> {
  return (await readCommitted(bootstrap, [topic])).map(({ key, value }) => `${key}=${value}`).sort();
}

/** Opens again and again as the engine does, until it works or the error is not one of waiting. */
export async function openPatiently(sink: Sink, restore: Restore) {
  let reason: unknown;
  const open = async () => {
    try {
      return await sink.open(restore, forever);
    } catch (error) {
      if ((error as { kind?: string }).kind !== 'reopen') throw error;
      reason = error;
      return null;
    }
  };
  return eventually('an opening', open).catch((error) => {
    throw Object.assign(error, { cause: reason });
  });
}
