// The Codec port: a Harvest record becomes key bytes, value bytes and what the index remembers of them, and a topic's
// record becomes that memory again. Asks the registry only for schemas that are not ours; stream-codec.ts does the rest.

import { assert, PublisherError } from '../base/errors.ts';
import { type Codec, ConversionError, type JsonObject, type Restored } from '../engine/ports.ts';
import type { StreamDefinition } from '../streams/definition.ts';
import { type CompiledOptions, CompiledStreams, type SchemaIds } from './compiled-streams.ts';
import { toJson } from './decode.ts';
import { shapeOf } from './shape.ts';
import type { StreamCodec } from './stream-codec.ts';
import { HEADER, schemaIdOf } from './wire.ts';

export type { SchemaIds } from './compiled-streams.ts';

/** What is an account's own. */
export interface SharingOptions {
  /** Those that the codec serves. */
  readonly streams: readonly StreamDefinition[];
  /** By stream. */
  readonly ids: ReadonlyMap<string, SchemaIds>;
  /** A value on the topic cannot be read, so its record is published anew when it is next read; told once per schema id. */
  readonly onUnreadable?: (stream: string, schemaId: number | null) => void;
  /** A decimal had more fraction digits than the schema and was rounded; its literal is in `_extra`. */
  readonly onRounded?: (stream: string, field: string) => void;
}

export type CodecOptions = SharingOptions & CompiledOptions;

/** A stream's codec, which other accounts may share, and what is noted of this account's records. */
interface OwnCodec {
  readonly codec: StreamCodec;
  readonly nulls: Uint8Array;
}

/** The port, and for tools the way back to JSON. */
export interface AvroCodec extends Codec {
  /** A value as JSON: decimals as text, dates and datetimes in ISO 8601. Null when it cannot be read. */
  decode(stream: StreamDefinition, value: Buffer): Promise<JsonObject | null>;
}

export function createCodec(options: CodecOptions): AvroCodec {
  return sharingCodec(new CompiledStreams(options), options);
}

/** One that shares what is compiled with other accounts. What is not yet is compiled here, so that no record waits for it. */
export function sharingCodec(compiled: CompiledStreams, options: SharingOptions): AvroCodec {
  const codecs = new Map(
    options.streams.map((stream): [string, OwnCodec] => {
      const codec = compiled.codec(stream, options.ids.get(stream.name));
      return [stream.name, { codec, nulls: codec.noNulls() }];
    }),
  );
  const unreadable = new Set<string>();

  function own(stream: StreamDefinition): OwnCodec {
    const codec = codecs.get(stream.name);
    assert(codec !== undefined, `the codec knows the schema ids of ${stream.name}`);
    return codec;
  }

  function of(stream: StreamDefinition): StreamCodec {
    return own(stream).codec;
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
      const { codec, nulls } = own(stream);
      try {
        return codec.encode(record, context, nulls, (field) => options.onRounded?.(stream.name, field));
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
      if (schemaId === codec.schemaId) {
        const { hash, group, day } = codec.remember(value.subarray(HEADER)) ?? unread(codec, schemaId);
        return { id, hash, group, day };
      }
      if (schemaId === null) return { id, ...unread(codec, null) };
      return compiled.reader(codec, schemaId).then(({ read, isWider }): Restored => {
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
    takeNulls(stream) {
      const { codec, nulls } = own(stream);
      return codec.takeNulls(nulls);
    },
    shape: (value) => shapeOf(value),
    draft: (stream, path, samples) => of(stream).draft(path, samples),
    async decode(stream, value) {
      const codec = of(stream);
      const schemaId = schemaIdOf(value);
      if (schemaId === null) return null;
      const read = schemaId === codec.schemaId ? codec.read : (await compiled.reader(codec, schemaId)).read;
      const record = read(value.subarray(HEADER));
      return record === null ? null : toJson(codec.schema, record);
    },
  };
}

/** Hashes have 53 bits without a sign. */
const UNREADABLE = { hash: -1, group: null, day: null };
