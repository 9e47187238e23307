/** So many values of an unknown member are looked at to tell its type. */
const SAMPLES_MAX = 2000;
/** Unknown members remembered per stream: with more, their names are data, and announcing them says nothing. */
const MEMBERS_MAX = 200;
export class Drift {
    #stream;
    #codec;
    #unknown = new Map();
    #refused = new Map();
    #misfits = new Map();
    #nulls = new Set();
    constructor(stream, codec) {
        this.#stream = stream;
        this.#codec = codec;
    }
    sawUnknown(members) {
        for (const { path, value } of members) {
            const seen = this.#unknown.get(path) ?? { count: 0, samples: [] };
            this.#unknown.set(path, seen);
            seen.count++;
            if (seen.samples.length < SAMPLES_MAX)
                seen.samples.push(value);
        }
    }
    sawRefusal(record, { field, message, mismatch }) {
        const known = this.#refused.get(field);
        if (known)
            known.count++;
        else
            this.#refused.set(field, { field, count: 1, reason: message, shape: this.#codec.shape(record) });
        if (mismatch === null || this.#misfits.has(field))
            return;
        const kind = mismatch.found === 'null' ? 'unexpected_null' : 'new_type';
        this.#misfits.set(field, { kind, ...mismatch });
    }
    /** Takes note of the fields that were null in what was encoded since. */
    sawNulls() {
        for (const field of this.#codec.takeNulls(this.#stream))
            this.#nulls.add(field);
    }
    refused() {
        return [...this.#refused.values()];
    }
    /** Records by what is new in them; nulls are counted by their announcement alone, after which they are known. */
    counts() {
        const unknown = [...this.#unknown].map(([field, { count }]) => ({ kind: 'unknown_member', field, count }));
        const refused = [...this.#misfits].map(([field, { kind }]) => ({ kind, field, count: this.#refused.get(field).count }));
        return [...unknown, ...refused.filter(({ kind }) => kind === 'new_type')];
    }
    /** What was not announced yet, as of the row before this step. */
    news(row) {
        return [...this.#newMembers(row), ...this.#newMisfits(row), ...this.#newNulls(row)];
    }
    /** What the row remembers with this step. */
    remembered(row) {
        const newTypes = this.#newMisfits(row).map(({ field }) => field);
        return {
            unknown: joined(row.unknown, this.#newMembers(row).map(({ field }) => field)),
            ...(row.new_types || newTypes.length > 0 ? { new_types: joined(row.new_types ?? [], newTypes) } : {}),
            ...(learns(row) || row.nulls ? { nulls: joined(row.nulls ?? [], this.#nulls) } : {}),
        };
    }
    /** A member that was null or empty so far is announced once its type is known. */
    #newMembers(row) {
        const room = Math.max(0, MEMBERS_MAX - row.unknown.length);
        const unseen = [...this.#unknown].filter(([field]) => !row.unknown.includes(field));
        const drafts = unseen.flatMap(([field, { samples }]) => {
            const draft = this.#codec.draft(this.#stream, field, samples);
            return draft === null ? [] : [{ field, draft }];
        });
        return drafts
            .slice(0, room)
            .map(({ field, draft }) => this.#news('unknown_member', field, draft.shape, { ...draft, advice: this.#memberAdvice(draft) }));
    }
    #memberAdvice({ avro, into }) {
        if (avro === null)
            return 'It travels in _extra and stays there: no field can hold it.';
        return `It travels in _extra. For a field of its own, paste avro into the fields of ${into} in avro/${this.#stream.name}.avsc, register the schema and restart.`;
    }
    #newMisfits(row) {
        const unseen = [...this.#misfits].filter(([field]) => !row.new_types?.includes(field));
        return unseen.map(([field, { kind, expected, found }]) => this.#news(kind, field, found, { expected, advice: kind === 'new_type' ? TYPE_ADVICE : KEY_ADVICE }));
    }
    #newNulls(row) {
        if (learns(row) || !row.nulls)
            return [];
        const unseen = [...this.#nulls].filter((field) => !row.nulls.includes(field)).sort();
        return unseen.map((field) => this.#news('unexpected_null', field, 'null', { expected: 'a value', advice: NULL_ADVICE }));
    }
    #news(kind, field, shape, more) {
        const none = { expected: null, avro: null, into: null };
        return { name: 'drift.seen', stream: this.#stream.name, kind, field, shape, ...none, ...more };
    }
}
/** Before the first sweep has ended, and while the stream is empty, nothing is known of what is never null. */
function learns(row) {
    return !row.complete || row.rows === 0;
}
function joined(before, more) {
    return [...new Set([...before, ...more])].sort();
}
const NULL_ADVICE = 'It is published as null. Look whether a permission or a module of Harvest changed, and whether readers can take it.';
const TYPE_ADVICE = 'The records are in the dead letters. A type never changes in place: publish the field under a new name, or everything under a new topics.prefix.';
const KEY_ADVICE = 'The records are in the dead letters: the field is part of what identifies them.';
