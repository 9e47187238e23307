// The engine's ports: a Source (Harvest), a Codec (Avro), a Sink (Kafka). The adapters come to it.
// Clock and Random are in base/clock.ts, `Emit` in events.ts.
import type { BudgetName, StreamDefinition } from '../streams/definition.ts';

export type JsonObject = { readonly [member: string]: unknown };

/** Why a request is made; metrics split the cost by it. */
export type Purpose =
  | 'snapshot'
  | 'poll'
  | 'children'
  | 'window'
  | 'whole'
  | 'reconciliation'
  | 'count'
  | 'confirm'
  | 'probe'
  | 'signal';

/** Smaller is more urgent. A waiting request rises by one for each budget window that it has waited. */
export const PRIORITY = { probe: 0, poll: 1, dirty: 2, snapshot: 3, children: 4, slack: 6 } as const;

/** What has many requests and can wait. */
const BULK = [PRIORITY.snapshot, PRIORITY.children, PRIORITY.slack] as const;

/**
 * Requests that may be allotted a part of a budget's window together (schedule of the budgets: allotment.ts), by their
 * priorities.
 */
export const LANES: Readonly<Record<Lane, readonly number[]>> = {
  timely: [PRIORITY.probe, PRIORITY.poll],
  rest: [PRIORITY.dirty, ...BULK],
  bulk: BULK,
  burst: BULK,
  children: [PRIORITY.children, PRIORITY.slack],
  again: [PRIORITY.dirty, PRIORITY.slack],
};

/**
 * What is read on time · all the rest (confirmations, snapshots, children, report windows but the current ones) · of it, what
 * has many requests and can wait · the same in a part of the window (`BURST_SHARE`) · the same without lists, whose pages come
 * one after another · and what was read before (dirty report windows, and rounds).
 */
export type Lane = 'timely' | 'rest' | 'bulk' | 'burst' | 'children' | 'again';

/** The part of a budget's window in which bursts are counted. */
export const BURST_SHARE = 1 / 5;

/** A pause beyond this is said loudly, ends `run --once`, and is asked for once more by the next process. */
export const LONG_PAUSE_MS = 3_600_000;

/** The most that Harvest gives in one page; more is refused with 422 (HARVEST-API, Pagination). */
export const PER_PAGE = 2000;

export interface PageRequest {
  readonly stream: StreamDefinition;
  /** A first request by its parts, or the `links.next` of the page before. */
  readonly target:
    | { readonly query: Readonly<Record<string, string>>; readonly parent?: number }
    | { readonly link: string };
  readonly purpose: Purpose;
  readonly priority: number;
  /** This page is all that is wanted: where it leads is not looked at, and its `next` is null. */
  readonly alone?: boolean;
}

export interface Page {
  readonly records: readonly JsonObject[];
  /** `links.next`, already known to lead to the host we are allowed to talk to; null at the end. */
  readonly next: string | null;
  readonly totalEntries: number | null;
  /** The `Date` header in ms: the only server clock on offer (HARVEST-API, Addresses and headers). */
  readonly serverTime: number;
}

/**
 * Reads Harvest. Retries what is worth retrying, inside the budget; throws PublisherError `harvest.*` otherwise:
 * network, server, unparsable (after a few tries), unauthorised, forbidden (403), not_found (404), refused (400, 422).
 */
export interface Source {
  /** How many records it asks for in a page. */
  readonly pageRows: number;
  fetchPage(request: PageRequest, signal: AbortSignal): Promise<Page>;
  /**
   * One record by its id (`parent` where its path has one); null when Harvest answers 404 in its own JSON, which is what
   * proves a deletion (promise P8).
   */
  fetchRecord(
    stream: StreamDefinition,
    target: { readonly id: number; readonly parent: number | null },
    signal: AbortSignal,
  ): Promise<JsonObject | null>;
  /** `GET /users/me`: works for every role, so it proves the token and the account id. */
  whoAmI(signal: AbortSignal): Promise<JsonObject>;
  /** Harvest has taken the token since this process began. */
  readonly accepted: boolean;
  /**
   * Whether what was read of the stream since this was last asked had bytes that are no UTF-8, also when asked again: they
   * are U+FFFD in its records.
   */
  takeReplaced(stream: StreamDefinition): boolean;
  readonly budgets: readonly BudgetView[];
  close(): Promise<void>;
}

