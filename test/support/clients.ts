// The kafkajs clients of the tests themselves, which look at a broker from outside: they try again what passes by itself, as a
// young or busy broker refuses much that it grants a moment later.
import { setTimeout as pause } from 'node:timers/promises';
import {
  type Admin,
  Kafka,
  type KafkaConfig,
  logLevel,
  type Producer,
  type ProducerRecord,
  type Transaction,
} from 'kafkajs';
import { until } from './patience.ts';

/** A client of these addresses, or of a broker with its settings. */
export function patientClient(broker: string | (Partial<KafkaConfig> & Pick<KafkaConfig, 'brokers'>)): Kafka {
  return new Kafka({
    logLevel: logLevel.NOTHING,
    // Connecting takes kafkajs a second at most, and its five tries a few seconds.
    connectionTimeout: 30_000,
    retry: { initialRetryTime: 50, maxRetryTime: 1_000, retries: 200 },
    ...(typeof broker === 'string' ? { brokers: [broker] } : broker),
  });
}

/** Does it, and again when it failed for a reason that passes by itself. */
export async function persistently<T>(work: () => Promise<T>): Promise<T> {
  let result: { readonly value: T } | undefined;
  let failure: unknown;
  await until('a broker does what it is asked for', async () => {
    try {
      result = { value: await work() };
    } catch (error) {
      if (!passes(error)) throw error;
      failure = error;
      await pause(100);
    }
    return result !== undefined;
  }).catch((error) => {
    throw failure instanceof Error && error instanceof Error && failure !== error
      ? Object.assign(error, { cause: failure })
      : error;
  });
  return result!.value;
}

function passes(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { retriable, cause } = error as { retriable?: boolean; cause?: unknown };
  return retriable === true || passes(cause);
}

/** A connected admin that asks patiently. */
export async function adminOf(broker: Parameters<typeof patientClient>[0]): Promise<Admin> {
  const admin = patientClient(broker).admin();
  await persistently(() => admin.connect());
  return admin;
}

/** Deletes a topic and waits until it is gone. */
export async function removeTopic(admin: Admin, topic: string): Promise<void> {
  await persistently(async () => {
    if ((await admin.listTopics()).includes(topic)) await admin.deleteTopics({ topics: [topic] });
  });
  await until(`${topic} is gone`, async () => !(await admin.listTopics()).includes(topic));
}

/** An open transaction that holds this much. kafkajs gives up at the first coordinator that is not ready yet. */
export function begun(producer: Producer, record: ProducerRecord): Promise<Transaction> {
  return persistently(async () => {
    const transaction = await producer.transaction();
    try {
      await transaction.send(record);
      return transaction;
    } catch (error) {
      await transaction.abort().catch(() => {});
      throw error;
    }
  });
}
