import { portionNameOf } from './portion.js';
export function kindOf({ harvest, topic }) {
    if (topic === null)
        return 'missing';
    return harvest === null ? 'extra' : 'stale';
}
/** Harvest's values of so many stale rows are kept, to tell which fields differ. */
const VALUES_MAX = 1_000;
/** Lists asked for at a time: enough to use a whole budget, few enough to stop soon. */
const AT_ONCE = 4;
export class Comparison {
    topic;
    /** What the looks so far leave. */
    differences = new Map();
    /** Records that cannot be values: they are in the dead letters instead. */
    refused = new Set();
    /** Harvest's values of stale rows, as of the second look; the first thousand. */
    values = new Map();
    /** Rows that were unequal at both looks, each time in another way. */
    moving = 0;
    /** Rows that both sides were asked for. */
    compared = 0;
    /** Parents that are there but whose lists are refused. */
    refusedParents = new Set();
    tally = null;
    #records;
    #harvest;
    #parent;
    #portions;
    #pages = 0;
    constructor(parts) {
        this.topic = parts.topic;
        this.#harvest = parts.harvest;
        this.#records = parts.records;
        this.#parent = parts.parent;
        this.#portions = parts.portions;
    }
    get #stream() {
        return this.topic.definition;
    }
    /** The first look at everything in the portions. */
    async look() {
        const seen = new Set();
        const looked = new Set();
        await inChunks(this.#portions, async (portion) => {
            const found = await this.#ask(portion, (id, answer) => {
                seen.add(id);
                this.#note(id, portion, answer);
            });
            if (found)
                looked.add(portion.name);
        });
        const byName = new Map(this.#portions.map((portion) => [portion.name, portion]));
        this.compared += seen.size;
        for (const id of this.topic.index.ids()) {
            const name = this.#portionName(id);
            if (seen.has(id) || !looked.has(name))
                continue;
            this.compared++;
            this.#note(id, byName.get(name), null);
        }
    }
    /** The first look at single rows of the topic, and at the number of all. */
    async lookAt(ids) {
        const portion = this.#portions[0];
        for (const id of ids) {
            const group = this.topic.index.get(id)?.group ?? null;
            if (group === null && this.#isBelowParent)
                continue;
            this.#note(id, portion, await this.#single({ id, group, portion }));
            this.compared++;
        }
    }
    /** Compares the number of rows; a second time, keeps the tally only if it is as far off as before. */
    async count() {
        const before = this.tally;
        const harvest = await this.#harvest.total(this.#stream, this.#portions[0]);
        if (harvest === null)
            return;
        // What lies in the dead letters alone is counted in Harvest, too.
        const unpublished = this.#records.deadIds.filter((id) => this.topic.hash(id) === null);
        this.tally = { harvest, topic: this.topic.index.size + unpublished.length };
        if (before === null || isEven(before) || isEven(this.tally))
            return;
        if (before.harvest - before.topic === this.tally.harvest - this.tally.topic)
            return;
        this.moving++;
        this.tally = { harvest, topic: harvest };
    }
    /** Whether anything is left that a second look would have to confirm. */
    get isOpen() {
        return this.differences.size > 0 || (this.tally !== null && !isEven(this.tally));
    }
    /** The second look. The topic's news must be read before. */
    async lookAgain() {
        // What the topic has got meanwhile costs no request.
        for (const { id, harvest } of this.differences.values()) {
            if (this.topic.hash(id) === harvest)
                this.differences.delete(id);
        }
        const answers = await this.#askAgain([...this.differences.values()]);
        for (const before of [...this.differences.values()]) {
            this.differences.delete(before.id);
            const answer = answers.get(before.id);
            if (answer === 'refused')
                this.refused.add(before.id);
            // Without an answer its parent's list is refused by now.
            else if (answer !== undefined)
                this.#judge(before, answer);
        }
        if (this.tally !== null && !isEven(this.tally))
            await this.count();
    }
    #judge(before, answer) {
        const { id } = before;
        const topic = this.topic.hash(id);
        const harvest = answer?.hash ?? null;
        if (harvest === topic)
            return;
        if (harvest !== before.harvest || topic !== before.topic) {
            this.moving++;
            return;
        }
        this.differences.set(id, before);
        if (answer && topic !== null && this.values.size < VALUES_MAX)
            this.values.set(id, Buffer.from(answer.value));
    }
    #note(id, portion, answer) {
        const topic = this.topic.hash(id);
        const harvest = answer === null || answer === 'refused' ? null : answer.hash;
        // A walk that is walked again may bring another version: the last one counts.
        this.differences.delete(id);
        if (answer === 'refused')
            this.refused.add(id);
        else if (harvest !== topic) {
            const group = answer === null ? (this.topic.index.get(id)?.group ?? null) : answer.group;
            this.differences.set(id, { id, portion, group, harvest, topic });
        }
    }
    /** Harvest's answers for these rows, one by one or by their portions, whichever takes fewer requests; null: it is gone. */
    async #askAgain(rows) {
        const answers = new Map();
        const isFew = this.#stream.single !== null && rows.length <= Math.max(1, this.#pages);
        if (isFew && !(this.#isBelowParent && rows.some(({ group }) => group === null))) {
            for (const row of rows)
                answers.set(row.id, await this.#single(row));
            return answers;
        }
        const wanted = new Map();
        for (const { id, portion } of rows)
            wanted.set(portion, [...(wanted.get(portion) ?? []), id]);
        const ids = new Set(rows.map(({ id }) => id));
        await inChunks([...wanted.keys()], async (portion) => {
            const asked = await this.#ask(portion, (id, answer) => {
                // It may come from another parent than before.
                if (ids.has(id))
                    answers.set(id, answer);
            });
            for (const id of asked ? wanted.get(portion) : [])
                if (!answers.has(id))
                    answers.set(id, null);
        });
        return answers;
    }
    /** Asks for a portion and tells of each record in it; false when the portion is refused. */
    async #ask(portion, onAnswer) {
        const pages = await this.#harvest.portion(this.#stream, portion, this.#parent, (records) => {
            for (const record of records)
                onAnswer(this.#records.idOf(record, portion), this.#records.read(record, portion));
        });
        if (pages === null)
            this.refusedParents.add(portion.name);
        else
            this.#pages = Math.max(this.#pages, pages);
        return pages !== null;
    }
    async #single({ id, group, portion }) {
        const parent = this.#isBelowParent ? group : null;
        const record = await this.#harvest.record(this.#stream, id, parent);
        return record && this.#records.read(record, portion);
    }
    /** Whether the path of a single record holds its parent. */
    get #isBelowParent() {
        return this.#stream.single?.includes('{parent}') ?? false;
    }
    #portionName(id) {
        return portionNameOf(this.#stream, id, this.topic.index.get(id));
    }
}
async function inChunks(items, work) {
    for (let at = 0; at < items.length; at += AT_ONCE)
        await Promise.all(items.slice(at, at + AT_ONCE).map(work));
}
function isEven({ harvest, topic }) {
    return harvest === topic;
}
