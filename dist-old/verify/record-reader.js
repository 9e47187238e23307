// What a record of Harvest's answer is to a comparison: its row id, and what its value on the topic would be.
import { hash53 } from '../base/hash.js';
import { ConversionError } from '../engine/ports.js';
export class RecordReader {
    #stream;
    #codec;
    #deadLetters;
    /** `deadLetters`: the refused versions of the stream's state row, key to hash of the JSON. */
    constructor(stream, codec, deadLetters) {
        this.#stream = stream;
        this.#codec = codec;
        this.#deadLetters = deadLetters;
    }
    read(record, { context }) {
        try {
            // What is too large for its topic converts all the same: only the state row knows.
            const letter = this.#deadLetters[this.#letterKey(record)];
            if (letter !== undefined && letter === hash53(JSON.stringify(record)))
                return 'refused';
            return this.#codec.encode(this.#stream, record, context);
        }
        catch (thrown) {
            if (thrown instanceof ConversionError)
                return 'refused';
            throw thrown;
        }
    }
    /** The row id, also of a record that does not convert. */
    idOf(record, { context }) {
        if (this.#stream.rows === null)
            return context.accountId;
        const parts = this.#keyParts({ ...record, ...context.window });
        return parts.length === 1 ? parts[0] : parts.join('|');
    }
    /** Ids of the records in the dead letters; of streams whose id is a number. */
    get deadIds() {
        return Object.keys(this.#deadLetters).map(Number);
    }
    #letterKey(record) {
        return this.#keyParts(record)
            .filter((_, at) => this.#stream.key[at].type !== 'date')
            .join('|');
    }
    #keyParts(record) {
        return this.#stream.key.map(({ name }) => record[name] ?? '');
    }
}
