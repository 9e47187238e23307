// The state topic as one account sees it: its rows, and who owns the account. Knows keys and JSON; what a row means is the
// engine's, when to read is the publisher's.
import { PublisherError } from '../base/errors.js';
export function rowKey(prefix, accountId, name) {
    return JSON.stringify([prefix, { account_id: accountId, stream: name }]);
}
export function ownerKey(prefix, accountId) {
    return JSON.stringify([prefix, { account_id: accountId, owner: true }]);
}
export function orderKey(prefix, accountId, id) {
    return JSON.stringify([prefix, { account_id: accountId, order: id }]);
}
/** Whether a log that was read up to `position` cannot be the one that has these bounds: it was emptied or made anew. */
export function isAnotherLog(position, { start, end }) {
    return position > end || (position > 0 && position < start);
}
export function encodeRow({ row, offsets }) {
    return JSON.stringify(Object.keys(offsets).length > 0 ? { ...row, offsets } : row);
}
/**
 * What the records seen so far say about one account.
 *
 * Ownership: the log decides. Whoever signed before our own first signature was fenced by us and is older; an instance
 * that signs after it is newer, and stays newer. So of several that start at once the last to sign is left, and the newer
 * wins even when an older one, recovering from a doubt, fences it by accident: the newer one knows the signature as an
 * elder's and takes the account back, the older one sees a newcomer's and gives way.
 */
export class AccountState {
    rows = new Map();
    /** The last signature; null before the first. */
    owner = null;
    /** An instance that took over after us. */
    newer = null;
    /** The next offset of the state topic to read. */
    position = 0;
    /** Counts what was read of this account. */
    changes = 0;
    #prefix;
    #accountId;
    #instance;
    #elders = new Set();
    #hasSigned = false;
    constructor(prefix, accountId, instance) {
        this.#prefix = prefix;
        this.#accountId = accountId;
        this.#instance = instance;
    }
    /** The state topic is not the one we have read: it is read from the beginning. */
    forget() {
        this.rows.clear();
        this.owner = null;
        this.position = 0;
        this.changes++;
    }
    /** Takes over what we committed ourselves. */
    wrote(name, row) {
        if (row === null)
            this.rows.delete(name);
        else
            this.rows.set(name, row);
    }
    apply(record) {
        this.position = record.offset + 1;
        const subject = parseKey(record.key);
        if (subject?.prefix !== this.#prefix || subject.account_id !== this.#accountId)
            return;
        // An order only asks for something: it changes nothing that we know.
        if (subject.order !== undefined)
            return;
        this.changes++;
        if (subject.owner) {
            this.owner = record.value === null ? null : parse(record, record.value);
            this.#judge(this.owner);
        }
        else if (subject.stream !== undefined) {
            this.wrote(subject.stream, record.value === null ? null : decodeRow(record, record.value));
        }
    }
    #judge(owner) {
        if (owner === null)
            return;
        if (owner.instance === this.#instance)
            this.#hasSigned = true;
        else if (!this.#hasSigned)
            this.#elders.add(owner.instance);
        else if (!this.#elders.has(owner.instance))
            this.newer = owner;
    }
}
export function decodeRow(record, value) {
    const { offsets, ...row } = parse(record, value);
    return { row, offsets: (offsets ?? {}) };
}
function parse(record, value) {
    try {
        return JSON.parse(value.toString());
    }
    catch (error) {
        throw new PublisherError('state.unreadable', `the state row ${record.key} at offset ${record.offset} is not JSON`, {
            cause: error,
        });
    }
}
/** Null for keys that are not ours: the topic may be shared. */
export function parseKey(key) {
    if (key === null)
        return null;
    try {
        const [prefix, subject] = JSON.parse(key.toString());
        return { ...subject, prefix };
    }
    catch {
        return null;
    }
}