/** One rate budget as the engine persists it: see harvest/budget.ts for the rule. */
export interface BudgetView {
  readonly name: BudgetName;
  readonly requests: number;
  readonly windowMs: number;
  /** Attempts counted in the window that ends now. */
  used(): number;
  /** Wall time until which Harvest asked us to wait; 0 when it did not. */
  pausedUntil(): number;
  /** How long Harvest will have answered those who wait with nothing but pauses when the present one ends; 0 otherwise. */
  throttledMs(): number;
  /** Requests waiting for a token. */
  waiting(): number;
  /**
   * How long window and pause hold back the last of so many requests, if all were made as soon as they may; ms. With a
   * priority also how long its lanes do.
   */
  freeInMs(requests: number, priority?: number): number;
  /**
   * How long window, lanes and pause hold back the last of so many requests of that priority, behind those that wait; ms. A lane
   * that holds fewer has to be free.
   */
  roomInMs(priority: number, requests: number): number;
  /** Attempts of a lane counted in the window that ends now, and those that wait. */
  usedIn(lane: Lane): number;
  /** Whether all that waits is held back by a pause, by the window or by a full lane. */
  isHeldBack(): boolean;
  /** Sets how many attempts of each lane may be made in a window; infinite where nothing bounds it. */
  allot(mosts: Readonly<Record<Lane, number>>): void;
  /** Attempts that have started and not ended. */
  underWay(): number;
  /** Whether a connection is free for another attempt. */
  hasPlace(): boolean;
  /** Attempts started and ended so far: another number whenever something moved. */
  moves(): number;
  /** The row to store: attempt times and how many more may follow, at the most `lease`, before the next call of `stored`. */
  snapshot(lease: number): BudgetRow;
  /** Tells the budget that `row` is durable, which allows `row.lease` more attempts for `row.lease_ms` from its making. */
  stored(row: BudgetRow): void;
  /** Takes over from a former process: its stored attempts, and its whole lease as if running until that ends. */
  restore(row: BudgetRow | null): void;
}

export interface BudgetRow {
  /**
   * Wall times (ms) at which the attempts of the last window ended, oldest first; later than `at` where they are leased to a
   * former process and may still be started.
   */
  readonly attempts: readonly number[];
  /** So many attempts the writer may start after this row. */
  readonly lease: number;
  /** And only for so long after its making; absent from rows of before leases ended. */
  readonly lease_ms?: number;
  readonly pausedUntil: number;
  /** Wall time of the row; absent from rows of before it was noted. */
  readonly at?: number;
}

/** A row's identity inside its stream: the id, or `from|to|id|currency` for reports. */
export type RowId = number | string;

/** A value needs this besides its record. */
export interface RecordContext {
  readonly accountId: number;
  readonly parentId?: number;
  /** For a derived stream: the place in its parent's array, from 0. */
  readonly position?: number;
  /** The report window, both ends included, as `YYYY-MM-DD`. */
  readonly window?: { readonly from: string; readonly to: string };
}

export interface Encoded {
  readonly id: RowId;
  readonly key: Buffer;
  readonly value: Buffer;
  /**
   * 53 bits of a cryptographic hash of the Avro payload, without the five bytes of the wire header and, with
   * `running_timers: on_change`, without what a running timer moves.
   */
  readonly hash: number;
  /** `updated_at` in ms; null for streams that have none. */
  readonly updatedAt: number | null;
  /** The id of the record whose deletion takes this one along (`ownerOf`); null for streams without. */
  readonly group: number | null;
  /** The date by which a list can be bounded, as days since 1970; null for streams and records without. */
  readonly day: number | null;
  /** Members that the schema does not know, kept in `_extra` (promise P7). */
  readonly unknown: readonly UnknownMember[];
  /** Paths of times that came as an empty text, and are null. */
  readonly emptied: readonly string[];
}

export interface UnknownMember {
  /** `client.vat_id`, `line_items[].tax3`; each once per record. */
  readonly path: string;
  readonly value: unknown;
}

/**
 * The types in a JSON value, never what it says: `integer`, `decimal`, `boolean`, `string`, `date`, `datetime`, `null`,
 * `mixed` where several do not fit together; objects by member, arrays by what fits all items.
 */
export type Shape = string | readonly Shape[] | { readonly [member: string]: Shape };

/** How the schema could take a member that it does not know. */
export interface FieldDraft {
  readonly shape: Shape;
  /** The field's Avro declaration; null where none can hold it and it stays in `_extra`. */
  readonly avro: JsonObject | null;
  /** Name of the record in the stream's schema that lacks the field. */
  readonly into: string;
}

/** A row of a topic as the index remembers it. */
export type Restored = Pick<Encoded, 'id' | 'hash' | 'group' | 'day'>;

/** The type that a field takes, in words, and the one found there. */
export interface TypeMismatch {
  readonly expected: string;
  readonly found: Shape;
}

/** Thrown by Codec.encode: this record cannot be a value of its schema. `field` is the path that failed. */
export class ConversionError extends Error {
  readonly field: string;
  /** Null when it is not the type that keeps the record out. */
  readonly mismatch: TypeMismatch | null;
  constructor(field: string, message: string, mismatch: TypeMismatch | null = null) {
    super(message);
    this.name = 'ConversionError';
    this.field = field;
    this.mismatch = mismatch;
  }
}

