// Prints changes as they arrive on the topics, one line each: what a consumer of these topics sees. Reads with kafkajs and the
// registry library, read_committed, and remembers the last value of each key to say what changed.
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import avro from 'avsc';
import { Kafka, logLevel } from 'kafkajs';
const SIGNS = { c: ['+', 'green'], u: ['~', 'yellow'], d: ['-', 'red'], r: ['·', 'gray'] };
/** First reads come by the thousand: they are counted, and the count is printed when they pause. */
const COUNT_PAUSE_MS = 500;
const LINE_WIDTH = 150;
/** Starts printing from the beginning of the topics, so that updates can be told field by field. */
export async function printChanges(options) {
    const kafka = new Kafka({ clientId: 'change-printer', brokers: [...options.brokers], logLevel: logLevel.NOTHING });
    const registry = new SchemaRegistry({ host: options.registryUrl }, { [SchemaType.AVRO]: { logicalTypes: READABLE } });
    const consumer = kafka.consumer({ groupId: `change-printer-${process.pid}`, maxWaitTimeInMs: 200 });
    const printer = new Printer(options);
    await consumer.connect();
    await consumer.subscribe({ topics: [...options.topics], fromBeginning: true });
    await consumer.run({
        autoCommit: false,
        eachMessage: async ({ topic, message }) => {
            const key = message.key.toString('base64');
            const id = identity(await decoded(registry, message.key));
            const value = message.value === null ? null : (await decoded(registry, message.value));
            printer.show(topic, key, id, value, String(message.headers?.__op ?? '?'), Number(message.timestamp));
        },
    });
    return { close: () => leave(kafka, consumer, printer) };
}
class Printer {
    #options;
    #startedAt = Date.now();
    #last = new Map();
    #counts = new Map();
    #timer = null;
    constructor(options) {
        this.#options = options;
    }
    show(topic, key, id, value, op, publishedAt) {
        const stream = topic.slice(this.#options.prefixLength);
        const before = this.#last.get(`${topic} ${key}`);
        if (value === null)
            this.#last.delete(`${topic} ${key}`);
        else
            this.#last.set(`${topic} ${key}`, value);
        // What was there before the printer started is history, and a first read is no change.
        if (publishedAt < this.#startedAt)
            return;
        if (op === 'r') {
            this.#count(stream);
            return;
        }
        const [sign, color] = SIGNS[op] ?? ['?', 'gray'];
        const told = value === null ? label(before ?? {}) : before ? changes(before, value) : label(value);
        const { paint, write } = this.#options;
        const line = `${sign} ${stream.padEnd(22)} ${id.padEnd(12)} ${told}`.slice(0, LINE_WIDTH);
        write(`${paint('gray', new Date(publishedAt).toISOString().slice(11, 19))} ${paint(color, line)}\n`);
    }
    close() {
        if (this.#timer)
            clearTimeout(this.#timer);
        this.#flush();
    }
    #count(stream) {
        this.#counts.set(stream, (this.#counts.get(stream) ?? 0) + 1);
        this.#timer?.refresh();
        this.#timer ??= setTimeout(() => this.#flush(), COUNT_PAUSE_MS).unref();
    }
    #flush() {
        this.#timer = null;
        if (this.#counts.size === 0)
            return;
        const counted = [...this.#counts].map(([stream, count]) => `${stream} ${count}`).join(', ');
        this.#counts.clear();
        this.#options.write(`${this.#options.paint('gray', `${new Date().toISOString().slice(11, 19)} · read for the first time: ${counted}`)}\n`);
    }
}
/** Logical types as text that a person reads. */
const READABLE = {
    date: readable((days) => new Date(days * 86_400_000).toISOString().slice(0, 10)),
    'timestamp-millis': readable((ms) => `${new Date(ms).toISOString().slice(0, 19)}Z`),
    decimal: readable((bytes, scale) => {
        const unscaled = BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`));
        return String(Number(unscaled) / 10 ** scale);
    }),
};
function readable(show) {
    return class extends avro.types.LogicalType {
        #scale = 0;
        constructor(schema, options) {
            super(schema, options);
            this.#scale = schema?.scale ?? 0;
        }
        _fromValue(value) {
            return show(value, this.#scale);
        }
        _toValue() { }
        _resolve() { }
    };
}
async function decoded(registry, bytes) {
    // String keys carry no schema.
    return bytes[0] === 0 ? registry.decode(bytes) : bytes.toString();
}
function identity(key) {
    return typeof key === 'object' && key !== null ? Object.values(key).map(short).join(' ') : String(key);
}
/** What a person would call the record. */
function label(row) {
    const { name, first_name, last_name, number, subject, notes, amount, spent_date, hours, project, user } = row;
    const parts = [
        name,
        [first_name, last_name].filter(Boolean).join(' '),
        number,
        subject,
        nameOf(project),
        nameOf(user),
        spent_date,
        hours,
        amount,
        notes,
    ];
    return parts
        .filter((part) => part !== null && part !== undefined && part !== '')
        .map(short)
        .slice(0, 4)
        .join(' · ');
}
/** `hours 1.25 → 1.5, notes … → …`; technical fields come last and only when nothing else changed. */
function changes(before, after) {
    const changed = Object.keys(after).filter((field) => text(before[field]) !== text(after[field]));
    const told = changed.filter((field) => field !== 'updated_at');
    const shown = told.length > 0 ? told : changed;
    return shown.map((field) => `${field} ${short(before[field])} → ${short(after[field])}`).join(', ');
}
function nameOf(reference) {
    return reference?.name;
}
function text(value) {
    return JSON.stringify(value, (_, member) => (typeof member === 'bigint' ? String(member) : member)) ?? '';
}
/** A value in a few characters: decimals as numbers, days as dates, records by their name. */
function short(value) {
    if (value === null || value === undefined)
        return '–';
    if (typeof value === 'object')
        return short(value.name ?? (Array.isArray(value) ? `[${value.length}]` : '{…}'));
    const shown = String(value).replace(/\s+/g, ' ');
    return shown.length > 32 ? `${shown.slice(0, 31)}…` : shown;
}
async function leave(kafka, consumer, printer) {
    printer.close();
    await consumer.disconnect();
    const admin = kafka.admin();
    await admin.connect();
    await admin.deleteGroups([`change-printer-${process.pid}`]).catch(() => { });
    await admin.disconnect();
}
