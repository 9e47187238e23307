// The Codec port: a Harvest record becomes key bytes, value bytes and what the index remembers of them, and a topic's
// record becomes that memory again. Asks the registry only for schemas that are not ours; stream-codec.ts does the rest.

import { assert, PublisherError } from '../base/errors.ts';
import { type Codec, ConversionError, type JsonObject, type Restored } from '../engine/ports.ts';
import type { StreamDefinition } from '../streams/definition.ts';
import { toJson } from './decode.ts';
import { avroKeys, type KeyFormat, stringKeys } from './keys.ts';
import type { RunningTimers } from './running-timer.ts';
import type { DecimalHandling, ValueSchemas } from './schemas.ts';
import { shapeOf } from './shape.ts';
import { type Reader, StreamCodec } from './stream-codec.ts';
import { HEADER, MessageWriter, schemaIdOf } from './wire.ts';

/** The registry's ids of a stream's two schemas; no key schema where keys are text. */
export interface SchemaIds {
  readonly key: number | null;
  readonly value: number;
}

export interface CodecOptions {
  /** Those that the codec serves. */
  readonly streams: readonly StreamDefinition[];
  readonly schemas: ValueSchemas;
  /** By stream. */
  readonly ids: ReadonlyMap<string, SchemaIds>;
  readonly decimalHandling: DecimalHandling;
  readonly keyFormat: KeyFormat;
  /** Whether the ticking of a timer alone makes another version of its record. */
  readonly runningTimers: RunningTimers;
  /** The record registered under an id, null when the registry has none. Asked once per stream and id. */
  readonly writerSchema: (id: number) => Promise<object | null>;
  /** A value on the topic cannot be read, so its record is published anew when it is next read; told once per schema id. */
  readonly onUnreadable?: (stream: string, schemaId: number | null) => void;
  /** A decimal had more fraction digits than the schema and was rounded; its literal is in `_extra`. */
  readonly onRounded?: (stream: string, field: string) => void;
}

/** How to read what another schema wrote. */
interface ForeignReader {
  readonly read: Reader;
  /** That schema has fields that ours has not. */
  readonly isWider: boolean;
}

/** The port, and for tools the way back to JSON. */
export interface AvroCodec extends Codec {
  /** A value as JSON: decimals as text, dates and datetimes in ISO 8601. Null when it cannot be read. */
  decode(stream: StreamDefinition, value: Buffer): Promise<JsonObject | null>;
}

