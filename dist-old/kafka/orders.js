import { createConnection } from './connection.js';
import { createTopicReader } from './reader.js';
import { isAnotherLog, parseKey } from './state-topic.js';
import { stateTopic } from './topics.js';
const KINDS = new Set(['release', 'census', 'reset', 'replay']);
/** The order that a record's value holds; null when it is none that we know. */
export function parseOrder(id, value) {
    try {
        const { kind, stream, to, at } = JSON.parse(value.toString());
        const known = KINDS.has(kind) && typeof stream === 'string' && typeof at === 'string';
        return known && (to === null || typeof to === 'string') ? { id, kind, stream, to, at } : null;
    }
    catch {
        return null;
    }
}
/**
 * The orders of one account that are not carried out yet. Reads the state topic on a connection and from a position of its
 * own: commits may be under way meanwhile, and their position skips what others wrote.
 */
export class OrderBook {
    #options;
    #topic;
    #waiting = new Map();
    #readings = new Set();
    #position;
    #link = null;
    constructor(options) {
        this.#options = options;
        this.#topic = stateTopic(options.prefix);
        this.#position = options.position ?? 0;
    }
    /** Everything before this offset is known. */
    get position() {
        return this.#position;
    }
    /** The oldest first. Reads what is new, committed only. Throws PublisherError `kafka.*`, and goes on from there next time. */
    async read(signal) {
        signal.throwIfAborted();
        this.#link ??= this.#connect();
        const { connection, reader } = this.#link;
        // A signal for each reading: what listens to the caller's would pile up as long as that lives.
        const stop = new AbortController();
        const end = () => {
            stop.abort(signal.reason);
            connection.sever();
        };
        this.#readings.add(end);
        signal.addEventListener('abort', end);
        try {
            await this.#readNew(reader, stop.signal);
        }
        catch (error) {
            connection.sever();
            this.#link = null;
            throw error;
        }
        finally {
            signal.removeEventListener('abort', end);
            this.#readings.delete(end);
        }
        return [...this.#waiting.values()];
    }
    /**
     * Takes over what somebody else reads of the topic from `from` on, so that it is not read twice at a start; what we have
     * read ourselves, or cannot join to it, is passed over.
     */
    follow(from) {
        return from <= this.#position ? (record) => this.#apply(record) : () => { };
    }
    /** These are carried out, committed. Whoever asks right after the commit may still be too early to read that. */
    done(ids) {
        for (const id of ids)
            this.#waiting.delete(id);
    }
    close() {
        for (const end of this.#readings)
            end();
        this.#link?.connection.sever();
        this.#link = null;
    }
    #connect() {
        const { kafka, prefix, clock, log } = this.#options;
        const connection = createConnection(kafka, log);
        return { connection, reader: createTopicReader(connection, clock, { brokers: connection.brokers, prefix }) };
    }
    async #readNew(reader, signal) {
        // As it was before we asked: somebody else's reading, which we follow, may go on meanwhile.
        const known = this.#position;
        const bounds = (await reader.bounds([this.#topic], signal)).get(this.#topic)[0];
        if (isAnotherLog(known, bounds))
            this.#forget();
        const from = Math.max(this.#position, bounds.start);
        const range = { topic: this.#topic, partition: 0, from, to: bounds.stable };
        await reader.read([range], (record) => this.#apply(record), signal);
        this.#position = Math.max(this.#position, bounds.stable);
    }
    #forget() {
        this.#waiting.clear();
        this.#position = 0;
    }
    #apply({ offset, key, value }) {
        if (offset < this.#position)
            return;
        this.#position = offset + 1;
        const { prefix, accountId, log } = this.#options;
        const subject = parseKey(key);
        if (subject?.prefix !== prefix || subject.account_id !== accountId || subject.order === undefined)
            return;
        if (value === null) {
            this.#waiting.delete(subject.order);
            return;
        }
        const order = parseOrder(subject.order, value);
        if (order)
            this.#waiting.set(order.id, order);
        else
            log('warn', 'an order that this version does not know is left alone', { order: subject.order, offset });
    }
}
