// One transactional producer from fencing to the first doubt. Keeps the discipline that makes kafkajs exactly-once: one
// send at a time to one partition, its answer verified, and after any failure the producer never speaks again. What is
// sent is publisher.ts' business.
import { CompressionTypes, type Message, Partitioners, type Producer, type Transaction } from 'kafkajs';
import type Cluster from 'kafkajs/src/cluster/index.js';
import type { Broker } from 'kafkajs/src/cluster/index.js';
import createProducer from 'kafkajs/src/producer/index.js';
import { type Pace, patiently } from '../base/backoff.ts';
import { atMost, type Clock, type Random } from '../base/clock.ts';
import { assert, PublisherError } from '../base/errors.ts';
import type { Connection } from './connection.ts';
import { type BrokerPlace, isLasting, translate } from './failures.ts';
import { produce } from './produce.ts';

/** Sends to one partition; returns the offset of the first message. */
export type Send = (topic: string, partition: number, messages: readonly Message[]) => Promise<number>;

export type Session = ReturnType<typeof openSession>;

export interface SessionOptions {
  readonly transactionalId: string;
  readonly transactionTimeoutMs: number;
  readonly compression: 'none' | 'gzip';
  readonly clock: Clock;
  readonly random: Random;
  readonly place: BrokerPlace;
}

/** The coordinator may be loading, or still ending the transaction of a predecessor. */
const FENCE_PACE: Pace = { baseMs: 200, mostMs: 1_500, patienceMs: 20_000 };
const ABORT_PATIENCE_MS = 2_000;
const GOODBYE_PATIENCE_MS = 2_000;
/** How long a leader waits for its replicas before it refuses a send. */
const REPLICATION_TIMEOUT_MS = 30_000;

/**
 * Initialises a producer with our transactional id: from here on every older one is refused by the broker, and what it
 * left open is aborted.
 */
export async function fence(connection: Connection, options: SessionOptions, signal: AbortSignal): Promise<Session> {
  const { clock, random, place, transactionalId } = options;
  try {
    const mayPass = (error: unknown) => !isLasting(error);
    return await patiently(() => initialise(connection, options), FENCE_PACE, { clock, random, signal, mayPass });
  } catch (error) {
    signal.throwIfAborted();
    throw translate(error, `fencing ${transactionalId}`, place);
  }
}

async function initialise(connection: Connection, options: SessionOptions): Promise<Session> {
  const { clock, transactionalId, transactionTimeoutMs } = options;
  const producer = createProducer({
    cluster: producingCluster(connection, clock),
    logger: connection.logger,
    transactionalId,
    transactionTimeout: transactionTimeoutMs,
    idempotent: true,
    createPartitioner: Partitioners.DefaultPartitioner,
    // 5 ms: right after a commit the markers are still being written, and the next transaction waits for them. With
    // kafkajs' 300 ms there are 5 to 11 transactions a second, with 5 ms over 100.
    retry: { initialRetryTime: 5, maxRetryTime: 300, retries: 20 },
  });
  try {
    await producer.connect();
    // kafkajs sends InitProducerId with the first transaction; ending it at once sends nothing more.
    const first = await producer.transaction();
    await first.abort();
    return openSession(producer, options);
  } catch (error) {
    await goodbye(producer, clock);
    throw error;
  }
}

/** kafkajs' view of the cluster with our way to write what is sent. */
function producingCluster(connection: Connection, clock: Clock): Cluster {
  const cluster = connection.cluster({ maxInFlightRequests: 1 });
  const findBroker = cluster.findBroker.bind(cluster);
  const findCoordinator = cluster.findGroupCoordinator.bind(cluster);
  // kafkajs asks for the coordinator before each word to it. While what is sent goes through it is the one it was a moment ago;
  // after any failure, and for the first word of a transaction, it is asked for.
  let last: Promise<Broker> | null = null;
  let known: Promise<Broker> | null = null;
  cluster.findGroupCoordinator = (question) => {
    last = known ?? findCoordinator(question);
    known = null;
    return last;
  };
  cluster.findBroker = async (node) => {
    const broker = await findBroker(node);
    broker.produce = async (request) => {
      const answer = await produce(broker, request, clock);
      known = last;
      return answer;
    };
    return broker;
  };
  return cluster;
}

