// The engine's Sink on Kafka: takes an account over, reads back what it left, commits batches. The transaction itself is
// session.ts', the reading reader.ts', whose the account is ownership.ts', what the state topic says state-topic.ts', what
// people ask of the account signals.ts'.
import { atMost, type Clock, type Random } from '../base/clock.ts';
import { assert, PublisherError } from '../base/errors.ts';
import type { Batch, Opened, Restore, Signal, Sink } from '../engine/ports.ts';
import type { StreamDefinition } from '../streams/definition.ts';
import type { Brokers } from './brokers.ts';
import { type Connection, createConnection, type KafkaSettings, type Log } from './connection.ts';
import { type BrokerPlace, isTopicRefused } from './failures.ts';
import { pack, type SendBatch, sendBatches, valueLimit } from './messages.ts';
import { type Membership, Ownership, type OwnershipParts } from './ownership.ts';
import { type Bounds, createTopicReader, type TopicReader } from './reader.ts';
import { restoreTopics } from './restore.ts';
import { forbidden, verifyTransactionalId } from './rights.ts';
import { fence, type Send, type Session } from './session.ts';
import { SignalReader } from './signals.ts';
import { awaitStable } from './stable.ts';
import { AccountState, encodeRow, type Offsets, rowKey, type StoredRow, signalKey } from './state-topic.ts';
import { TopicMemory } from './topic-memory.ts';
import { dataTopic, ensureTopics, lackedRights, stateTopic, type TopicLayout, type TopicSettings } from './topics.ts';
import { Traffic } from './traffic.ts';

export interface SinkOptions {
  /** For the connection that this account produces over. */
  readonly kafka: KafkaSettings;
  /** For everything else; shared with other accounts, and closed by whoever made it. */
  readonly brokers: Brokers;
  readonly topics: TopicSettings;
  readonly accountId: string;
  /** The enabled streams. */
  readonly streams: readonly StreamDefinition[];
  /** Unique to this process. */
  readonly instance: string;
  /** Absent for an instance outside of groups. */
  readonly membership?: Membership;
  /** See OwnershipParts. */
  readonly isRunBy?: NonNullable<OwnershipParts['isRunBy']>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log?: Log;
}

/** One account's way to Kafka. Throws PublisherErrors `kafka.*`; `Sink` says what may follow which. */
export function createSink(options: SinkOptions): Sink {
  return new Publisher(options);
}

export function transactionalIdOf(prefix: string, accountId: string): string {
  return `${prefix}-${accountId}`;
}

const TRANSACTION_TIMEOUT_MS = 30_000;
const RELEASE_PATIENCE_MS = 2_000;
/** After so long without a word the broker may have forgotten the producer, and a firewall the sockets. */
const SILENCE_MAX_MS = 3_600_000;

interface Running {
  readonly connection: Connection;
  readonly session: Session;
  readonly layouts: ReadonlyMap<string, TopicLayout>;
  /** Nothing of ours follows. */
  isReleased: boolean;
}

class Publisher implements Sink {
  readonly #options: SinkOptions;
  readonly #log: Log;
  readonly #place: BrokerPlace & { readonly transactionalId: string };
  readonly #state: AccountState;
  readonly #reader: TopicReader;
  readonly #signals: SignalReader;
  readonly #ownership: Ownership;
  readonly #memories: ReadonlyMap<string, TopicMemory>;
  readonly #closing = new AbortController();
  readonly #traffic = new Traffic();
  #running: Running | null = null;
  #busy = false;

