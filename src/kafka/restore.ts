// Reads data topics back, from where they were left to where they are stable: what is there is what was published.
import { PublisherError } from '../base/errors.ts';
import type { Opened, Restore, TopicRecord } from '../engine/ports.ts';
import { partitionOf } from './partitioner.ts';
import type { Bounds, PartitionRange, TopicReader } from './reader.ts';
import type { FetchedRecord } from './record-batch.ts';
import type { TopicMemory } from './topic-memory.ts';
import { dataTopic } from './topics.ts';

/** Whose records a partition holds. */
interface Place {
  readonly stream: string;
  readonly memory: TopicMemory;
  /** How many its topic has. */
  readonly partitions: number;
}

/**
 * Delivers what is new on every stream's topic and moves the memories past it. A topic that is not the one its memory
 * knows is reset and read from its beginning. `bounds` holds all the topics.
 */
export async function restoreTopics(
  reader: TopicReader,
  bounds: Bounds,
  prefix: string,
  memories: ReadonlyMap<string, TopicMemory>,
  restore: Restore,
  signal: AbortSignal,
): Promise<Pick<Opened, 'broken' | 'records'>> {
  const broken = new Map<string, string>();
  const places = new Map<PartitionRange, Place>();
  for (const [name, memory] of memories) {
    const topic = dataTopic(prefix, name);
    const found = bounds.get(topic)!;
    const reason = memory.breach(found);
    if (reason !== null) {
      broken.set(name, `${topic}: ${reason}`);
      memory.forget();
      restore.reset(name);
    } else if (memory.isRepartitioned(found)) {
      memory.rewind();
      restore.reset(name);
    }
    for (const range of memory.unread(topic, found))
      places.set(range, { stream: name, memory, partitions: found.length });
  }

  let records = 0;
  const deliver = (record: FetchedRecord, range: PartitionRange) => {
    const ours = topicRecord(record);
    if (ours === null) return;
    records++;
    const { topic, partition } = range;
    const { stream, memory, partitions } = places.get(range)!;
    if (partitionOf(ours.key, partitions) !== partition) throw repartitioned(topic, partition, partitions);
    const pending = restore.record(stream, ours);
    // Only what was taken in counts as read: an opening that fails in the middle goes on from there.
    if (pending) return pending.then(() => memory.read(partition, record.offset + 1));
    memory.read(partition, record.offset + 1);
  };
  await reader.read([...places.keys()], deliver, signal);
  // The stable offset may seem to go back when another replica leads.
  for (const [{ partition, from, to }, { memory }] of places) memory.read(partition, Math.max(from, to));
  return { broken, records };
}

/** A record of a stream's topic; null without a key, which is not ours: compacted topics refuse such records. */
export function topicRecord(record: FetchedRecord): TopicRecord | null {
  const { key, value } = record;
  if (key === null) return null;
  const updatedAt = record.header('__source_ts_ms');
  return { key, value, sourceTsMs: updatedAt === null ? null : Number(updatedAt) };
}

/** New versions of its keys would go to other partitions than the old ones, where consumers and compaction keep both. */
function repartitioned(topic: string, partition: number, partitions: number): PublisherError {
  return new PublisherError(
    'kafka.topic_contract',
    `topic ${topic}: partition ${partition} holds keys that belong to another of its ${partitions} partitions: some were added after it was written`,
    {
      remedy: `Partitions cannot be taken back. Delete the topic, and it is made and filled anew with topics.partitions: kafka-topics.sh --delete --topic ${topic}; or use a new topics.prefix.`,
    },
  );
}
