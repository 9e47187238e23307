// Topics as they grow: everything that is committed now, then whatever comes, for as long as somebody looks on. Nothing is made,
// nobody fenced, no consumer group joined.
import type { Clock } from '../base/clock.ts';
import { Brokers } from './brokers.ts';
import type { KafkaSettings } from './connection.ts';
import { createTopicReader, type PartitionBounds, type TopicReader } from './reader.ts';
import type { FetchedRecord } from './record-batch.ts';
import { isAnotherLog } from './state-topic.ts';
import { presentTopics } from './topics.ts';

/** How soon a commit is seen. */
const LOOK_MS = 500;
/** How soon a topic is seen that was not there before. */
const PRESENCE_MS = 5_000;

/** A committed record; its buffers are views of the broker's answer, to be copied by whoever keeps them. */
export interface TailedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** When it was published, in ms. */
  readonly at: number;
  readonly key: Buffer;
  /** Null is a tombstone. */
  readonly value: Buffer | null;
  /** The `__op` header. */
  readonly op: string | null;
}

export interface Tail {
  /** Called in the order of offsets within a partition; `isNew` once everything that was there at the beginning has come. */
  onRecord(record: TailedRecord, isNew: boolean): Promise<void>;
  /** Everything read of the topic is void: it was emptied or made anew, and is read from its beginning. */
  onReset(topic: string): void;
  /** Everything that was there has come. `missing`: topics that are not there yet; they are waited for. */
  onCaughtUp(missing: readonly string[]): void;
}

/** Resolves when `signal` aborts. Throws PublisherError `kafka.*`, and what `onRecord` throws. */
export async function followTopics(
  settings: KafkaSettings,
  topics: readonly string[],
  prefix: string,
  tail: Tail,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  const brokers = new Brokers(settings, clock);
  const reader = createTopicReader(brokers, clock, { brokers: brokers.names, prefix });
  const follower = new Follower(reader, tail);
  let present: readonly string[] = [];
  let lookedAt = Number.NEGATIVE_INFINITY;
  try {
    for (let isNew = false; !signal.aborted; isNew = true) {
      if (present.length < topics.length && clock.monotonic() - lookedAt >= PRESENCE_MS) {
        present = [...(await presentTopics(brokers, prefix, topics, { signal }))];
        lookedAt = clock.monotonic();
      }
      if (present.length > 0) await follower.advance(present, isNew, signal);
      if (!isNew) tail.onCaughtUp(topics.filter((topic) => !present.includes(topic)));
      await clock.sleep(LOOK_MS, signal);
    }
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
  } finally {
    brokers.close();
  }
}

class Follower {
  readonly #reader: TopicReader;
  readonly #tail: Tail;
  /** The next offset by partition. */
  readonly #positions = new Map<string, number[]>();

  constructor(reader: TopicReader, tail: Tail) {
    this.#reader = reader;
    this.#tail = tail;
  }

  /** Delivers what was committed since the call before. */
  async advance(topics: readonly string[], isNew: boolean, signal: AbortSignal): Promise<void> {
    const bounds = await this.#reader.bounds(topics, signal);
    const ranges = topics.flatMap((topic) => this.#news(topic, bounds.get(topic)!));
    const take = (record: FetchedRecord, { topic, partition }: { topic: string; partition: number }) => {
      const { key, value, offset, timestamp: at } = record;
      // Without a key it is not ours: compacted topics refuse such records.
      if (key === null) return;
      const tailed = { topic, partition, offset, at, key, value, op: record.header('__op') };
      return this.#tail.onRecord(tailed, isNew);
    };
    await this.#reader.read(ranges, take, signal);
    for (const { topic, partition, to } of ranges) this.#positions.get(topic)![partition] = to;
  }

  #news(topic: string, bounds: readonly PartitionBounds[]) {
    const before = this.#positions.get(topic) ?? [];
    const isAnother = before.some((position, at) => !bounds[at] || isAnotherLog(position, bounds[at]));
    if (isAnother) this.#tail.onReset(topic);
    const positions = bounds.map(({ start }, partition) => (isAnother ? start : (before[partition] ?? start)));
    this.#positions.set(topic, positions);
    const ranges = bounds.map(({ stable }, partition) => {
      return { topic, partition, from: positions[partition]!, to: stable };
    });
    // The stable offset may seem to go back when another replica leads.
    return ranges.filter(({ from, to }) => to > from);
  }
}
