// An account's data topics for those who only look: what is committed now, and later what has come since. Other than a restore
// it stops at the last stable offset, so a running daemon's open transaction holds nobody up.
import type { Clock } from '../base/clock.ts';
import type { Restore, TopicRecord } from '../engine/ports.ts';
import { createConnection, type KafkaSettings, type Log } from './connection.ts';
import { createTopicReader, type PartitionBounds, type PartitionRange, type TopicReader } from './reader.ts';
import type { FetchedRecord } from './record-batch.ts';
import { sourceTime } from './restore.ts';
import { dataTopic, presentTopics } from './topics.ts';
import { Traffic } from './traffic.ts';

export interface TopicLog {
  /** Delivers what was committed since the call before; everything the first time. A topic made anew is reset first. */
  news(stream: string, restore: Restore, signal: AbortSignal): Promise<void>;
  /** Of these streams, those whose topic holds anything, or held it. */
  written(streams: readonly string[], signal: AbortSignal): Promise<ReadonlySet<string>>;
  /** Delivers everything, whatever `news` has delivered. */
  all(stream: string, onRecord: (record: TopicRecord) => void, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Reads the topics below `prefix`; one that is not there is empty. Nothing is made, nobody fenced. */
export async function openTopicLog(
  settings: KafkaSettings,
  prefix: string,
  clock: Clock,
  log: Log = () => {},
  traffic = new Traffic(),
): Promise<TopicLog> {
  const connection = createConnection(settings, log, traffic);
  const reader = createTopicReader(connection, clock, { brokers: connection.brokers, prefix });
  const present = await presentTopics(connection, prefix);
  const positions = new Map<string, number[]>();

  /** The topic's partitions; none while it is not there. */
  async function boundsOf(stream: string, signal: AbortSignal): Promise<readonly PartitionBounds[]> {
    const topic = dataTopic(prefix, stream);
    return present.has(topic) ? (await reader.bounds([topic], signal)).get(topic)! : [];
  }

  return {
    async news(stream, restore, signal) {
      const bounds = await boundsOf(stream, signal);
      const before = positions.get(stream) ?? [];
      const isOurs = continues(bounds, before);
      if (!isOurs) restore.reset(stream);
      const ranges = bounds.map(({ start, stable }, partition) => ({
        topic: dataTopic(prefix, stream),
        partition,
        from: (isOurs ? before[partition] : undefined) ?? start,
        to: stable,
      }));
      await deliver(reader, ranges, (record) => restore.record(stream, record), signal);
      // The stable offset may seem to go back when another replica leads.
      positions.set(
        stream,
        ranges.map(({ from, to }) => Math.max(from, to)),
      );
    },
    async written(streams, signal) {
      const names = new Map(streams.map((stream) => [dataTopic(prefix, stream), stream]));
      const topics = [...names.keys()].filter((topic) => present.has(topic));
      const bounds = topics.length > 0 ? await reader.bounds(topics, signal) : new Map<string, PartitionBounds[]>();
      const found = [...bounds].filter(([, partitions]) => partitions.some(({ end }) => end > 0));
      return new Set(found.map(([topic]) => names.get(topic)!));
    },
    async all(stream, onRecord, signal) {
      const bounds = await boundsOf(stream, signal);
      const topic = dataTopic(prefix, stream);
      const ranges = bounds.map(({ start, stable }, partition) => ({ topic, partition, from: start, to: stable }));
      await deliver(reader, ranges, onRecord, signal);
    },
    async close() {
      await reader.close();
      connection.sever();
    },
  };
}

/** Whether what was read up to `positions` can be the topic that has these bounds now. */
function continues(bounds: readonly PartitionBounds[], positions: readonly number[]): boolean {
  return positions.every((position, partition) => {
    const found = bounds[partition];
    return found !== undefined && position >= found.start && position <= found.end;
  });
}

function deliver(
  reader: TopicReader,
  ranges: readonly PartitionRange[],
  onRecord: (record: TopicRecord) => void | Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const take = (record: FetchedRecord) => {
    const { key, value } = record;
    // Without a key it is not ours: compacted topics refuse such records.
    if (key !== null) return onRecord({ key, value, sourceTsMs: sourceTime(record) });
  };
  return reader.read(ranges, take, signal);
}
