// The state topic as one account sees it: its rows, and who owns the account. Knows keys and JSON; what a row means is the
// engine's, when to read is the publisher's.

import type { Clock } from '../base/clock.ts';
import { PublisherError } from '../base/errors.ts';
import type { JsonObject } from '../engine/ports.ts';
import { createConnection, type KafkaSettings, type Log } from './connection.ts';
import { createTopicReader } from './reader.ts';
import type { FetchedRecord } from './record-batch.ts';
import { hasStateTopic, stateTopic } from './topics.ts';

/** Offset of our last record by partition of the stream's topic, kept inside the stream's row. */
export type Offsets = Readonly<Record<string, number>>;

export interface StoredRow {
  readonly row: JsonObject;
  readonly offsets: Offsets;
}

/** What an instance signs the account with when it has fenced the others. `opening` counts the times it did. */
export interface Owner {
  readonly instance: string;
  readonly opening: number;
  readonly opened_at: string;
}

interface Subject {
  readonly account_id: string;
  readonly stream?: string;
  readonly owner?: true;
}

export function rowKey(prefix: string, accountId: string, name: string): string {
  return JSON.stringify([prefix, { account_id: accountId, stream: name }]);
}

export function ownerKey(prefix: string, accountId: string): string {
  return JSON.stringify([prefix, { account_id: accountId, owner: true }]);
}

export function encodeRow({ row, offsets }: StoredRow): string {
  return JSON.stringify(Object.keys(offsets).length > 0 ? { ...row, offsets } : row);
}

/**
 * What the records seen so far say about one account.
 *
 * Ownership: the log decides. Whoever signed before our own first signature was fenced by us and is older; an instance
 * that signs after it is newer, and stays newer. So of several that start at once the last to sign is left, and the newer
 * wins even when an older one, recovering from a doubt, fences it by accident: the newer one knows the signature as an
 * elder's and takes the account back, the older one sees a newcomer's and gives way.
 */
export class AccountState {
  readonly rows = new Map<string, StoredRow>();
  /** The last signature; null before the first. */
  owner: Owner | null = null;
  /** An instance that took over after us. */
  newer: Owner | null = null;
  /** The next offset of the state topic to read. */
  position = 0;
  /** Counts what was read of this account. */
  changes = 0;
  readonly #prefix: string;
  readonly #accountId: string;
  readonly #instance: string;
  readonly #elders = new Set<string>();
  #hasSigned = false;

  constructor(prefix: string, accountId: string, instance: string) {
    this.#prefix = prefix;
    this.#accountId = accountId;
    this.#instance = instance;
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
    this.changes++;
    if (subject.owner) {
      this.owner = record.value === null ? null : (parse(record, record.value) as unknown as Owner);
      this.#judge(this.owner);
    } else if (subject.stream !== undefined) {
      this.wrote(subject.stream, record.value === null ? null : decodeRow(record, record.value));
    }
  }

  #judge(owner: Owner | null): void {
    if (owner === null) return;
    if (owner.instance === this.#instance) this.#hasSigned = true;
    else if (!this.#hasSigned) this.#elders.add(owner.instance);
    else if (!this.#elders.has(owner.instance)) this.newer = owner;
  }
}

export interface ShownRow extends StoredRow {
  readonly accountId: string;
  readonly name: string;
  /** When it was committed, in ms. */
  readonly committedAt: number;
}

/** Every account's rows as committed now, for `state show`. Reads only: nobody is fenced. */
export async function readStateRows(
  settings: KafkaSettings,
  prefix: string,
  clock: Clock,
  signal: AbortSignal,
  log: Log = () => {},
): Promise<readonly ShownRow[]> {
  const connection = createConnection(settings, log);
  const reader = createTopicReader(connection, clock, { brokers: connection.brokers, prefix });
  const rows = new Map<string, ShownRow>();
  try {
    if (!(await hasStateTopic(connection, prefix))) return [];
    await reader.readAll(
      [stateTopic(prefix)],
      (record) => {
        const subject = parseKey(record.key);
        if (subject?.prefix !== prefix || subject.stream === undefined) return;
        const { account_id: accountId, stream: name } = subject;
        const key = rowKey(prefix, accountId, name);
        if (record.value === null) rows.delete(key);
        else rows.set(key, { ...decodeRow(record, record.value), accountId, name, committedAt: record.timestamp });
      },
      signal,
    );
  } finally {
    await reader.close();
  }
  return [...rows.values()];
}

function decodeRow(record: FetchedRecord, value: Buffer): StoredRow {
  const { offsets, ...row } = parse(record, value);
  return { row, offsets: (offsets ?? {}) as Offsets };
}

function parse(record: FetchedRecord, value: Buffer): JsonObject {
  try {
    return JSON.parse(value.toString()) as JsonObject;
  } catch (error) {
    throw new PublisherError('state.unreadable', `the state row ${record.key} at offset ${record.offset} is not JSON`, {
      cause: error,
    });
  }
}

/** Null for keys that are not ours: the topic may be shared. */
function parseKey(key: Buffer | null): (Subject & { readonly prefix: string }) | null {
  if (key === null) return null;
  try {
    const [prefix, subject] = JSON.parse(key.toString()) as [string, Subject];
    return { ...subject, prefix };
  } catch {
    return null;
  }
}
