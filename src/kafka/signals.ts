// Signals of people, as they lie in the state topic until they are carried out: their keys, their JSON and how far they were
// read. A command leaves them (send-signals.ts), the engine says what they do, and publisher.ts deletes them.
import type { Clock } from '../base/clock.ts';
import type { Signal } from '../engine/ports.ts';
import { type Connection, createConnection, type KafkaSettings, type Log } from './connection.ts';
import { createTopicReader, type TopicReader } from './reader.ts';
import type { FetchedRecord } from './record-batch.ts';
import { isAnotherLog, parseKey } from './state-topic.ts';
import { stateTopic } from './topics.ts';
import { Traffic } from './traffic.ts';

/** A person asks something of the account as a whole, in a group: to move to a member, or to be taken back from an outsider. */
export interface AccountSignal {
  readonly id: string;
  readonly kind: 'move' | 'take';
  /** The name of the member, for move alone. */
  readonly to: string | null;
  readonly at: string;
}

/** The signal of an account that a record's value holds; null when it is none. */
export function parseAccountSignal(id: string, value: Buffer): AccountSignal | null {
  try {
    const { kind, to, at } = JSON.parse(value.toString()) as AccountSignal;
    if ((kind === 'move' && typeof to === 'string') || kind === 'take') return { id, kind, to, at };
  } catch {
    // None of ours.
  }
  return null;
}

const KINDS: ReadonlySet<string> = new Set<Signal['kind']>([
  'release',
  'reconcile',
  'reset',
  'replay',
  'pause',
  'resume',
]);

/** The signal that a record's value holds; null when it is none that we know. */
export function parseSignal(id: string, value: Buffer): Signal | null {
  try {
    const { kind, stream, to, at, by } = JSON.parse(value.toString()) as Signal;
    const known = KINDS.has(kind) && typeof stream === 'string' && typeof at === 'string';
    return known && (to === null || typeof to === 'string')
      ? { id, kind, stream, to, at, ...(typeof by === 'string' && { by }) }
      : null;
  } catch {
    return null;
  }
}

export interface SignalReaderOptions {
  readonly kafka: KafkaSettings;
  readonly prefix: string;
  readonly accountId: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Offset of the state topic before which nothing matters. */
  readonly position?: number;
}

/**
 * The signals of one account that are not carried out yet. Reads the state topic on a connection and from a position of its
 * own: commits may be under way meanwhile, and their position skips what others wrote.
 */
export class SignalReader {
  readonly #options: SignalReaderOptions;
  readonly #topic: string;
  readonly #waiting = new Map<string, Signal>();
  readonly #ofAccount = new Map<string, AccountSignal>();
  readonly #readings = new Set<() => void>();
  readonly traffic = new Traffic();
  #position: number;
  #link: { readonly connection: Connection; readonly reader: TopicReader } | null = null;

  constructor(options: SignalReaderOptions) {
    this.#options = options;
    this.#topic = stateTopic(options.prefix);
    this.#position = options.position ?? 0;
  }

  /** Everything before this offset is known. */
  get position(): number {
    return this.#position;
  }

  /** Those of the account as a whole that were read so far and are not carried out. */
  get ofAccount(): readonly AccountSignal[] {
    return [...this.#ofAccount.values()];
  }

  /** The oldest first. Reads what is new, committed only. Throws PublisherError `kafka.*`, and goes on from there next time. */
  async read(signal: AbortSignal): Promise<readonly Signal[]> {
    signal.throwIfAborted();
    this.#link ??= this.#connect();
    const { connection, reader } = this.#link;
    // A signal for each reading: what listens to the caller's would pile up as long as that lives.
    const stop = new AbortController();
    const end = () => {
      stop.abort(signal.reason);
      connection.sever();
    };
    this.#readings.add(end);
    signal.addEventListener('abort', end);
    try {
      await this.#readNew(reader, stop.signal);
    } catch (error) {
      connection.sever();
      this.#link = null;
      throw error;
    } finally {
      signal.removeEventListener('abort', end);
      this.#readings.delete(end);
    }
    return [...this.#waiting.values()];
  }

  /**
   * Takes over what somebody else reads of the topic from `from` on, so that it is not read twice at a start; what we have
   * read ourselves, or cannot join to it, is passed over.
   */
  follow(from: number): (record: FetchedRecord) => void {
    return from <= this.#position ? (record) => this.#apply(record) : () => {};
  }

  /** These are carried out, committed. Whoever asks right after the commit may still be too early to read that. */
  done(ids: readonly string[]): void {
    for (const id of ids) {
      this.#waiting.delete(id);
      this.#ofAccount.delete(id);
    }
  }

  close(): void {
    for (const end of this.#readings) end();
    this.#link?.connection.sever();
    this.#link = null;
  }

  #connect(): { readonly connection: Connection; readonly reader: TopicReader } {
    const { kafka, prefix, clock, log } = this.#options;
    const connection = createConnection(kafka, log, this.traffic);
    return { connection, reader: createTopicReader(connection, clock, { brokers: connection.brokers, prefix }) };
  }

  async #readNew(reader: TopicReader, signal: AbortSignal): Promise<void> {
    // As it was before we asked: somebody else's reading, which we follow, may go on meanwhile.
    const known = this.#position;
    const bounds = (await reader.bounds([this.#topic], signal)).get(this.#topic)![0]!;
    if (isAnotherLog(known, bounds)) {
      this.#waiting.clear();
      this.#ofAccount.clear();
      this.#position = 0;
    }
    const from = Math.max(this.#position, bounds.start);
    const range = { topic: this.#topic, partition: 0, from, to: bounds.stable };
    await reader.read([range], (record) => this.#apply(record), signal);
    this.#position = Math.max(this.#position, bounds.stable);
  }

  #apply({ offset, key, value }: FetchedRecord): void {
    if (offset < this.#position) return;
    this.#position = offset + 1;
    const { prefix, accountId, log } = this.#options;
    const subject = parseKey(key);
    if (subject?.prefix !== prefix || subject.account_id !== accountId || subject.signal === undefined) return;
    if (value === null) {
      this.done([subject.signal]);
      return;
    }
    const signal = parseSignal(subject.signal, value);
    const ofAccount = parseAccountSignal(subject.signal, value);
    if (signal) this.#waiting.set(signal.id, signal);
    else if (ofAccount) this.#ofAccount.set(ofAccount.id, ofAccount);
    else log('warn', 'a signal that this version does not know is left alone', { signal: subject.signal, offset });
  }
}
