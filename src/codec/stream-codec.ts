// One stream's conversion between Harvest records and the bytes of its topic, with everything that can be prepared
// prepared: schema, closures, readers. Knows its own schema id; codec.ts finds the schema of any other.
import { hash as digest } from 'node:crypto';
import avro from 'avsc';
import { assert } from '../base/errors.ts';
import { ConversionError, type Encoded, type JsonObject, type RecordContext, type RowId } from '../engine/ports.ts';
import type { StreamDefinition } from '../streams/definition.ts';
import { epochDay } from './calendar.ts';
import { canonicalJson } from './canonical-json.ts';
import { type AvroRecord, compileConversion, Leftover } from './conversion.ts';
import type { KeyCodec } from './keys.ts';
import { type DecimalHandling, EXTRA, publishedSchema, type RecordSchema } from './schemas.ts';
import { HEADER, type Slab } from './wire.ts';

/** Reads a payload into our schema's record; null when it cannot be one. */
export type Reader = (payload: Buffer) => AvroRecord | null;

interface StreamCodecParts {
  readonly stream: StreamDefinition;
  readonly schema: RecordSchema;
  readonly schemaId: number;
  readonly decimals: DecimalHandling;
  readonly keys: KeyCodec;
  readonly slab: Slab;
}

export class StreamCodec {
  readonly stream: StreamDefinition;
  readonly keys: KeyCodec;
  readonly schema: RecordSchema;
  readonly schemaId: number;
  readonly #type: avro.Type;
  readonly #slab: Slab;
  readonly #convert: (record: JsonObject, leftover: Leftover) => AvroRecord;
  /** The field that Encoded.group repeats. */
  readonly #groupField: string | null;
  readonly #readGroup: ((payload: Buffer) => number | null) | null;

  constructor({ stream, schema, schemaId, decimals, keys, slab }: StreamCodecParts) {
    this.stream = stream;
    this.keys = keys;
    this.schemaId = schemaId;
    this.schema = publishedSchema(schema, decimals);
    this.#slab = slab;
    this.#type = compileType(this.schema);
    this.#convert = compileConversion(schema, decimals, new Set([...Object.keys(givenTo(stream)), EXTRA]));
    this.#groupField = stream.parent?.field ?? stream.dated;
    this.#readGroup = this.#groupField === null ? null : this.#compileGroupReader(this.#groupField);
  }

  /** Throws ConversionError. `onRounded` is told the path of every decimal that lost digits. */
  encode(record: JsonObject, context: RecordContext, onRounded: (field: string) => void): Encoded {
    const leftover = new Leftover();
    const value = this.#convert(record, leftover);
    Object.assign(value, givenTo(this.stream, context));
    if (leftover.rest !== undefined) value[EXTRA] = canonicalJson(leftover.rest);
    const id = this.#identify(value, context);
    leftover.rounded.forEach(onRounded);
    const bytes = this.#slab.write(this.#type, this.schemaId, value);
    return {
      id,
      key: this.keys.encode(id),
      value: bytes,
      hash: hash(bytes.subarray(HEADER)),
      updatedAt: (value.updated_at as number | null | undefined) ?? null,
      group: this.#groupField === null ? null : (value[this.#groupField] as number | null),
      unknown: leftover.unknown,
    };
  }

  /** What the index remembers of a payload that has our schema. */
  remember(payload: Buffer): { hash: number; group: number | null } {
    return { hash: hash(payload), group: this.#readGroup === null ? null : this.#readGroup(payload) };
  }

  /** What it remembers of a record that another schema brought. */
  rememberRecord(record: AvroRecord): { hash: number; group: number | null } {
    return this.remember(this.#type.toBuffer(record));
  }

  /** The reader of our own payloads. */
  readonly read: Reader = (payload) => attempt(() => this.#type.fromBuffer(payload));

  /** The reader of payloads written with `writer`; it always gives null when the two schemas do not fit. */
  readerOf(writer: object): Reader {
    const resolver = attempt(() => this.#type.createResolver(compileType(writer)));
    return (payload) => (resolver === null ? null : attempt(() => this.#type.fromBuffer(payload, resolver)));
  }

  #identify(value: AvroRecord, context: RecordContext): RowId {
    const dimension = this.stream.key.find((field) => field.type === 'long')!.name;
    const id = value[dimension] as number | null;
    if (id === null) throw new ConversionError(dimension, `${dimension}: expected an integer, found nothing`);
    if (context.window === undefined) return id;
    return `${context.window.from}|${context.window.to}|${id}|${value.currency ?? ''}`;
  }

  #compileGroupReader(field: string): (payload: Buffer) => number | null {
    const projection = { ...this.schema, fields: this.schema.fields.filter(({ name }) => name === field) };
    const type = compileType(projection);
    const resolver = type.createResolver(this.#type);
    // Without the check for trailing bytes avsc stops after the field instead of skipping to the end.
    return (payload) => type.fromBuffer(payload, resolver, true)[field];
  }
}

/** The fields of a value that its record does not have: the account's id, the parent's id, the window. */
function givenTo(stream: StreamDefinition, context?: RecordContext): AvroRecord {
  if (stream.rows === null) return { id: context?.accountId };
  if (stream.parent !== null) {
    assert(context === undefined || context.parentId !== undefined, `a record of ${stream.name} comes with its parent`);
    return { [stream.parent.field]: context?.parentId };
  }
  if (stream.kind !== 'report') return {};
  assert(context === undefined || context.window !== undefined, `a row of ${stream.name} comes with its window`);
  return { from: epochDay(context?.window?.from ?? ''), to: epochDay(context?.window?.to ?? '') };
}

/** 53 bits of SHA-1: what a double can hold exactly, and enough to tell two versions of one row apart. */
function hash(payload: Buffer): number {
  const sha1 = digest('sha1', payload, 'buffer');
  return sha1.readUInt32BE(0) * 2 ** 21 + (sha1.readUInt32BE(4) >>> 11);
}

function compileType(schema: object): avro.Type {
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
