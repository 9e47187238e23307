// Leaves signals in the state topic without disturbing whoever publishes the account: an ordinary producer, which fences nobody.
import { Partitioners } from 'kafkajs';
import { until } from '../base/backoff.ts';
import { PublisherError } from '../base/errors.ts';
import type { Signal } from '../engine/ports.ts';
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
  const connection = createConnection(settings);
  if (!(await presentTopics(connection, prefix)).has(topic)) {
    const nothing = `nothing was published under the prefix ${prefix} yet: there is no topic ${topic}`;
    const remedy = 'Check topics.prefix; harvest-kafka run makes the topics, and reads everything the first time.';
    throw new PublisherError('usage', nothing, { remedy });
  }
  const producer = connection.kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
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
    throw translate(error, `leaving a signal in ${topic}`, { brokers: connection.brokers, prefix });
  } finally {
    await producer.disconnect();
    connection.sever();
  }
}

/**
 * Waits until the signals, which were left at the offset `first`, are carried out. False when that takes longer than
 * `patienceMs`, or `signal` aborts.
 */
export async function untilTaken(
  options: Omit<SignalReaderOptions, 'position'>,
  signals: readonly Signal[],
  first: number,
  patienceMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const { clock } = options;
  const ids = new Set(signals.map(({ id }) => id));
  const book = new SignalReader({ ...options, position: first });
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
    book.close();
  }
}