/** Schemas are compiled here, so that no record waits for it. */
export function createCodec(options: CodecOptions): AvroCodec {
  const out = new MessageWriter();
  const codecs = new Map(options.streams.map((stream) => [stream.name, streamCodec(options, stream, out)]));
  const readers = new Map<string, Promise<ForeignReader>>();
  const unreadable = new Set<string>();

  function of(stream: StreamDefinition): StreamCodec {
    const codec = codecs.get(stream.name);
    assert(codec !== undefined, `the codec knows the schema ids of ${stream.name}`);
    return codec;
  }

  /** How to read what was written under `schemaId`. */
  function reader(codec: StreamCodec, schemaId: number): Promise<ForeignReader> {
    const name = `${codec.stream.name}|${schemaId}`;
    let known = readers.get(name);
    if (known === undefined) {
      known = options
        .writerSchema(schemaId)
        .then((schema) =>
          isOf(schema, codec)
            ? { read: codec.readerOf(schema), isWider: codec.isNarrowerThan(schema) }
            : { read: stranger(codec, schemaId, schema), isWider: false },
        );
      readers.set(name, known);
      known.catch(() => readers.delete(name));
    }
    return known;
  }

  /** A value that nobody can read gets a hash that no record of ours has. */
  function unread({ stream: { name } }: StreamCodec, schemaId: number | null) {
    const what = `${name}|${schemaId}`;
    if (!unreadable.has(what)) options.onUnreadable?.(name, schemaId);
    unreadable.add(what);
    return UNREADABLE;
  }

  return {
    encode(stream, record, context) {
      const codec = of(stream);
      try {
        return codec.encode(record, context, (field) => options.onRounded?.(stream.name, field));
      } catch (thrown) {
        // One record must never end an account: what fails in it, and is no defect of ours that we know, is its own matter.
        if (thrown instanceof ConversionError || thrown instanceof PublisherError) throw thrown;
        const name = thrown instanceof Error ? thrown.name : 'unknown';
        throw new ConversionError('the whole record', `its conversion failed (${name})`);
      }
    },
    restore(stream, key, value) {
      const codec = of(stream);
      const id = codec.keys.decode(key);
      const schemaId = schemaIdOf(value);
      if (schemaId === codec.schemaId)
        return { id, ...(codec.remember(value.subarray(HEADER)) ?? unread(codec, schemaId)) };
      if (schemaId === null) return { id, ...unread(codec, null) };
      return reader(codec, schemaId).then(({ read, isWider }): Restored => {
        const record = read(value.subarray(HEADER));
        if (record === null) return { id, ...unread(codec, schemaId) };
        const memory = codec.rememberRecord(record);
        // It carries what is excluded by now: whatever is read of it next is another version.
        return { id, ...memory, ...(isWider && { hash: UNREADABLE.hash }) };
      });
    },
    rowId: (stream, key) => of(stream).keys.decode(key),
    key: (stream, id) => of(stream).keys.encode(id),
    identify: (stream, record, context) => of(stream).identify(record, context),
    takeNulls: (stream) => of(stream).takeNulls(),
    shape: (value) => shapeOf(value),
    draft: (stream, path, samples) => of(stream).draft(path, samples),
    async decode(stream, value) {
      const codec = of(stream);
      const schemaId = schemaIdOf(value);
      if (schemaId === null) return null;
      const read = schemaId === codec.schemaId ? codec.read : (await reader(codec, schemaId)).read;
      const record = read(value.subarray(HEADER));
      return record === null ? null : toJson(codec.schema, record);
    },
  };
}

interface NamedSchema {
  readonly name?: unknown;
  readonly namespace?: unknown;
}

function isOf(schema: NamedSchema | null, { schema: ours }: StreamCodec): schema is object {
  return schema !== null && schema.name === ours.name && schema.namespace === ours.namespace;
}

/**
 * Reads what the registry says is no record of ours: nothing. A registry never gives an id twice, so bytes that are ours all
 * the same were written with another one; going on would leave topics that no consumer reads right.
 */
function stranger(codec: StreamCodec, schemaId: number, schema: NamedSchema | null): Reader {
  return (payload) => {
    if (codec.read(payload) === null) return null;
    const { name: stream } = codec.stream;
    const given =
      schema === null
        ? 'does not know as a record'
        : `gives to ${[schema.namespace, schema.name].filter(Boolean).join('.')}`;
    const told = `the topic of ${stream} carries values under schema id ${schemaId}, which the registry ${given}`;
    throw new PublisherError('registry.replaced', told, { stream });
  };
}

/** Hashes have 53 bits without a sign. */
const UNREADABLE = { hash: -1, group: null, day: null };

function streamCodec(options: CodecOptions, stream: StreamDefinition, out: MessageWriter): StreamCodec {
  const { schemas, keyFormat, decimalHandling: decimals, runningTimers } = options;
  const schema = schemas.get(stream.name);
  const ids = options.ids.get(stream.name);
  assert(schema !== undefined && ids !== undefined, `${stream.name} has a schema and its ids`);
  assert(keyFormat === 'string' || ids.key !== null, `${stream.name} has a key schema id`);
  const keys = keyFormat === 'string' ? stringKeys(stream) : avroKeys(stream, ids.key!, out);
  return new StreamCodec({ stream, schema, schemaId: ids.value, decimals, runningTimers, keys, out });
}
