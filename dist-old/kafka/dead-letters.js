import { createConnection } from './connection.js';
import { createTopicReader } from './reader.js';
import { dataTopic, deadLetterTopic, hasTopic } from './topics.js';
const ERRORS = '__connect.errors.';
const FIELD = '__field';
const OMITTED = '__omitted';
/** The letter as a message of its topic. */
export function deadLetterMessage({ stream, key, value, stage, error }, prefix, connector) {
    return {
        key: Buffer.from(key),
        value,
        headers: {
            [`${ERRORS}topic`]: dataTopic(prefix, stream),
            // It never got a place on the topic.
            [`${ERRORS}partition`]: '-1',
            [`${ERRORS}offset`]: '-1',
            [`${ERRORS}connector.name`]: connector,
            [`${ERRORS}task.id`]: '0',
            [`${ERRORS}stage`]: stage,
            // A stack trace would only lead through our own files.
            [`${ERRORS}class.name`]: 'Codec',
            [`${ERRORS}exception.class.name`]: error.name,
            [`${ERRORS}exception.message`]: error.message,
            [FIELD]: error.field,
        },
    };
}
/** The letter without the record, which is too large for any topic: an account never stands still for one record. */
export function withoutRecord({ key, value, headers }, most) {
    const omitted = `a record of ${Buffer.byteLength(value)} bytes: a letter takes ${most}`;
    return { key, value: null, headers: { ...headers, [OMITTED]: omitted } };
}
/** Delivers the committed letters, the oldest first; none when there is no such topic yet. Throws PublisherError `kafka.*`. */
export async function readDeadLetters(settings, prefix, onLetter, { clock, signal, log = () => { } }) {
    const connection = createConnection(settings, log);
    const topic = deadLetterTopic(prefix);
    if (!(await hasTopic(connection, prefix, topic)))
        return;
    const reader = createTopicReader(connection, clock, { brokers: connection.brokers, prefix });
    try {
        await reader.readAll([topic], (record) => onLetter(found(record, prefix)), signal);
    }
    finally {
        await reader.close();
    }
}
function found(record, prefix) {
    const { key, value, timestamp, offset } = record;
    const headers = record.headers();
    const said = (name) => headers.get(`${ERRORS}${name}`) ?? '';
    return {
        stream: said('topic').replace(dataTopic(prefix, ''), ''),
        id: String(key ?? ''),
        at: timestamp,
        stage: said('stage'),
        errorClass: said('exception.class.name'),
        field: headers.get(FIELD) ?? '',
        message: said('exception.message'),
        offset,
        value,
    };
}
