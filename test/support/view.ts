// The whole account as an independent consumer sees it, against what the simulator would answer now.
import { dataTopic } from '../../src/kafka/topics.ts';
import { compacted, createDecoder, falseChanges, type Message } from './consumer.ts';
import { differences } from './equality.ts';
import { readCommitted } from './kafka.ts';
import type { Where } from './publisher.ts';
import { identityOf, streams, truthOf } from './truth.ts';

export interface View {
  readonly messages: readonly Message[];
  /** Where the compacted view and Harvest differ, field by field, over all streams. */
  readonly differences: readonly string[];
  /** Values repeated, older ones after newer ones (P2, P3). */
  readonly falseChanges: readonly string[];
  /** Rows per stream. */
  readonly rows: Readonly<Record<string, number>>;
}

/** Reads all 32 topics and compares. The simulator must be quiet, and its clock stand still if timers run. */
export async function viewOf(where: Where): Promise<View> {
  const topics = new Map(streams.map((stream) => [dataTopic(where.prefix, stream.name), stream]));
  const messages = await readCommitted(where.bootstrap, [...topics.keys()]);
  const decode = createDecoder(where.registryUrl);
  const found: string[] = [];
  const rows: Record<string, number> = {};
  for (const [topic, stream] of topics) {
    const last = compacted(messages.filter((message) => message.topic === topic));
    const actual = [];
    for (const message of last.values()) actual.push(await decode(message));
    rows[stream.name] = actual.length;
    found.push(...differences(stream.name, identityOf(stream), truthOf(where.simulator, stream), actual));
  }
  return { messages, differences: found, falseChanges: falseChanges(messages), rows };
}