function openSession(producer: Producer, { clock, compression, transactionTimeoutMs }: SessionOptions) {
  const codec = compression === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None;
  let state: 'ready' | 'in transaction' | 'over' = 'ready';
  let usedAt = clock.monotonic();

  return {
    /** Monotonic ms of the last word to the broker. */
    get usedAt() {
      return usedAt;
    },
    transact,
    close: async (): Promise<void> => {
      // After a failure there is nothing to wait for: the publisher cuts the connection.
      if (state !== 'over') await goodbye(producer, clock);
      state = 'over';
    },
  };

  /** One transaction. When it throws, its outcome is unknown and the session is over. */
  async function transact<T>(work: (send: Send) => Promise<T>): Promise<T> {
    assert(state === 'ready', 'one transaction at a time, and none after a failure');
    state = 'in transaction';
    let transaction: Transaction | null = null;
    // A transaction that is open for half its time-out is given up while the broker still knows it: beyond the time-out,
    // the broker's own abort looks like fencing by another instance.
    const limitMs = transactionTimeoutMs / 2;
    let cancel = () => {};
    const overdue = new Promise<never>((_, reject) => {
      cancel = clock.after(limitMs, () => reject(new Error(`the transaction was still open after ${limitMs} ms`)));
    });
    try {
      const result = await Promise.race([overdue, attempt()]);
      state = 'ready';
      usedAt = clock.monotonic();
      return result;
    } catch (error) {
      state = 'over';
      // Aborting only spares readers the wait for the time-out; whether it works makes no difference to us.
      await atMost(clock, ABORT_PATIENCE_MS, (transaction as Transaction | null)?.abort());
      throw error;
    } finally {
      cancel();
    }

    async function attempt(): Promise<T> {
      const begun = await producer.transaction();
      transaction = begun;
      const how = { acks: -1, timeout: REPLICATION_TIMEOUT_MS, compression: codec };
      const result = await work(async (topic, partition, messages) => {
        goOn();
        const sent = await begun.send({ topic, messages: sorted(partition, messages), ...how });
        return verified(sent, topic, partition);
      });
      goOn();
      await begun.commit();
      return result;
    }

    // The race above may have been lost while a send was waiting: what comes back late must not go on sending.
    function goOn(): void {
      if (state !== 'in transaction') throw new Error('the transaction was given up');
    }
  }
}

/** kafkajs sorts messages by partition with `reduce`, and copies all before each that it adds: these are sorted already. */
function sorted(partition: number, messages: readonly Message[]): Message[] {
  const byPartition = { [partition]: messages };
  return Object.assign([...messages], { reduce: () => byPartition });
}

interface SendResult {
  readonly topicName: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly baseOffset?: string;
}

/**
 * kafkajs resolves a send whose records reached nobody when a leader moves between two tries; then the answer does not
 * name our partition. Only an answer for exactly this partition, with an offset, is an acknowledgement.
 */
export function verified(answer: readonly SendResult[], topic: string, partition: number): number {
  const [only] = answer;
  const offset = Number(only?.baseOffset ?? -1);
  const acknowledged =
    answer.length === 1 && only!.topicName === topic && only!.partition === partition && only!.errorCode === 0;
  if (!acknowledged || !(offset >= 0)) {
    const unsaid = `the broker did not acknowledge the records for ${topic} partition ${partition}`;
    throw new PublisherError('kafka.doubt', unsaid);
  }
  return offset;
}

/** `disconnect` waits for requests in flight, up to their time-out of 30 s: not that long. */
async function goodbye(producer: Producer, clock: Clock): Promise<void> {
  await atMost(clock, GOODBYE_PATIENCE_MS, producer.disconnect());
}
