// A page's records against the index: which become messages, which are dropped, which cannot be converted. Changes nothing;
// the index moves only after the commit (design section 4).
import { hash53 } from '../base/hash.js';
import { Drift } from './drift.js';
import { ConversionError, } from './ports.js';
/** What a step found out about its records, in the order in which Harvest gave them. */
export class Diff {
    messages = [];
    deadLetters = [];
    refusals = [];
    /** Ids whose refused version is history: a newer one converts. */
    recovered = new Set();
    drift;
    published = { c: 0, u: 0, d: 0, r: 0 };
    read = 0;
    unchanged = 0;
    stale = 0;
    /** What the index becomes when the commit is known. */
    changes = new Map();
    /** Ids of all records given, when asked for; `isComplete` is false when one had no id that could be told. */
    seen;
    isComplete = true;
    #stream;
    #codec;
    #index;
    #newOp;
    #refused;
    #maxValueBytes;
    constructor(stream, codec, index, options) {
        this.drift = new Drift(stream, codec);
        this.#stream = stream;
        this.#codec = codec;
        this.#index = index;
        this.#newOp = options.newOp;
        this.#refused = new Map(Object.entries(options.refused));
        this.#maxValueBytes = options.maxValueBytes;
        this.seen = options.seen ? new Set() : null;
    }
    add(records, context) {
        this.read += records.length;
        for (const record of records) {
            const encoded = this.#encode(record, context);
            if (encoded) {
                this.seen?.add(encoded.id);
                this.#compare(encoded);
            }
            else if (this.#stream.key.length === 1 && typeof record.id === 'number')
                this.seen?.add(record.id);
            else
                this.isComplete = false;
        }
        this.drift.sawNulls();
    }
    /** A row that Harvest no longer has: a tombstone, if it is on the topic. */
    remove(id) {
        const before = this.changes.has(id) ? this.changes.get(id) : this.#index.get(id);
        if (!before)
            return;
        this.published.d++;
        this.changes.set(id, null);
        const key = this.#codec.key(this.#stream, id);
        this.messages.push({ stream: this.#stream.name, key, value: null, op: 'd', sourceTsMs: null });
    }
    #encode(record, context) {
        try {
            const encoded = this.#codec.encode(this.#stream, record, context);
            const bytes = encoded.value.length;
            if (bytes > this.#maxValueBytes) {
                throw new ConversionError('the whole record', `it is ${bytes} bytes long, its topic takes ${this.#maxValueBytes}`);
            }
            this.drift.sawUnknown(encoded.unknown);
            if (this.#refused.size > 0 && this.#refused.has(String(encoded.id)))
                this.recovered.add(String(encoded.id));
            return encoded;
        }
        catch (error) {
            if (!(error instanceof ConversionError))
                throw error;
            this.#refuse(record, context, error);
            return null;
        }
    }
    #refuse(record, context, error) {
        const value = JSON.stringify(record);
        const hash = hash53(value);
        const id = String(this.#codec.identify(this.#stream, record, context) ?? `hash-${hash}`);
        this.recovered.delete(id);
        // The overlap re-reads records: one letter for each version of a record, not for each read.
        if (this.#refused.get(id) === hash || this.refusals.some((refusal) => refusal.id === id && refusal.hash === hash))
            return;
        this.refusals.push({ id, hash, error });
        this.drift.sawRefusal(record, error);
        this.deadLetters.push({ stream: this.#stream.name, key: id, value, stage: 'VALUE_CONVERTER', error });
    }
    #compare(encoded) {
        const { id, hash, updatedAt, group, day } = encoded;
        // A page may hold a row twice, or a walk repeat it: the later one is compared with what this very step publishes.
        const before = this.changes.has(id) ? this.changes.get(id) : this.#index.get(id);
        if (before) {
            if (updatedAt !== null && before.updatedAt !== null && updatedAt < before.updatedAt) {
                this.stale++;
                return;
            }
            if (before.hash === hash) {
                this.unchanged++;
                return;
            }
        }
        const op = before ? 'u' : this.#newOp;
        this.published[op]++;
        this.changes.set(id, { hash, updatedAt, group, day });
        this.messages.push({
            stream: this.#stream.name,
            key: encoded.key,
            value: encoded.value,
            op,
            sourceTsMs: updatedAt,
        });
    }
}
