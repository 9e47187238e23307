// How far the state topics of all accounts of a process are committed: one ListOffsets to each broker that leads any of them, however
// many accounts look. Remembers who leads, until a broker says otherwise.
import type Cluster from 'kafkajs/src/cluster/index.js';
import type { Broker } from 'kafkajs/src/cluster/index.js';
import listOffsetsRequest from 'kafkajs/src/protocol/requests/listOffsets/v3/request.js';
import listOffsetsResponse from 'kafkajs/src/protocol/requests/listOffsets/v3/response.js';
import type { Clock } from '../base/clock.ts';
import { brokerError } from './failures.ts';
import { askAnyBroker, leadersIn, UNKNOWN_TOPIC } from './metadata.ts';
import type { Asker, Traffic } from './traffic.ts';

/** Accounts look at the same moments, but one after the other. */
const GATHER_MS = 25;

const CONSUMER = -1;
const READ_COMMITTED = 1;
const LATEST = -1;

interface Waiting {
  readonly topic: string;
  readonly traffic: Traffic | undefined;
  resolve(offset: number): void;
  reject(error: unknown): void;
}

/** By topic how far it is committed, or what is wrong with it. */
type Found = ReadonlyMap<string, number | Error>;

type Ask = <T>(question: (cluster: Cluster) => Promise<T>) => Promise<T>;

export class StableOffsets {
  readonly #ask: Ask;
  readonly #clock: Clock;
  readonly #leaders = new Map<string, number>();
  #waiting: Waiting[] = [];

  constructor(ask: Ask, clock: Clock) {
    this.#ask = ask;
    this.#clock = clock;
  }

  /** Rejects as kafkajs does, for this topic alone when it is the only one that is not well. */
  of(topic: string, { signal, traffic }: Asker): Promise<number> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const abort = () => reject(signal!.reason);
      const leave = () => signal?.removeEventListener('abort', abort);
      signal?.addEventListener('abort', abort);
      const one: Waiting = {
        ...{ topic, traffic },
        resolve: (offset) => {
          leave();
          resolve(offset);
        },
        reject: (error) => {
          leave();
          reject(error);
        },
      };
      if (this.#waiting.push(one) === 1) void this.#clock.sleep(GATHER_MS).then(() => this.#look());
    });
  }

  async #look(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    const topics = [...new Set(waiting.map(({ topic }) => topic))];
    for (const { traffic } of waiting) traffic?.moved();
    try {
      const found = await this.#list(topics);
      for (const { topic, traffic, resolve, reject } of waiting) {
        traffic?.moved();
        const offset = found.get(topic) ?? brokerError(UNKNOWN_TOPIC, topic);
        if (typeof offset === 'number') resolve(offset);
        else reject(offset);
      }
    } catch (error) {
      for (const { traffic, reject } of waiting) {
        traffic?.moved();
        reject(error);
      }
    }
  }

  async #list(topics: readonly string[]): Promise<Found> {
    const found = await this.#findLeaders(topics);
    const led = new Map<number, string[]>();
    for (const topic of topics) {
      const leader = this.#leaders.get(topic);
      if (leader !== undefined) led.set(leader, [...(led.get(leader) ?? []), topic]);
    }
    await Promise.all(
      [...led].map(async ([leader, theirs]) => {
        try {
          const list = async (cluster: Cluster) =>
            listStable(await cluster.findBroker({ nodeId: String(leader) }), theirs);
          for (const [topic, offset] of await this.#ask(list)) found.set(topic, offset);
        } catch (error) {
          // The other brokers may be well.
          for (const topic of theirs) found.set(topic, error as Error);
        }
      }),
    );
    for (const [topic, offset] of found) if (typeof offset !== 'number') this.#leaders.delete(topic);
    return found;
  }

  /** Looks for the leaders that are not known; returns what is wrong, by topic. */
  async #findLeaders(topics: readonly string[]): Promise<Map<string, number | Error>> {
    const wrong = new Map<string, number | Error>();
    const unknown = topics.filter((topic) => !this.#leaders.has(topic));
    if (unknown.length === 0) return wrong;
    for (const one of (await this.#ask((cluster) => askAnyBroker(cluster, unknown))).topicMetadata) {
      try {
        this.#leaders.set(one.topic, leadersIn([one]).get(one.topic)![0]!);
      } catch (error) {
        wrong.set(one.topic, error as Error);
      }
    }
    return wrong;
  }
}

async function listStable(broker: Broker, topics: readonly string[]): Promise<Found> {
  const partitions = [{ partition: 0, timestamp: LATEST }];
  const request = listOffsetsRequest({
    replicaId: CONSUMER,
    isolationLevel: READ_COMMITTED,
    topics: topics.map((topic) => ({ topic, partitions })),
  });
  const { responses } = await broker.connectionPool.send({
    request,
    response: { decode: listOffsetsResponse.decode, parse: async (answer) => answer },
  });
  return new Map(
    responses.flatMap(({ topic, partitions }) =>
      partitions.map(({ partition, errorCode, offset }): [string, number | Error] => {
        return [topic, errorCode === 0 ? Number(offset) : brokerError(errorCode, topic, partition)];
      }),
    ),
  );
}
