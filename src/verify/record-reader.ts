// What a record of Harvest's answer is to a comparison: its row id, and what its value on the topic would be.
import { hash53 } from '../base/hash.ts';
import { jsonText } from '../base/json.ts';
import { type Codec, ConversionError, type Encoded, type JsonObject, type RowId } from '../engine/ports.ts';
import type { StreamDefinition } from '../streams/definition.ts';
import type { Share } from './share.ts';

/** What one record of an answer is to the comparison of a stream. */
export interface Rows {
  rowsOf(record: JsonObject, share: Share): readonly (readonly [RowId, Answer])[];
}

/** `refused`: it cannot be a value, and lies in the dead letters instead. */
export type Answer = Pick<Encoded, 'hash' | 'group' | 'value'> | 'refused';

export class RecordReader implements Rows {
  readonly #stream: StreamDefinition;
  readonly #codec: Codec;
  readonly #deadLetters: Readonly<Record<string, number>>;

  /** `deadLetters`: the refused versions of the stream's state row, key to hash of the JSON. */
  constructor(stream: StreamDefinition, codec: Codec, deadLetters: Readonly<Record<string, number>>) {
    this.#stream = stream;
    this.#codec = codec;
    this.#deadLetters = deadLetters;
  }

  /** The row of the record. */
  rowsOf(record: JsonObject, share: Share): readonly (readonly [RowId, Answer])[] {
    return [[this.idOf(record, share), this.read(record, share)]];
  }

  read(record: JsonObject, { context }: Share): Answer {
    try {
      // What is too large for its topic converts all the same: only the state row knows.
      const letter = this.#deadLetters[this.#deadLetterKey(record)];
      if (letter !== undefined && letter === hash53(jsonText(record))) return 'refused';
      return this.#codec.encode(this.#stream, record, context);
    } catch (thrown) {
      if (thrown instanceof ConversionError) return 'refused';
      throw thrown;
    }
  }

  /** The row id, also of a record that does not convert. */
  idOf(record: JsonObject, { context }: Share): RowId {
    if (this.#stream.rows === null) return context.accountId;
    const parts = this.#keyParts({ ...record, ...context.window });
    return parts.length === 1 ? (parts[0] as number) : parts.join('|');
  }

  /** Ids of the records in the dead letters; of streams whose id is a number. */
  get deadIds(): readonly RowId[] {
    return Object.keys(this.#deadLetters).map(Number);
  }

  #deadLetterKey(record: JsonObject): string {
    return this.#keyParts(record)
      .filter((_, at) => this.#stream.key[at]!.type !== 'date')
      .join('|');
  }

  #keyParts(record: JsonObject): unknown[] {
    return this.#stream.key.map(({ name }) => record[name] ?? '');
  }
}
