// The state topic as one account sees it: its rows, and who owns the account. Knows keys and JSON; what a row means is the
// engine's, when to read is the publisher's.

import { PublisherError } from '../base/errors.ts';
import type { JsonObject } from '../engine/ports.ts';
import { compareRanks, type Rank } from './rank.ts';
import type { PartitionBounds } from './reader.ts';
import type { FetchedRecord } from './record-batch.ts';

/** Offset of our last record by partition of the stream's topic, kept inside the stream's row. */
export type Offsets = Readonly<Record<string, number>>;

export interface StoredRow {
  readonly row: JsonObject;
  readonly offsets: Offsets;
}

/** The signature of an instance that has fenced the others. `opening` counts the times it did; a member of a group adds its rank. */
export interface Owner extends Partial<Rank> {
  readonly instance: string;
  readonly opening: number;
  readonly opened_at: string;
  /** The owner has closed the account: nothing of it follows. */
  readonly released_at?: string;
}

/** The subject of a key of ours: one of row, signature and signal. */
export interface Subject {
  readonly prefix: string;
  readonly account_id: string;
  readonly stream?: string;
  readonly owner?: true;
  readonly signal?: string;
}

export function rowKey(prefix: string, accountId: string, name: string): string {
  return JSON.stringify([prefix, { account_id: accountId, stream: name }]);
}

export function ownerKey(prefix: string, accountId: string): string {
  return JSON.stringify([prefix, { account_id: accountId, owner: true }]);
}

export function signalKey(prefix: string, accountId: string, id: string): string {
  return JSON.stringify([prefix, { account_id: accountId, signal: id }]);
}

/** Whether a log that was read up to `position` cannot be the one that has these bounds: it was emptied or made anew. */
export function isAnotherLog(position: number, { start, end }: PartitionBounds): boolean {
  return position > end || (position > 0 && position < start);
}

export function encodeRow({ row, offsets }: StoredRow): string {
  return JSON.stringify(Object.keys(offsets).length > 0 ? { ...row, offsets } : row);
}

/**
 * One account, as the records seen so far tell.
 *
 * Ownership: the log decides. Whoever signed before our own first signature was fenced by us and is older; an instance
 * that signs after it is newer, and stays newer. So of several that start at once the last to sign is left, and the newer
 * wins even when an older one, recovering from a doubt, fences it by accident: the newer one knows the signature as an
 * elder's and takes the account back, the older one sees a newcomer's and gives way.
 *
 * Between members of one group their ranks decide, wherever the signatures lie: a member that opens late, under an old
 * assignment, gives way to the newer one, which takes the account back.
 */
export class AccountState {
  readonly rows = new Map<string, StoredRow>();
  /** The last signature; null before the first. */
  owner: Owner | null = null;
  /** The next offset of the state topic to read. */
  position = 0;
  /** Counts what was read of this account. */
  changes = 0;
  /** From the last word of the owner before to our own first signature, in ms by Kafka's timestamps; null for the first owner. */
  unownedMs: number | null = null;
  /** Kafka's timestamp of the last record of this account. */
  #writtenAt: number | null = null;
  readonly #prefix: string;
  readonly #accountId: string;
  readonly #instance: string;
  readonly #rank: () => Rank | null;
  readonly #elders = new Set<string>();
  /** Newer instances, the last to sign at the end. */
  readonly #later = new Map<string, Owner>();
  /** The signature of another member of our group with the greatest rank. */
  #greatest: Owner | null = null;
  #hasSigned = false;

  /** `rank` is asked anew for each comparison, because every assignment that names the account raises it. */
  constructor(prefix: string, accountId: string, instance: string, rank: () => Rank | null = () => null) {
    this.#prefix = prefix;
    this.#accountId = accountId;
    this.#instance = instance;
    this.#rank = rank;
  }

  /** An instance that took over after us, or that has the account under a greater rank; null while it is ours. */
  get newer(): Owner | null {
    const rank = this.#rank();
    if (compareRanks(this.#greatest, rank) > 0) return this.#greatest;
    return [...this.#later.values()].findLast((owner) => compareRanks(owner, rank) >= 0) ?? null;
  }

  /** The state topic is not the one we have read: it is read from the beginning. */
  forget(): void {
    this.rows.clear();
    this.owner = null;
    this.position = 0;
    this.changes++;
  }

  /** Takes over what we committed ourselves. */
  wrote(name: string, row: StoredRow | null): void {
    if (row === null) this.rows.delete(name);
    else this.rows.set(name, row);
  }

  apply(record: FetchedRecord): void {
    this.position = record.offset + 1;
    const subject = parseKey(record.key);
    if (subject?.prefix !== this.#prefix || subject.account_id !== this.#accountId) return;
    // A signal only asks for something: it changes nothing that we know.
    if (subject.signal !== undefined) return;
    this.changes++;
    if (subject.owner) {
      this.owner = record.value === null ? null : (parse(record, record.value) as unknown as Owner);
      if (this.owner?.instance === this.#instance && !this.#hasSigned) this.#measure(record);
      this.#judge(this.owner);
    } else if (subject.stream !== undefined) {
      this.wrote(subject.stream, record.value === null ? null : decodeRow(record, record.value));
    }
    this.#writtenAt = record.timestamp;
  }

  /** Clocks of two machines may differ: never less than nothing. */
  #measure({ timestamp }: FetchedRecord): void {
    if (this.#writtenAt !== null) this.unownedMs = Math.max(0, timestamp - this.#writtenAt);
  }

  #judge(owner: Owner | null): void {
    if (owner === null) return;
    const { instance, group } = owner;
    if (instance === this.#instance) {
      this.#hasSigned = true;
      return;
    }
    const isOfOurGroup = group !== undefined && group === this.#rank()?.group;
    if (isOfOurGroup && compareRanks(owner, this.#greatest) >= 0) this.#greatest = owner;
    if (!this.#hasSigned) this.#elders.add(instance);
    if (this.#elders.has(instance)) return;
    this.#later.delete(instance);
    this.#later.set(instance, owner);
  }
}

export function decodeRow(record: FetchedRecord, value: Buffer): StoredRow {
  const { offsets, ...row } = parse(record, value);
  return { row, offsets: (offsets ?? {}) as Offsets };
}

function parse(record: FetchedRecord, value: Buffer): JsonObject {
  try {
    return JSON.parse(value.toString()) as JsonObject;
  } catch (cause) {
    const told = `the state row ${record.key} at offset ${record.offset} is not JSON`;
    throw new PublisherError('state.unreadable', told, { cause });
  }
}

/** Null for keys that are not ours: the topic may be shared. */
export function parseKey(key: Buffer | null): Subject | null {
  if (key === null) return null;
  try {
    const [prefix, subject] = JSON.parse(key.toString()) as [string, Omit<Subject, 'prefix'>];
    return { ...subject, prefix };
  } catch {
    return null;
  }
}
