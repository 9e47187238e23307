// Reads a record of Harvest's answer for a comparison: its row id, and the value that it would have on the topic.
import { hash53 } from '../base/hash.ts';
import { jsonText } from '../base/json.ts';
import { type Codec, ConversionError, type Encoded, type JsonObject, type RowId } from '../engine/ports.ts';
import type { StreamDefinition } from '../streams/definition.ts';
import type { Share } from './share.ts';

/** Makes rows of a record of Harvest's answer, for the comparison of a stream. */
export interface Rows {
  rowsOf(record: JsonObject, share: Share): readonly (readonly [RowId, ReadRecord])[];
}

/** `refused`: it cannot be a value, and lies in the dead letters instead. */
export type ReadRecord = Pick<Encoded, 'hash' | 'group' | 'value'> | 'refused';

export class RecordReader implements Rows {
  readonly #stream: StreamDefinition;
  readonly #codec: Codec;
  readonly #deadLetters: Readonly<Record<string, number>>;

  /** `deadLetters`: the refused versions of the stream's state row, row id to hash of the JSON. */
  constructor(stream: StreamDefinition, codec: Codec, deadLetters: Readonly<Record<string, number>>) {
    this.#stream = stream;
    this.#codec = codec;
    this.#deadLetters = deadLetters;
  }

  /** The row of the record. */
  rowsOf(record: JsonObject, share: Share): readonly (readonly [RowId, ReadRecord])[] {
    return [[this.idOf(record, share), this.read(record, share)]];
  }

  read(record: JsonObject, share: Share): ReadRecord {
    try {
      // A record that is too large for its topic converts all the same: only the state row knows.
      const letter = this.#deadLetters[String(this.idOf(record, share))];
      if (letter !== undefined && letter === hash53(jsonText(record))) return 'refused';
      return this.#codec.encode(this.#stream, record, share.context);
    } catch (thrown) {
      if (thrown instanceof ConversionError) return 'refused';
      throw thrown;
    }
  }

  /** The row id, also of a record that does not convert; empty where it has none. */
  idOf(record: JsonObject, { context }: Share): RowId {
    return this.#codec.identify(this.#stream, record, context) ?? '';
  }

  /** Ids of the records in the dead letters; of streams whose id is a number. */
  get deadIds(): readonly RowId[] {
    return Object.keys(this.#deadLetters).map(Number);
  }
}