  constructor(options: SinkOptions) {
    const { topics, accountId, brokers, instance, membership, clock } = options;
    const { prefix } = topics;
    this.#options = options;
    this.#log = options.log ?? (() => {});
    this.#place = { brokers: brokers.names, prefix, transactionalId: transactionalIdOf(prefix, accountId) };
    this.#reader = createTopicReader(brokers, clock, this.#place, this.#traffic);
    this.#state = new AccountState(prefix, accountId, instance, () => membership?.rank() ?? null);
    this.#signals = new SignalReader({ brokers, prefix, accountId, clock, log: this.#log });
    const mine = { place: this.#place, state: this.#state, signals: this.#signals };
    this.#ownership = new Ownership({ ...options, ...mine, reader: this.#reader });
    this.#memories = new Map(options.streams.map(({ name }) => [name, new TopicMemory()]));
  }

  async open(restore: Restore, signal: AbortSignal): Promise<Opened> {
    return this.#alone(async () => {
      const both = AbortSignal.any([signal, this.#closing.signal]);
      const bounds = await this.#takeOver(both);
      try {
        return await this.#restore(bounds, restore, both);
      } catch (error) {
        // Told to stop: closing releases the account first.
        if (!both.aborted) await this.#stop();
        throw await this.#named(error, 'reading the topics back');
      }
    });
  }

  async commit(batch: Batch): Promise<void> {
    if (isEmpty(batch)) return;
    return this.#alone(async () => {
      if (this.#silentMs() > SILENCE_MAX_MS) await this.#renew();
      if (!this.#running) throw new PublisherError('kafka.doubt', 'the log has to be opened before a commit');
      const { session, layouts } = this.#running;
      const { prefix, transactionalId } = this.#place;
      const data = sendBatches(prefix, transactionalId, layouts, batch);
      const waiting = new Set(this.#signals.ofAccount.map(({ id }) => id));
      const carriedOut = (this.#options.membership?.carriedOut() ?? []).filter((id) => waiting.has(id));
      const signalsDone = [...batch.signalsDone, ...carriedOut];
      let sent: Sent;
      try {
        sent = await session.transact((send) => this.#send(data, { ...batch, signalsDone }, layouts, send));
      } catch (error) {
        await this.#stop();
        throw await this.#judge(error, 'committing a batch', this.#closing.signal);
      }
      if (batch.isLast) this.#running.isReleased = true;
      // Nothing is remembered before the commit is known.
      for (const { stream, partition, last } of sent.records) this.#memory(stream).wrote(partition, last);
      for (const [name, row] of sent.rows) this.#state.wrote(name, row);
      this.#state.position = sent.statePosition ?? this.#state.position;
      this.#signals.done(signalsDone);
    });
  }

  async signals(signal: AbortSignal): Promise<readonly Signal[]> {
    const signals = await this.#signals.read(signal);
    this.#options.membership?.onSignals(this.#signals.ofAccount);
    return signals;
  }

  moves(): { readonly log: number; readonly signals: number } {
    return { log: this.#traffic.moves, signals: this.#signals.traffic.moves };
  }

  async close(): Promise<void> {
    this.#closing.abort(new PublisherError('kafka.doubt', 'the log was closed'));
    this.#signals.close();
    await this.#releaseAtLast();
    await this.#stop();
  }

  /** An account that is closed before its last commit, while it is read back for one: its next owner need not wait for more. */
  async #releaseAtLast(): Promise<void> {
    const running = this.#running;
    if (this.#busy || running === null || running.isReleased) return;
    const { key, value } = this.#ownership.release();
    const message = { key: Buffer.from(key), value, partition: 0 };
    const released = running.session.transact((send) => send(stateTopic(this.#place.prefix), 0, [message]));
    await atMost(this.#options.clock, RELEASE_PATIENCE_MS, released);
  }

  /** One producer has one transaction at a time: overlapping calls are a defect of the caller. */
  async #alone<T>(work: () => Promise<T>): Promise<T> {
    assert(!this.#busy, 'the sink does one thing at a time');
    this.#busy = true;
    try {
      return await work();
    } finally {
      this.#busy = false;
    }
  }

  async #stop(): Promise<void> {
    const running = this.#running;
    this.#running = null;
    if (!running) return;
    await running.session.close();
    running.connection.sever();
  }

  #silentMs(): number {
    return this.#running ? this.#options.clock.monotonic() - this.#running.session.usedAt : 0;
  }

  #memory(stream: string): TopicMemory {
    const memory = this.#memories.get(stream);
    assert(memory !== undefined, `only enabled streams are published, not ${stream}`);
    return memory;
  }

  // ---- taking over -------------------------------------------------------------------------------------------------

  /**
   * Makes this process the one writer of the account, in the only order that holds:
   *  1. read who signed. After our own first signature this tells whether somebody newer did, whom we must not fence back;
   *  2. fence: older producers are refused from here on, and what they left open is aborted;
   *  3. await what is stable: prove that nothing committed is hidden. Before our own first commit, because its marker would also release
   *     records that a broker's defect has stranded under the same producer id;
   *  4. sign: commit a record that names this opening. Once it is there, nobody older can commit any more;
   *  5. read the state up to that signature: the rows are final, whatever became of the commits before.
   * An instance that fences us between 2 and 4 makes our signature fail; one that comes later, a commit.
   */
  async #takeOver(signal: AbortSignal): Promise<Bounds> {
    const { brokers, clock, random, kafka, topics, streams } = this.#options;
    await this.#stop();
    signal.throwIfAborted();
    const connection = createConnection(kafka, this.#log, this.#traffic);
    // kafkajs knows no abort signals, but it notices that its sockets are gone.
    signal.addEventListener('abort', connection.sever);
    const reader = this.#reader;
    const asker = { signal, traffic: this.#traffic };
    let session: Session | null = null;
    try {
      const layouts = await ensureTopics(brokers, topics, streams, this.#log, clock, asker);
      await verifyTransactionalId(brokers, topics.prefix, this.#place.transactionalId, asker);
      await this.#ownership.look(reader, signal);
      await this.#ownership.awaitRelease(reader, signal);
      const sessionOptions = {
        ...{ clock, random, place: this.#place, compression: kafka.compression },
        transactionalId: this.#place.transactionalId,
        transactionTimeoutMs: kafka.transaction_timeout_ms ?? TRANSACTION_TIMEOUT_MS,
      };
      session = await fence(connection, sessionOptions, signal);
      const own = [stateTopic(topics.prefix), ...streams.map(({ name }) => dataTopic(topics.prefix, name))];
      const bounds = await awaitStable(reader, own, brokers.names, clock, signal);
      await this.#ownership.sign(session, reader, signal);
      this.#running = { connection, session, layouts, isReleased: false };
      return bounds;
    } catch (error) {
      await session?.close();
      connection.sever();
      signal.throwIfAborted();
      throw await this.#judge(error, 'taking the account over', signal);
    } finally {
      signal.removeEventListener('abort', connection.sever);
    }
  }

  async #judge(error: unknown, doing: string, signal: AbortSignal): Promise<PublisherError> {
    return (await this.#named(await this.#ownership.judge(error, doing, signal), doing)) as PublisherError;
  }

  /** A failure with the topics and operations that are kept from us, when it is about those. */
  async #named(error: unknown, doing: string): Promise<unknown> {
    if (!isTopicRefused(error)) return error;
    const { brokers, topics, streams } = this.#options;
    try {
      const lacks = await lackedRights(brokers, topics, streams);
      return lacks.length > 0 ? forbidden(lacks, doing, brokers) : error;
    } catch {
      // Then what is known has to do.
      return error;
    }
  }

  /**
   * A new producer after long silence, on the same terms as any opening: a newer instance is not fenced back. Nothing is
   * under way, so this is no doubt, unless somebody (an older instance, recovering) has moved the state meanwhile.
   */
  async #renew(): Promise<void> {
    const { changes } = this.#state;
    const before = this.#running?.layouts;
    await this.#takeOver(this.#closing.signal);
    const partitionsOf = (layouts = before) =>
      [...(layouts ?? [])].map(([topic, { partitions }]) => `${topic} ${partitions}`);
    const isSame = partitionsOf().join() === partitionsOf(this.#running!.layouts).join();
    // Our own signature is the one change to expect.
    if (this.#state.changes === changes + 1 && isSame) return;
    await this.#stop();
    const moved = isSame ? 'the state of the account moved without us' : 'a topic has other partitions than before';
    throw new PublisherError('kafka.doubt', moved);
  }

  // ---- reading back ------------------------------------------------------------------------------------------------

  async #restore(bounds: Bounds, restore: Restore, signal: AbortSignal): Promise<Opened> {
    const { prefix } = this.#options.topics;
    const { layouts } = this.#running!;
    for (const [name, memory] of this.#memories) memory.learn(this.#state.rows.get(name)?.offsets ?? {});
    const { broken, records } = await restoreTopics(this.#reader, bounds, prefix, this.#memories, restore, signal);
    const rows = new Map([...this.#state.rows].map(([name, { row }]) => [name, row]));
    const limitOf = (name: string) => valueLimit(layouts.get(dataTopic(prefix, name))!);
    const maxValueBytes = new Map([...this.#memories.keys()].map((name) => [name, limitOf(name)]));
    return { rows, broken, records, maxValueBytes };
  }

  // ---- writing -----------------------------------------------------------------------------------------------------

  async #send(
    data: readonly SendBatch[],
    { rows, signalsDone, isLast }: Batch,
    layouts: ReadonlyMap<string, TopicLayout>,
    send: Send,
  ): Promise<Sent> {
    const records: Sent['records'][number][] = [];
    for (const { topic, partition, messages, stream } of data) {
      const first = await send(topic, partition, messages);
      if (stream === null) continue;
      if (!this.#memory(stream).accepts(partition, first)) {
        const again = `${topic} partition ${partition} was made anew: it gave offset ${first} again`;
        throw new PublisherError('kafka.doubt', again);
      }
      records.push({ stream, partition, last: first + messages.length - 1 });
    }

    // Last, so that readers of uncommitted records never see a cursor ahead of its records.
    const stored = new Map<string, StoredRow | null>();
    for (const [name, row] of rows) stored.set(name, row && { row, offsets: this.#offsets(name, records) });
    const { prefix } = this.#place;
    const { accountId } = this.#options;
    const entries = [
      ...[...stored].map(([name, row]) => ({ key: rowKey(prefix, accountId, name), value: row && encodeRow(row) })),
      ...signalsDone.map((id) => ({ key: signalKey(prefix, accountId, id), value: null })),
      // In the transaction of the exact budgets: whoever sees the release finds nothing of ours left to come.
      ...(isLast ? [this.#ownership.release()] : []),
    ];
    // One partition of the state topic is one shard, whatever the topic has.
    const here = { topic: stateTopic(prefix), stream: null };
    const layout = new Map([[here.topic, { ...layouts.get(here.topic)!, partitions: 1 }]]);
    const toMessage = ({ key, value }: (typeof entries)[number]) => ({ key: Buffer.from(key), value });
    let statePosition: number | null = null;
    for (const { topic, partition, messages } of pack(layout, entries, () => here, toMessage)) {
      statePosition = (await send(topic, partition, messages)) + messages.length;
    }
    return { records, rows: stored, statePosition };
  }

  #offsets(name: string, records: Sent['records']): Offsets {
    const fresh = records.filter(({ stream }) => stream === name).map(({ partition, last }) => [partition, last]);
    return { ...this.#memories.get(name)?.noted(), ...Object.fromEntries(fresh) };
  }
}

/** The content of a transaction, remembered once it is committed. */
interface Sent {
  readonly records: readonly { readonly stream: string; readonly partition: number; readonly last: number }[];
  readonly rows: ReadonlyMap<string, StoredRow | null>;
  readonly statePosition: number | null;
}

function isEmpty({ messages, deadLetters, notifications, rows, signalsDone }: Batch): boolean {
  return messages.length + deadLetters.length + notifications.length + rows.size + signalsDone.length === 0;
}
