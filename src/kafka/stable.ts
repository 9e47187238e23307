// Nothing is believed about a partition while a transaction is open on it. Brokers 4.3.1 and
// 4.4.0 can lose the commit marker of an acknowledged transaction when they are killed; its records then hide behind the
// last stable offset, and whoever goes on publishes them twice.
import { type Pace, until } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import { PublisherError } from '../base/errors.ts';
import type { Bounds, TopicReader } from './reader.ts';

const PATIENCE_MS = 10_000;
const PACE: Pace = { baseMs: 100, mostMs: 100, patienceMs: PATIENCE_MS };

/**
 * Waits until everything that the topics held when we asked is committed or aborted, and returns their bounds of that
 * moment, stable to their ends. Compares later stable offsets with the first high watermark, so that other accounts may go on writing to the
 * same topics. Throws `kafka.hanging_transaction`.
 */
export async function awaitStable(
  reader: TopicReader,
  topics: readonly string[],
  brokers: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<Bounds> {
  const asked = await reader.bounds(topics, signal);
  let open = openTransaction(asked, asked);
  const look = async () => {
    open = open && openTransaction(asked, await reader.bounds(topics, signal));
    return open === null || null;
  };
  if ((await until(look, PACE, { clock, signal })) === null) throw hanging(open!, brokers);
  return new Map([...asked].map(([topic, bounds]) => [topic, bounds.map((one) => ({ ...one, stable: one.end }))]));
}

interface OpenTransaction {
  readonly topic: string;
  readonly partition: number;
  readonly stable: number;
  readonly end: number;
}

function openTransaction(asked: Bounds, now: Bounds): OpenTransaction | null {
  for (const [topic, partitions] of asked) {
    for (const [partition, { end }] of partitions.entries()) {
      const stable = now.get(topic)?.[partition]?.stable ?? -1;
      if (stable < end) return { topic, partition, stable, end };
    }
  }
  return null;
}

function hanging({ topic, partition, stable, end }: OpenTransaction, brokers: string): PublisherError {
  const held = `${topic} partition ${partition}: a transaction is still open at offset ${stable}`;
  const told = `${held}, before the end at ${end}, after ${PATIENCE_MS / 1000} s`;
  const abort = `kafka-transactions.sh --bootstrap-server ${brokers} abort --topic ${topic} --partition ${partition} --start-offset ${stable}`;
  const remedy = `Committed records may be hidden behind it, so nothing is published. Wait for its time-out; if it stays, end it: ${abort}`;
  return new PublisherError('kafka.hanging_transaction', told, { remedy });
}
