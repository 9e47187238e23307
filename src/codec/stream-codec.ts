// One stream's conversion between Harvest records and the bytes of its topic, with everything that can be prepared
// prepared: schema, closures, readers. Knows its own schema id; codec.ts finds the schema of any other.
import avro from 'avsc';
import { assert } from '../base/errors.ts';
import { hash53 } from '../base/hash.ts';
import type { Encoded, FieldDraft, JsonObject, RecordContext, RowId } from '../engine/ports.ts';
import type { StreamDefinition } from '../streams/definition.ts';
import { epochDay, epochMillis } from './calendar.ts';
import { compileEncoding, type Encoding, Leftover } from './encoding.ts';
import { draftField } from './field-draft.ts';
import { compileGlimpse, type Glimpse } from './glimpse.ts';
import type { KeyCodec } from './keys.ts';
import { publishedStill, type RunningTimers, stoodStill } from './running-timer.ts';
import { type DecimalHandling, fieldTypes, publishedSchema, type RecordSchema } from './schemas.ts';
import { HEADER, type MessageWriter } from './wire.ts';

/** A value as avsc reads it, without logical types. */
export type AvroRecord = Readonly<Record<string, unknown>>;

/** Reads a payload into our schema's record; null when it cannot be one. */
export type Reader = (payload: Buffer) => AvroRecord | null;

type Memory = Pick<Encoded, 'hash' | 'group' | 'day'>;

interface StreamCodecParts {
  readonly stream: StreamDefinition;
  readonly schema: RecordSchema;
  readonly schemaId: number;
  readonly decimals: DecimalHandling;
  readonly runningTimers: RunningTimers;
  readonly keys: KeyCodec;
  readonly out: MessageWriter;
}

export class StreamCodec {
  readonly stream: StreamDefinition;
  readonly keys: KeyCodec;
  readonly schema: RecordSchema;
  readonly schemaId: number;
  #type: avro.Type | null = null;
  readonly #out: MessageWriter;
  /** As checked in, decimals precise. */
  readonly #plain: RecordSchema;
  readonly #encoding: Encoding;
  readonly #dimension: string;
  /** The group, the day and, where it matters, whether the timer runs. */
  readonly #glimpse: Glimpse;
  /** Writes what is hashed of a record whose timer runs; null where every value is hashed whole. */
  readonly #still: Encoding | null;

  constructor({ stream, schema, schemaId, decimals, runningTimers, keys, out }: StreamCodecParts) {
    this.stream = stream;
    this.keys = keys;
    this.schemaId = schemaId;
    this.schema = publishedSchema(schema, decimals);
    this.#out = out;
    const given = new Set(Object.keys(givenTo(stream, {})));
    this.#plain = schema;
    this.#encoding = compileEncoding(schema, decimals, given);
    const ignoresTicking = runningTimers === 'on_change' && stream.hasTimers;
    this.#still = ignoresTicking ? compileEncoding(schema, decimals, given) : null;
    this.#dimension = stream.key.find((field) => field.type === 'long')!.name;
    const { parent, belongsTo, dated } = stream;
    const timer = ignoresTicking ? 'is_running' : null;
    this.#glimpse = compileGlimpse(this.schema, [parent?.field ?? belongsTo?.member ?? null, dated, timer]);
  }

