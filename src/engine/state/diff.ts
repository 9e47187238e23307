// A page's records against the index: which become messages, which are dropped, which cannot be converted. Changes nothing;
// the index moves only after the commit.
import { hash53 } from '../../base/hash.ts';
import { jsonText } from '../../base/json.ts';
import type { StreamDefinition } from '../../streams/definition.ts';
import {
  type Codec,
  ConversionError,
  type DeadLetter,
  type Encoded,
  type JsonObject,
  type Op,
  type OutMessage,
  type RecordContext,
  type RowId,
} from '../ports.ts';
import { Drift } from './drift.ts';
import type { IndexedRow, RowIndex } from './row-index.ts';

export interface Refusal {
  readonly id: string;
  /** The record that it belongs to; null when it does not say. */
  readonly parent: number | null;
  readonly hash: number;
  readonly error: ConversionError;
}

export interface DiffOptions {
  /** Op of a row that is not on the topic: `r` during the snapshot, `c` after it. */
  readonly newOp: 'c' | 'r';
  /** Versions already in the dead-letter topic. */
  readonly refused: Readonly<Record<string, number>>;
  /** The largest value that the topic takes. */
  readonly maxValueBytes: number;
  readonly seen?: boolean;
  readonly accepted?: boolean;
}

/** The findings of a step about its records, in the order in which Harvest gave them. */
export class Diff {
  readonly messages: OutMessage[] = [];
  readonly deadLetters: DeadLetter[] = [];
  readonly refusals: Refusal[] = [];
  /** Ids whose refused version is history: a newer one converts. */
  readonly recovered = new Set<string>();
  readonly drift: Drift;
  readonly published: Record<Op, number> = { c: 0, u: 0, d: 0, r: 0 };
  read = 0;
  unchanged = 0;
  stale = 0;
  /** The rows of the index once the commit is known. */
  readonly changes = new Map<RowId, IndexedRow | null>();
  /** Ids that Harvest no longer has, whether they are on the topic or not. */
  readonly removed = new Set<RowId>();
  /** Ids of all records given, when asked for; `isComplete` is false when one had no id that could be told. */
  readonly seen: Set<RowId> | null;
  isComplete = true;
  /** The records whose version is the one on the topic, or becomes it, when asked for; of several of one id the last. */
  readonly accepted: Map<RowId, JsonObject> | null;

  readonly #stream: StreamDefinition;
  readonly #codec: Codec;
  readonly #index: RowIndex;
  /** updated_at of the changes that moved it: a name inside a record changes without. */
  readonly #movedAt: number[] = [];
  readonly #options: DiffOptions;
  readonly #hasRefused: boolean;

  constructor(stream: StreamDefinition, codec: Codec, index: RowIndex, options: DiffOptions) {
    this.drift = new Drift(stream, codec);
    this.seen = options.seen ? new Set() : null;
    this.accepted = options.accepted ? new Map() : null;
    this.#stream = stream;
    this.#codec = codec;
    this.#index = index;
    this.#options = options;
    this.#hasRefused = Object.keys(options.refused).length > 0;
  }

  add(records: readonly JsonObject[], context: RecordContext): void {
    this.read += records.length;
    for (const record of records) {
      const encoded = this.#encode(record, context);
      if (encoded) {
        this.seen?.add(encoded.id);
        if (this.#compare(encoded)) this.accepted?.set(encoded.id, record);
      } else if (this.#stream.key.length === 1 && typeof record.id === 'number') this.seen?.add(record.id);
      else this.isComplete = false;
    }
    this.drift.sawNulls();
  }

  /** When the newest of its changes was made, as far as Harvest says, else `now`; 0 when nothing changed. */
  newest(now: number): number {
    let newest = 0;
    for (const row of this.changes.values()) newest = Math.max(newest, row?.updatedAt ?? now);
    return newest;
  }

  /** How old its changes are at `now`, ms; what changed without its updated_at, and deletions, are left out. */
  ages(now: number): number[] {
    // updated_at may be ahead of our clock.
    return this.#movedAt.map((updatedAt) => Math.max(0, now - updatedAt));
  }

  /** A row that Harvest no longer has: a tombstone, if it is on the topic. */
  remove(id: RowId): void {
    this.removed.add(id);
    const before = this.changes.has(id) ? this.changes.get(id) : this.#index.get(id);
    if (!before) return;
    this.published.d++;
    this.changes.set(id, null);
    const key = this.#codec.key(this.#stream, id);
    this.messages.push({ stream: this.#stream.name, key, value: null, op: 'd', sourceTsMs: null });
  }

  #encode(record: JsonObject, context: RecordContext): Encoded | null {
    try {
      const encoded = this.#codec.encode(this.#stream, record, context);
      const bytes = encoded.value.length;
      if (bytes > this.#options.maxValueBytes) {
        throw new ConversionError(
          'the whole record',
          `it is ${bytes} bytes long, its topic takes ${this.#options.maxValueBytes}`,
        );
      }
      this.drift.sawUnknown(encoded.unknown);
      this.drift.sawEmptied(encoded.emptied);
      if (this.#hasRefused && Object.hasOwn(this.#options.refused, encoded.id)) this.recovered.add(String(encoded.id));
      return encoded;
    } catch (error) {
      if (!(error instanceof ConversionError)) throw error;
      this.#refuse(record, context, error);
      return null;
    }
  }

  #refuse(record: JsonObject, context: RecordContext, error: ConversionError): void {
    const value = jsonText(record);
    const hash = hash53(value);
    const id = String(this.#codec.identify(this.#stream, record, context) ?? `hash-${hash}`);
    this.recovered.delete(id);
    // The overlap re-reads records: one dead letter for each version of a record, not for each read.
    const isKnown = Object.hasOwn(this.#options.refused, id) && this.#options.refused[id] === hash;
    if (isKnown || this.refusals.some((refusal) => refusal.id === id && refusal.hash === hash)) return;
    const owner =
      this.#stream.belongsTo && (record[this.#stream.belongsTo.member] as { id?: unknown } | null | undefined);
    const parent = typeof owner?.id === 'number' ? owner.id : null;
    this.refusals.push({ id, parent, hash, error });
    this.drift.sawRefusal(record, error);
    this.deadLetters.push({ stream: this.#stream.name, key: id, value, stage: 'VALUE_CONVERTER', error });
  }

  /** False when the topic has a newer version. */
  #compare(encoded: Encoded): boolean {
    const { id, hash, updatedAt, group, day } = encoded;
    // A page may hold a row twice, or a walk repeat it: the later one is compared with what this very step publishes.
    const before = this.changes.has(id) ? this.changes.get(id) : this.#index.get(id);
    if (before) {
      if (updatedAt !== null && before.updatedAt !== null && updatedAt < before.updatedAt) {
        this.stale++;
        return false;
      }
      if (before.hash === hash) {
        this.unchanged++;
        return true;
      }
    }
    const op = before ? 'u' : this.#options.newOp;
    this.published[op]++;
    if (updatedAt !== null && updatedAt > (before?.updatedAt ?? 0)) this.#movedAt.push(updatedAt);
    this.changes.set(id, { hash, updatedAt, group, day });
    this.messages.push({
      stream: this.#stream.name,
      key: encoded.key,
      value: encoded.value,
      op,
      sourceTsMs: updatedAt,
    });
    return true;
  }
}
