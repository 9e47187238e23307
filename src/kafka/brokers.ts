// The brokers as a whole process asks them: one connection for all of its accounts, and for everything but producing. It is left
// for another one when it seems to lead nowhere; whoever asked meanwhile asks again by itself.
import type { Admin } from 'kafkajs';
import type Cluster from 'kafkajs/src/cluster/index.js';
import type { Clock } from '../base/clock.ts';
import { PublisherError } from '../base/errors.ts';
import { type Connection, createConnection, type KafkaSettings, type Log } from './connection.ts';
import { answeredWith, isUnanswered } from './failures.ts';
import { StableOffsets } from './stable-offsets.ts';
import type { Asker } from './traffic.ts';

interface Link {
  readonly connection: Connection;
  readonly cluster: Cluster;
  /** Questions that are under way. */
  open: number;
  /** Monotonic; when it was made, or a broker answered anything last. */
  answeredAt: number;
}

/** kafkajs gives a single request half a minute. */
const QUESTION_MS = 45_000;
/** A connection over which nobody was answered for so long, although somebody asked, is left. */
const SILENT_MS = 15_000;

export class Brokers {
  /** The bootstrap brokers as one text, for messages and commands. */
  readonly names: string;
  readonly #settings: KafkaSettings;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #stable: StableOffsets;
  #link: Link | null = null;
  #isClosed = false;

  constructor(settings: KafkaSettings, clock: Clock, log: Log = () => {}) {
    this.names = settings.brokers.join(',');
    this.#settings = settings;
    this.#clock = clock;
    this.#log = log;
    this.#stable = new StableOffsets((question) => this.ask(question), clock);
  }

  /**
   * Asks something of the cluster, which is connected and knows its brokers. Rejects as kafkajs does, with `kafka.unavailable`
   * after 45 s, or with the reason of `signal` when that aborts.
   */
  ask<T>(question: (cluster: Cluster) => Promise<T>, asker?: Asker): Promise<T> {
    return this.#askOver(({ cluster }) => question(cluster), asker);
  }

  /** The same with kafkajs' admin. */
  administer<T>(work: (admin: Admin) => Promise<T>, asker?: Asker): Promise<T> {
    return this.#askOver(({ cluster, connection }) => work(connection.admin(cluster)), asker);
  }

  /**
   * The last stable offset of a topic's only partition. What is asked within a moment, for whichever accounts, is one question to
   * the brokers.
   */
  stableOffset(topic: string, asker: Asker): Promise<number> {
    return this.#stable.of(topic, asker);
  }

  /** Ends all questions, and the connection. */
  close(): void {
    this.#isClosed = true;
    this.#link?.connection.sever();
    this.#link = null;
  }

  async #askOver<T>(question: (link: Link) => Promise<T>, { signal, traffic }: Asker = {}): Promise<T> {
    signal?.throwIfAborted();
    if (this.#isClosed) throw this.#unavailable('nothing is asked any more');
    this.#link ??= this.#open();
    const link = this.#link;
    link.open++;
    traffic?.moved();
    try {
      const answer = await this.#inTime(
        ready(link).then(() => question(link)),
        signal,
      );
      link.answeredAt = this.#clock.monotonic();
      return answer;
    } catch (error) {
      if (!signal?.aborted && link === this.#link && this.#isUseless(link, error)) this.#link = null;
      throw error;
    } finally {
      link.open--;
      traffic?.moved();
      if (link !== this.#link && link.open === 0) link.connection.sever();
    }
  }

  #open(): Link {
    const connection = createConnection(this.#settings, this.#log);
    return { connection, cluster: connection.cluster(), open: 0, answeredAt: this.#clock.monotonic() };
  }

  /** Whether another connection would do better, and nothing is lost with this one. */
  #isUseless(link: Link, error: unknown): boolean {
    if (!link.cluster.isConnected() || isUnanswered(error) || error instanceof PublisherError) return true;
    if (answeredWith(error) !== '') link.answeredAt = this.#clock.monotonic();
    return this.#clock.monotonic() - link.answeredAt > SILENT_MS;
  }

  #inTime<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(QUESTION_MS, () => end(this.#unavailable(`no answer within ${QUESTION_MS} ms`)));
      const abort = () => end(signal!.reason);
      const leave = () => {
        cancel();
        signal?.removeEventListener('abort', abort);
      };
      const end = (reason: unknown) => {
        leave();
        reject(reason);
      };
      signal?.addEventListener('abort', abort);
      work.then(resolve, reject).finally(leave);
    });
  }

  #unavailable(why: string): PublisherError {
    return new PublisherError('kafka.unavailable', `brokers ${this.names}: ${why}`);
  }
}

async function ready({ cluster }: Link): Promise<void> {
  await cluster.connect();
  if (cluster.getNodeIds().length === 0) await cluster.refreshMetadata();
}