  /** For the notes of `encode` about fields that were null, which one user of the codec takes and forgets. */
  noNulls(): Uint8Array {
    return new Uint8Array(this.#encoding.paths.length);
  }

  /** Paths of the fields that `encode` has noted as null; forgets them. */
  takeNulls(nulls: Uint8Array): readonly string[] {
    const paths = this.#encoding.paths.filter((_, number) => nulls[number] === 1);
    nulls.fill(0);
    return paths;
  }

  /** Throws ConversionError. `onRounded` is told the path of every decimal that lost digits. */
  encode(record: JsonObject, context: RecordContext, nulls: Uint8Array, onRounded: (field: string) => void): Encoded {
    assert(this.stream.parent === null || context.parentId !== undefined, `${this.stream.name} comes with its parent`);
    const leftover = new Leftover(nulls);
    this.#out.begin(this.schemaId);
    this.#encoding.write(record, this.#out, leftover, givenTo(this.stream, context));
    const value = this.#out.end();
    const id = this.identify(record, context) as RowId;
    for (const field of leftover.rounded) onRounded(field);
    return {
      id,
      key: this.keys.encode(id),
      value,
      hash:
        this.#still !== null && record.is_running === true
          ? this.#hashStill(record, context)
          : hash53(value.subarray(HEADER)),
      updatedAt: typeof record.updated_at === 'string' ? epochMillis(record.updated_at) : null,
      group: this.#groupOf(record, context),
      day: this.#dayOf(record),
      unknown: leftover.unknown,
      emptied: leftover.emptied,
    };
  }

  /** The row id of a record, which may be one that does not convert; null when it has none. */
  identify(record: JsonObject, context: RecordContext): RowId | null {
    const { accountId, window } = context;
    if (this.stream.rows === null) return accountId;
    if (this.stream.kind === 'derived') return this.#identifyItem({ ...record, ...givenTo(this.stream, context) });
    const id = record[this.#dimension];
    if (typeof id !== 'number' && typeof id !== 'string') return null;
    return window === undefined ? id : `${window.from}|${window.to}|${id}|${record.currency ?? ''}`;
  }

  #identifyItem(item: JsonObject): RowId | null {
    const parts = this.stream.key.map(({ name }) => item[name]);
    if (!parts.every((part) => typeof part === 'number')) return null;
    return parts.length === 1 ? parts[0]! : parts.join('|');
  }

  /** How the schema could take a member that it does not know; null when the samples do not tell its type. */
  draft(path: string, samples: readonly unknown[]): FieldDraft | null {
    return draftField(this.#plain, path, samples);
  }

  /** The index's memory of a payload that has our schema; null when it has not. */
  remember(payload: Buffer): Memory | null {
    return attempt(() => {
      const [group = null, day = null, isRunning] = this.#glimpse(payload);
      const compared =
        isRunning === 1 ? this.#own().toBuffer(publishedStill(this.#own().fromBuffer(payload))) : payload;
      return { hash: hash53(compared), group, day };
    });
  }

  /** The same of a record that another schema brought. */
  rememberRecord(record: AvroRecord): Memory {
    return this.remember(this.#own().toBuffer(record))!;
  }

  /** Reads our own payloads. */
  readonly read: Reader = (payload) => attempt(() => this.#own().fromBuffer(payload));

  /** Makes a reader of what was written with `writer`; it always gives null when the two schemas do not fit. */
  readerOf(writer: object): Reader {
    const resolver = attempt(() => this.#own().createResolver(compileType(writer)));
    return (payload) => (resolver === null ? null : attempt(() => this.#own().fromBuffer(payload, resolver)));
  }

  /** Whether values written with `writer` hold fields that ours do not, at whatever depth. */
  isNarrowerThan(writer: object): boolean {
    const ours = new Set(fieldTypes(this.schema).keys());
    return [...fieldTypes(writer).keys()].some((path) => !ours.has(path));
  }

  /** Our schema for avsc. Made when it is first needed: most publishers never read back a whole value. */
  #own(): avro.Type {
    this.#type ??= compileType(this.schema);
    return this.#type;
  }

  #hashStill(record: JsonObject, context: RecordContext): number {
    this.#out.begin(this.schemaId);
    this.#still!.write(stoodStill(record), this.#out, new Leftover(), givenTo(this.stream, context));
    return hash53(this.#out.end().subarray(HEADER));
  }

  #groupOf(record: JsonObject, { parentId }: RecordContext): number | null {
    const { parent, belongsTo } = this.stream;
    if (parent !== null) return parentId ?? null;
    const owner = belongsTo && (record[belongsTo.member] as { readonly id?: unknown } | null | undefined);
    return typeof owner?.id === 'number' ? owner.id : null;
  }

  #dayOf(record: JsonObject): number | null {
    const date = this.stream.dated === null ? null : record[this.stream.dated];
    return typeof date === 'string' ? epochDay(date) : null;
  }
}

/** The fields of a value that Harvest's record does not have: the account's id, the parent's id, the place, the window. */
function givenTo(
  stream: StreamDefinition,
  { accountId, parentId, position, window }: Partial<RecordContext>,
): JsonObject {
  if (stream.rows === null) return { id: accountId };
  if (stream.kind === 'derived') return { [stream.parent!.field]: parentId, position };
  if (stream.parent !== null) return { [stream.parent.field]: parentId };
  return stream.kind === 'report' ? { from: window?.from, to: window?.to } : {};
}

/** The Avro type of a schema, unions as their values. */
export function compileType(schema: object): avro.Type {
  return avro.Type.forSchema(schema as avro.Schema, { wrapUnions: 'never', omitRecordMethods: true });
}

/** The result, or null when it throws: bytes from a topic may be anyone's. */
function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
