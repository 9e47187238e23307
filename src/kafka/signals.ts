// Signals of people, as they lie in the state topic until they are carried out: their keys, their JSON and how far they were
// read. A command leaves them (send-signals.ts), the engine says what they do, and publisher.ts deletes them.
import type { Clock } from '../base/clock.ts';
import type { Signal } from '../engine/ports.ts';
import type { Brokers } from './brokers.ts';
import type { Log } from './connection.ts';
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
  readonly brokers: Brokers;
  readonly prefix: string;
  readonly accountId: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Offset of the state topic before which nothing matters. */
  readonly position?: number;
}

/**
 * The signals of one account that are not carried out yet. Reads the state topic from a position of its own: commits may be under
 * way meanwhile, and their position skips what others wrote. Asks how far the topic goes together with the other accounts of the
 * process, and reads only when that has moved.
 */
export class SignalReader {
  readonly #options: SignalReaderOptions;
  readonly #topic: string;
  readonly #reader: TopicReader;
  readonly #waiting = new Map<string, Signal>();
  readonly #ofAccount = new Map<string, AccountSignal>();
  readonly #closing = new AbortController();
  readonly traffic = new Traffic();
  #position: number;
  /** The log was the one that we have read when it was looked at last. */
  #isKnown = false;

  constructor(options: SignalReaderOptions) {
    const { brokers, prefix, clock, position = 0 } = options;
    this.#options = options;
    this.#topic = stateTopic(prefix);
    this.#reader = createTopicReader(brokers, clock, { brokers: brokers.names, prefix }, this.traffic);
    this.#position = position;
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
    // One for each reading: what listens to the caller's would pile up as long as that lives.
    const stop = new AbortController();
    const end = () => stop.abort(signal.reason ?? this.#closing.signal.reason);
    const both = [signal, this.#closing.signal];
    for (const one of both) one.addEventListener('abort', end);
    if (both.some(({ aborted }) => aborted)) end();
    try {
      stop.signal.throwIfAborted();
      await this.#readNew(stop.signal);
    } finally {
      for (const one of both) one.removeEventListener('abort', end);
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
    this.#closing.abort();
  }

  async #readNew(signal: AbortSignal): Promise<void> {
    // As it was before we asked: somebody else's reading, which we follow, may go on meanwhile.
    const known = this.#position;
    const stable = await this.#reader.stable(this.#topic, signal);
    if (this.#isKnown && stable === known) return;
    const isGoneOn = this.#isKnown && stable > known;
    // Until it has been read to its end once more.
    this.#isKnown = false;
    const from = isGoneOn ? this.#position : await this.#recognised(known, signal);
    const range = { topic: this.#topic, partition: 0, from, to: stable };
    await this.#reader.read([range], (record) => this.#apply(record), signal);
    this.#position = Math.max(this.#position, stable);
    this.#isKnown = true;
  }

  /** From where to read a log that may be another one than we have read up to `known`. */
  async #recognised(known: number, signal: AbortSignal): Promise<number> {
    const bounds = (await this.#reader.bounds([this.#topic], signal)).get(this.#topic)![0]!;
    if (isAnotherLog(known, bounds)) {
      this.#waiting.clear();
      this.#ofAccount.clear();
      this.#position = 0;
    }
    return Math.max(this.#position, bounds.start);
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