export interface Codec {
  /** Throws ConversionError. The buffers stay valid for as long as they are held. */
  encode(stream: StreamDefinition, record: JsonObject, context: RecordContext): Encoded;
  /** Reads a topic's record back. A value written with an older schema is re-encoded with ours before it is hashed. */
  restore(stream: StreamDefinition, key: Buffer, value: Buffer): Restored | Promise<Restored>;
  /** The key's row id alone, for tombstones. */
  rowId(stream: StreamDefinition, key: Buffer): RowId;
  /** The key bytes of a row id, for tombstones. */
  key(stream: StreamDefinition, id: RowId): Buffer;
  /** The row id of a record that may not convert; null when it has none. */
  identify(stream: StreamDefinition, record: JsonObject, context: RecordContext): RowId | null;
  /** Paths of fields that were encoded as null since this was last asked. */
  takeNulls(stream: StreamDefinition): readonly string[];
  shape(value: unknown): Shape;
  /** Null when the samples of the member at `path` do not tell its type: they are null or empty. */
  draft(stream: StreamDefinition, path: string, samples: readonly unknown[]): FieldDraft | null;
}

/** Create, update, delete, read (snapshot): the `__op` header. */
export type Op = 'c' | 'u' | 'd' | 'r';

export interface OutMessage {
  readonly stream: string;
  readonly key: Buffer;
  /** null is a tombstone. */
  readonly value: Buffer | null;
  readonly op: Op;
  /** `updated_at` in ms, the `__source_ts_ms` header; null leaves the header out. */
  readonly sourceTsMs: number | null;
}

export interface DeadLetter {
  readonly stream: string;
  /** The record's id as text, or a hash of the record when it has none. */
  readonly key: string;
  /** The original JSON. */
  readonly value: string;
  readonly stage: 'VALUE_CONVERTER';
  readonly error: ConversionError;
}

/**
 * A person asked for it with a command: it lies in the state topic until it is carried out, in the transaction that moves
 * the stream's row.
 */
export interface Signal {
  readonly id: string;
  /**
   * - release: let go of a hold, the missing records may be deleted
   * - reconcile: read everything now
   * - reset:   read again from `to`, or from the beginning
   * - replay:  try the refused records once more
   * - pause:   ask Harvest nothing of the stream until it is resumed
   * - resume:  read it again from where it stands
   */
  readonly kind: 'release' | 'reconcile' | 'reset' | 'replay' | 'pause' | 'resume';
  readonly stream: string;
  /** `YYYY-MM-DD`, for reset alone. */
  readonly to: string | null;
  /** When it was given, as `2026-11-21T06:30:00Z`. */
  readonly at: string;
  /** The person who gave it, as `user@host`; for pause and resume alone. */
  readonly by?: string;
}

export interface Notification {
  readonly stream: string;
  readonly body: JsonObject;
}

/** The content of one transaction. State rows are sent last; the sink adds each stream's offsets to its row. */
export interface Batch {
  readonly messages: readonly OutMessage[];
  readonly deadLetters: readonly DeadLetter[];
  readonly notifications: readonly Notification[];
  /** State rows by name (a stream's name, or `budgets`); null removes the row. */
  readonly rows: ReadonlyMap<string, JsonObject | null>;
  /** Ids of the signals that the rows carry out; they are deleted in this transaction. */
  readonly signalsDone: readonly string[];
  /** Nothing follows: the account is released with it. */
  readonly isLast?: boolean;
}

/** A data record of ours that is on its topic. */
export interface TopicRecord {
  readonly key: Buffer;
  readonly value: Buffer | null;
  readonly sourceTsMs: number | null;
}

export interface Restore {
  /** Everything remembered of the stream is void: its topic is read from the beginning. */
  reset(stream: string): void;
  /** Called in log order within a partition; awaited when it returns a promise. */
  record(stream: string, record: TopicRecord): void | Promise<void>;
}

export interface Opened {
  /** The account's state rows as last committed, without the sink's own offsets. */
  readonly rows: ReadonlyMap<string, JsonObject>;
  /** Streams whose topic is not the one the state row speaks of (emptied, truncated or made anew), and why. */
  readonly broken: ReadonlyMap<string, string>;
  /** Records delivered to `Restore.record`. */
  readonly records: number;
  /** The largest value, in bytes, that the topic of a stream takes. */
  readonly maxValueBytes: ReadonlyMap<string, number>;
}

/**
 * Writes Kafka. `open` fences every older instance, proves the end of the state topic and reads what is new on the
 * data topics (everything the first time, the rest after a doubt). `commit` is one transaction; when it throws, the
 * outcome is unknown (kind `reopen`) or the account is fenced (kind `account`), and only `open` may follow.
 */
export interface Sink {
  open(restore: Restore, signal: AbortSignal): Promise<Opened>;
  commit(batch: Batch): Promise<void>;
  /** Signals that are not carried out yet, the oldest first; may be called at any time between `open` and `close`. */
  signals(signal: AbortSignal): Promise<readonly Signal[]>;
  /**
   * Calls and answers of the log so far, vain tries too: by `open` and `commit`, and by `signals`. While it grows, an
   * operation that takes long waits for a log that does not answer; when it stands still, for something that will not come.
   */
  moves(): { readonly log: number; readonly signals: number };
  /** Releases the account unless the last commit did, or it is not ours any more. */
  close(): Promise<void>;
}
