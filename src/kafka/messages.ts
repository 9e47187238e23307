// A batch of the engine as Kafka messages, cut into sends. Knows headers, partitions and sizes; not when they are sent.
import type { Message } from 'kafkajs';
import { assert } from '../base/errors.ts';
import type { DeadLetter, Notification, OutMessage } from '../engine/ports.ts';
import { deadLetterMessage, withoutRecord } from './dead-letters.ts';
import { partitionOf } from './partitioner.ts';
import { dataTopic, deadLetterTopic, LARGEST_BYTES, notificationTopic, type TopicLayout } from './topics.ts';

/** One send: messages for one partition of one topic, in order. */
export interface SendBatch {
  readonly topic: string;
  readonly partition: number;
  readonly messages: readonly Message[];
  /** The stream whose records these are; null for what is not read back. */
  readonly stream: string | null;
}

// kafkajs copies the array of a partition once per message: 1 000 messages cost 2 ms, 20 000 cost 3 s.
const SEND_BATCH_MESSAGES = 1_000;
const SEND_BATCH_BYTES = 800_000;
/** Lengths, deltas and attributes of one record, generously. */
const RECORD_OVERHEAD_BYTES = 40;
const BATCH_OVERHEAD_BYTES = 100;

/** Key and headers of a data record, generously. */
const KEY_AND_HEADERS_BYTES = 500;

/** The largest value that still fits a batch of its own on the topic. */
export function valueLimit({ maxBytes }: TopicLayout): number {
  return maxBytes - BATCH_OVERHEAD_BYTES - RECORD_OVERHEAD_BYTES - KEY_AND_HEADERS_BYTES;
}

/** The data, then the dead letters, then the notifications of a batch. */
export function sendBatches(
  prefix: string,
  transactionalId: string,
  layouts: ReadonlyMap<string, TopicLayout>,
  batch: {
    readonly messages: readonly OutMessage[];
    readonly deadLetters: readonly DeadLetter[];
    readonly notifications: readonly Notification[];
  },
): readonly SendBatch[] {
  const deadLetterBytes =
    Math.min(layouts.get(deadLetterTopic(prefix))!.maxBytes, LARGEST_BYTES) - BATCH_OVERHEAD_BYTES;
  return [
    ...pack(layouts, batch.messages, ({ stream }) => ({ topic: dataTopic(prefix, stream), stream }), dataMessage),
    ...pack(
      layouts,
      batch.deadLetters,
      () => ({ topic: deadLetterTopic(prefix), stream: null }),
      (letter) => {
        const message = deadLetterMessage(letter, prefix, transactionalId);
        return sizeOf(message) <= deadLetterBytes ? message : withoutRecord(message, deadLetterBytes);
      },
    ),
    ...pack(
      layouts,
      batch.notifications,
      () => ({ topic: notificationTopic(prefix), stream: null }),
      ({ stream, body }) => ({ key: Buffer.from(stream), value: JSON.stringify(body) }),
    ),
  ];
}

type KeyedMessage = Message & { readonly key: Buffer };

/** Groups by topic and partition and cuts what is too long; the order within a partition stays. */
export function pack<T>(
  layouts: ReadonlyMap<string, TopicLayout>,
  items: readonly T[],
  place: (item: T) => Pick<SendBatch, 'topic' | 'stream'>,
  toMessage: (item: T) => KeyedMessage,
): readonly SendBatch[] {
  const packed: SendBatch[] = [];
  const open = new Map<string, { messages: Message[]; bytes: number }>();
  for (const item of items) {
    const { topic, stream } = place(item);
    const layout = layouts.get(topic);
    assert(layout !== undefined, `a batch only speaks of topics that were opened, not of ${topic}`);
    const message = toMessage(item);
    const partition = partitionOf(message.key, layout.partitions);
    const bytes = sizeOf(message);
    const limit = Math.min(SEND_BATCH_BYTES, layout.maxBytes - BATCH_OVERHEAD_BYTES);
    const id = `${topic}/${partition}`;
    let sendBatch = open.get(id);
    // A message that is too large by itself goes alone: whether it is too large for the broker is the broker's to say.
    if (!sendBatch || sendBatch.messages.length >= SEND_BATCH_MESSAGES || sendBatch.bytes + bytes > limit) {
      sendBatch = { messages: [], bytes: 0 };
      open.set(id, sendBatch);
      packed.push({ topic, partition, messages: sendBatch.messages, stream });
    }
    sendBatch.messages.push(message);
    sendBatch.bytes += bytes;
  }
  return packed;
}

function dataMessage({ key, value, op, sourceTsMs }: OutMessage): KeyedMessage {
  // kafkajs breaks on a header whose value is null or undefined, so an unknown time is no header at all.
  const time = sourceTsMs === null ? {} : { __source_ts_ms: String(sourceTsMs) };
  return { key, value, headers: { __op: op, ...time } };
}

function sizeOf({ key, value, headers = {} }: KeyedMessage): number {
  let bytes = RECORD_OVERHEAD_BYTES + key.length + (value === null ? 0 : Buffer.byteLength(value));
  for (const [name, content] of Object.entries(headers)) bytes += name.length + Buffer.byteLength(String(content)) + 4;
  return bytes;
}
