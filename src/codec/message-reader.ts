// Messages as whoever wrote them meant them: decoded with the schema that their own id names, which the registry holds. For those
// who look on; the daemon reads with schemas of its own.

import type { JsonObject } from '../engine/ports.ts';
import { toJson } from './decode.ts';
import type { RecordSchema } from './schemas.ts';
import { type AvroRecord, compileType } from './stream-codec.ts';
import { HEADER, schemaIdOf } from './wire.ts';

interface Written {
  readonly schema: RecordSchema;
  read(payload: Buffer): AvroRecord;
}

/**
 * Reads keys and values: an object in Harvest's words (see decode.ts), or the bytes as text where they are no Avro, as keys of
 * `key.format: string` are. Throws what `schemaById` throws.
 */
export class MessageReader {
  readonly #schemaById: (id: number) => Promise<object | null>;
  readonly #written = new Map<number, Written | null>();

  /** `schemaById`: null for an id that the registry does not know. */
  constructor(schemaById: (id: number) => Promise<object | null>) {
    this.#schemaById = schemaById;
  }

  async read(message: Buffer): Promise<JsonObject | string> {
    const id = schemaIdOf(message);
    if (id === null) return message.toString();
    if (!this.#written.has(id)) this.#written.set(id, compiled(await this.#schemaById(id)));
    const written = this.#written.get(id);
    if (!written) return `unreadable: the registry does not know schema id ${id}`;
    return toJson(written.schema, written.read(message.subarray(HEADER)));
  }
}

function compiled(schema: object | null): Written | null {
  if (schema === null) return null;
  const type = compileType(schema);
  return { schema: schema as RecordSchema, read: (payload) => type.fromBuffer(payload) };
}
