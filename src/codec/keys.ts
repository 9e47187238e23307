// Key bytes of a row and back. They are what partitions and compacts a topic, so they never evolve: a key under another
// schema id than ours is refused here instead of becoming a second row.
import avro from 'avsc';
import { ByteReader } from '../base/byte-reader.ts';
import { PublisherError } from '../base/errors.ts';
import type { JsonObject, RowId } from '../engine/ports.ts';
import type { StreamDefinition } from '../streams/definition.ts';
import { isoDay } from '../streams/windows.ts';
import { compileEncoding, Leftover } from './encoding.ts';
import { keySchema } from './schemas.ts';
import { HEADER, type MessageWriter, schemaIdOf } from './wire.ts';

/** `avro`: the key schema's record. `string`: the row id as text, which needs no registry. */
export type KeyFormat = 'avro' | 'string';

export interface KeyCodec {
  encode(id: RowId): Buffer;
  /** Throws registry.key_schema_changed when the key was not written by this codec. */
  decode(key: Buffer): RowId;
}

/** Row ids as text in UTF-8: `123`, `27835324|0`, or `2026-01-01|2026-01-31|5|EUR`. */
export function stringKeys(stream: StreamDefinition): KeyCodec {
  return {
    encode: (id) => Buffer.from(String(id)),
    decode(key) {
      if (schemaIdOf(key) !== null) throw foreignKey(stream, 'in Avro', 'text', OTHER_FORMAT);
      const text = key.toString();
      if (stream.key.length > 1) return text;
      if (!/^\d+$/.test(text)) throw foreignKey(stream, 'that is no id', 'ids as text');
      return Number(text);
    },
  };
}

/** Row ids as the key schema's record, registered under `schemaId`. */
export function avroKeys(stream: StreamDefinition, schemaId: number, out: MessageWriter): KeyCodec {
  const schema = keySchema(stream);
  const encoding = compileEncoding(schema, 'precise');
  const isOneLong = stream.key.length === 1;
  // Compiled when a key of several parts is read, or one that is not as it should be.
  let type: avro.Type | null = null;
  return {
    encode(id) {
      out.begin(schemaId);
      // A record of one number is that number; this runs for every record of every page.
      if (isOneLong) out.long(id as number);
      else encoding.write(keyRecord(stream, id), out, new Leftover());
      return out.end();
    },
    decode(key) {
      const found = schemaIdOf(key);
      if (found !== schemaId) {
        if (found === null) throw foreignKey(stream, 'not in Avro', 'Avro', OTHER_FORMAT);
        throw foreignKey(stream, `under schema id ${found}`, `schema id ${schemaId}`);
      }
      if (isOneLong) {
        const bytes = new ByteReader(key, HEADER);
        const id = bytes.long();
        if (bytes.at === key.length) return id;
      }
      type ??= avro.Type.forSchema(schema as avro.Schema);
      const record = type.fromBuffer(key.subarray(HEADER));
      const parts = stream.key.map(({ name, type }) => (type === 'date' ? isoDay(record[name]) : record[name]));
      return parts.length === 1 ? parts[0] : parts.join('|');
    },
  };
}

function keyRecord(stream: StreamDefinition, id: RowId): JsonObject {
  if (typeof id === 'number') return { [stream.key[0]!.name]: id };
  // A currency is the last part, and whatever it holds belongs to it: cut at its own `|`, two rows would share one key.
  const last = stream.key.length - 1;
  const cut = id.split('|');
  const parts = [...cut.slice(0, last), cut.slice(last).join('|')];
  return Object.fromEntries(
    stream.key.map(({ name, type }, index) => [name, type === 'long' ? Number(parts[index]) : parts[index]]),
  );
}

const OTHER_FORMAT = { remedy: 'Set key.format back to what wrote the topics, or use a new topics.prefix.' };

function foreignKey(
  stream: StreamDefinition,
  found: string,
  ours: string,
  detail: { readonly remedy?: string } = {},
): PublisherError {
  return new PublisherError(
    'registry.key_schema_changed',
    `the topic of ${stream.name} carries a key ${found}, this configuration writes ${ours}`,
    { stream: stream.name, ...detail },
  );
}
