// An account's topics for those who only look: what is committed now, and later what has come since. Other than a restore it
// does not wait for a daemon's open transaction. Nothing is made, nobody fenced.
import type { Clock } from '../base/clock.ts';
import type { Restore, TopicRecord } from '../engine/ports.ts';
import { catalog } from '../streams/catalog.ts';
import { Brokers } from './brokers.ts';
import type { KafkaSettings } from './connection.ts';
import { createTopicReader, type OnRecord } from './reader.ts';
import { restoreTopics, topicRecord } from './restore.ts';
import { TopicMemory } from './topic-memory.ts';
import { dataTopic, presentTopics, stateTopic } from './topics.ts';
import type { Traffic } from './traffic.ts';

export type TopicLog = Awaited<ReturnType<typeof openTopicLog>>;

/** The streams' topics below `prefix`; one that is not there is empty. All methods throw PublisherError `kafka.*`. */
export async function openTopicLog(brokers: Brokers, prefix: string, clock: Clock, traffic?: Traffic) {
  const reader = createTopicReader(brokers, clock, { brokers: brokers.names, prefix }, traffic);
  const topics = [...catalog.map(({ name }) => dataTopic(prefix, name)), stateTopic(prefix)];
  const present = await presentTopics(brokers, prefix, topics, { traffic });
  const memories = new Map<string, TopicMemory>();
  const has = (stream: string) => present.has(dataTopic(prefix, stream));

  return {
    /** Whether the stream has a topic. */
    has,
    /** Delivers what was committed since the call before; everything the first time. A topic made anew is reset first. */
    async news(stream: string, restore: Restore, signal: AbortSignal): Promise<void> {
      if (!has(stream)) return;
      const memory = memories.get(stream) ?? new TopicMemory();
      memories.set(stream, memory);
      const bounds = await reader.bounds([dataTopic(prefix, stream)], signal);
      await restoreTopics(reader, bounds, prefix, new Map([[stream, memory]]), restore, signal);
    },
    /** Of these streams, those whose topic holds anything, or held it. */
    async written(streams: readonly string[], signal: AbortSignal): Promise<ReadonlySet<string>> {
      const there = streams.filter(has);
      if (there.length === 0) return new Set();
      const bounds = await reader.bounds(
        there.map((stream) => dataTopic(prefix, stream)),
        signal,
      );
      return new Set(there.filter((stream) => bounds.get(dataTopic(prefix, stream))!.some(({ end }) => end > 0)));
    },
    /** Delivers everything, whatever `news` has delivered. */
    async all(stream: string, onRecord: (record: TopicRecord) => void, signal: AbortSignal): Promise<void> {
      const deliver: OnRecord = (record) => {
        const ours = topicRecord(record);
        if (ours) onRecord(ours);
      };
      if (has(stream)) await reader.readAll([dataTopic(prefix, stream)], deliver, signal);
    },
  };
}

/** Delivers what one topic holds committed now, on a connection of its own; nothing while there is no such topic. */
export async function readTopic(
  settings: KafkaSettings,
  { prefix, topic }: { readonly prefix: string; readonly topic: string },
  onRecord: OnRecord,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  const brokers = new Brokers(settings, clock);
  try {
    if (!(await presentTopics(brokers, prefix, [topic], { signal })).has(topic)) return;
    await createTopicReader(brokers, clock, { brokers: brokers.names, prefix }).readAll([topic], onRecord, signal);
  } finally {
    brokers.close();
  }
}
