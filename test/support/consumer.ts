// An independent consumer: kafkajs' own consumer and the registry library decode what is on the topics; nothing of ours is
// used. read_committed, as every consumer of these topics should be.
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import type { IHeaders } from 'kafkajs';
import { adminOf, patientClient } from './clients.ts';

export interface Message {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly key: Buffer;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** Everything that is committed on the topics now, in log order within each partition. Absent topics are empty. */
export async function readTopics(bootstrap: string, wanted: readonly string[]): Promise<Message[]> {
  const kafka = patientClient(bootstrap);
  const admin = await adminOf(bootstrap);
  const present = new Set(await admin.listTopics());
  const topics = wanted.filter((topic) => present.has(topic));
  // kafkajs' `high` is the last stable offset here (its reads are read_committed).
  const ends = new Map<string, bigint>();
  for (const topic of topics) {
    for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
      if (BigInt(high) > BigInt(low)) ends.set(`${topic} ${partition}`, BigInt(high));
    }
  }
  const messages: Message[] = [];
  const groupId = `independent-${Math.random().toString(36).slice(2)}`;
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 50 });
  try {
    if (ends.size === 0) return [];
    await consumer.connect();
    await consumer.subscribe({ topics, fromBeginning: true });
    await new Promise<void>((done, failed) => {
      // A fresh broker still loads its coordinator: then kafkajs joins again by itself.
      consumer.on(consumer.events.CRASH, ({ payload }) => {
        if (!payload.restart) failed(payload.error);
      });
      // Emitted for batches of markers and aborted records too, which eachBatch never sees.
      consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
        const name = `${payload.topic} ${payload.partition}`;
        const end = ends.get(name);
        if (end !== undefined && BigInt(payload.lastOffset) + 1n >= end) ends.delete(name);
        if (ends.size === 0) done();
      });
      consumer
        .run({
          autoCommit: false,
          eachBatch: async ({ batch }) => {
            for (const { key, value, offset, headers } of batch.messages) {
              const { topic, partition } = batch;
              messages.push({ topic, partition, offset: BigInt(offset), key: key!, value, headers: texts(headers) });
            }
          },
        })
        .catch(failed);
    });
  } finally {
    await consumer.disconnect();
    await admin.deleteGroups([groupId]).catch(() => {});
    await admin.disconnect();
  }
  return messages;
}

export interface Decoded {
  readonly key: Record<string, unknown>;
  readonly value: Record<string, unknown>;
}

/** Decodes keys and values with the registry's own schemas; decimals, dates and times as Harvest writes them. */
export function createDecoder(registryUrl: string): (message: Pick<Message, 'key' | 'value'>) => Promise<Decoded> {
  const registry = new SchemaRegistry({ host: registryUrl });
  const schemas = new Map<number, Schema>();
  async function decode(bytes: Buffer): Promise<Record<string, unknown>> {
    const id = bytes.readInt32BE(1);
    const value = await registry.decode(bytes);
    let schema = schemas.get(id);
    if (!schema) {
      const raw = await fetch(`${registryUrl}/schemas/ids/${id}`);
      schema = JSON.parse(((await raw.json()) as { schema: string }).schema) as Schema;
      schemas.set(id, schema);
    }
    return plain(value, schema, new Map()) as Record<string, unknown>;
  }
  return async ({ key, value }) => ({ key: await decode(key), value: value === null ? {} : await decode(value) });
}

type Schema = string | readonly Schema[] | SchemaObject;
interface SchemaObject {
  readonly type: Schema;
  readonly name?: string;
  readonly fields?: ReadonlyArray<{ readonly name: string; readonly type: Schema }>;
  readonly items?: Schema;
  readonly logicalType?: string;
  readonly scale?: number;
}

function plain(value: unknown, schema: Schema, named: Map<string, SchemaObject>): unknown {
  if (value === null || value === undefined) return null;
  if (typeof schema === 'string') return named.has(schema) ? plain(value, named.get(schema)!, named) : value;
  if (Array.isArray(schema)) return plain(value, schema.find((branch) => branch !== 'null')!, named);
  const { type, logicalType, fields, items, name, scale } = schema as SchemaObject;
  if (logicalType === 'timestamp-millis') return `${new Date(value as number).toISOString().slice(0, 19)}Z`;
  if (logicalType === 'date') return new Date((value as number) * 86_400_000).toISOString().slice(0, 10);
  if (logicalType === 'decimal') return decimalText(value as Buffer, scale!);
  if (items) return (value as unknown[]).map((item) => plain(item, items, named));
  if (!fields) return plain(value, type, named);
  if (name) named.set(name, schema as SchemaObject);
  return Object.fromEntries(
    fields.map((field) => [field.name, plain((value as Record<string, unknown>)[field.name], field.type, named)]),
  );
}

/** Two's complement bytes as the number they stand for. */
function decimalText(bytes: Buffer, scale: number): number {
  const unsigned = BigInt(`0x${bytes.toString('hex')}`);
  const unscaled = bytes[0]! & 0x80 ? unsigned - (1n << BigInt(bytes.length * 8)) : unsigned;
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  return Number(`${unscaled < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`);
}

function texts(headers: IHeaders | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)]));
}
