// Leaves signals in the state topic without disturbing whoever publishes the account: an ordinary producer, which fences nobody.
import { Partitioners } from 'kafkajs';
import createProducer from 'kafkajs/src/producer/index.js';
import { until } from '../base/backoff.ts';
import { systemClock } from '../base/clock.ts';
import { PublisherError } from '../base/errors.ts';
import type { Signal } from '../engine/ports.ts';
import { Brokers } from './brokers.ts';
import { createConnection, type KafkaSettings } from './connection.ts';
import { translate } from './failures.ts';
import { verified } from './session.ts';
import { type AccountSignal, SignalReader, type SignalReaderOptions } from './signals.ts';
import { signalKey } from './state-topic.ts';
import { presentTopics, stateTopic } from './topics.ts';

const POLL_MS = 250;

/**
 * Resolves to the offset of the first signal when all brokers in sync have them. Throws `usage` when nothing was ever
 * published under the prefix, `kafka.*` otherwise; then the signals may be there all the same.
 */
export async function sendSignals(
  settings: KafkaSettings,
  account: { readonly prefix: string; readonly accountId: string },
  signals: readonly (Signal | AccountSignal)[],
): Promise<number> {
  const { prefix, accountId } = account;
  const topic = stateTopic(prefix);
  if (!(await isThere(settings, prefix, topic))) {
    const nothing = `nothing was published under the prefix ${prefix} yet: there is no topic ${topic}`;
    const remedy = 'Check topics.prefix; harvest-kafka run makes the topics, and reads everything the first time.';
    throw new PublisherError('usage', nothing, { remedy });
  }
  const connection = createConnection(settings);
  const producer = createProducer({
    cluster: connection.cluster({ maxInFlightRequests: 1 }),
    logger: connection.logger,
    idempotent: true,
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  try {
    await producer.connect();
    const messages = signals.map((signal) => ({
      key: signalKey(prefix, accountId, signal.id),
      value: JSON.stringify(signal),
      partition: 0,
    }));
    return verified(await producer.send({ topic, acks: -1, messages }), topic, 0);
  } catch (error) {
    throw translate(error, `leaving a signal in ${topic}`, { brokers: settings.brokers.join(','), prefix });
  } finally {
    await producer.disconnect();
    connection.sever();
  }
}

async function isThere(settings: KafkaSettings, prefix: string, topic: string): Promise<boolean> {
  const brokers = new Brokers(settings, systemClock);
  try {
    return (await presentTopics(brokers, prefix, [topic])).has(topic);
  } finally {
    brokers.close();
  }
}

/**
 * Waits until the signals, which were left at the offset `first`, are carried out. False when that takes longer than
 * `patienceMs`, or `signal` aborts.
 */
export async function untilTaken(
  options: Omit<SignalReaderOptions, 'position' | 'brokers'> & { readonly kafka: KafkaSettings },
  signals: readonly Signal[],
  first: number,
  patienceMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const { kafka, clock } = options;
  const ids = new Set(signals.map(({ id }) => id));
  const brokers = new Brokers(kafka, clock);
  const book = new SignalReader({ ...options, brokers, position: first });
  try {
    const look = async () => {
      const waiting = await book.read(signal);
      // A signal behind a transaction that is still open is not in the book yet.
      return book.position >= first + ids.size && !waiting.some(({ id }) => ids.has(id)) ? true : null;
    };
    return (await until(look, { baseMs: POLL_MS, mostMs: POLL_MS, patienceMs }, { clock, signal })) ?? false;
  } catch (error) {
    if (!signal.aborted) throw error;
    return false;
  } finally {
    brokers.close();
  }
}
