import { createRowIndex } from '../engine/row-index.js';
export class TopicView {
    definition;
    index;
    #log;
    #codec;
    constructor(definition, log, codec) {
        this.definition = definition;
        this.index = createRowIndex(definition.kind !== 'report');
        this.#log = log;
        this.#codec = codec;
    }
    /** The hash of the row's value; null when it is not on the topic. */
    hash(id) {
        return this.index.get(id)?.hash ?? null;
    }
    /** Reads what was committed meanwhile. */
    async advance(signal) {
        const restore = { reset: () => this.index.clear(), record: (_, record) => this.#apply(record) };
        await this.#log.news(this.definition.name, restore, signal);
    }
    /** The last value of each of these rows. */
    async values(ids, signal) {
        const found = new Map();
        const note = ({ key, value }) => {
            const id = this.#codec.rowId(this.definition, key);
            if (!ids.has(id))
                return;
            // A copy: the record is part of a whole answer of the broker.
            if (value === null)
                found.delete(id);
            else
                found.set(id, Buffer.from(value));
        };
        await this.#log.all(this.definition.name, note, signal);
        return found;
    }
    #apply({ key, value, sourceTsMs }) {
        if (value === null)
            return this.index.delete(this.#codec.rowId(this.definition, key));
        const restored = this.#codec.restore(this.definition, key, value);
        const take = ({ id, hash, group, day }) => this.index.set(id, { hash, group, day, updatedAt: sourceTsMs });
        return restored instanceof Promise ? restored.then(take) : take(restored);
    }
}
