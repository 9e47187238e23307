// Key bytes of a row and back. They are what partitions and compacts a topic, so they never evolve: a key under another
// schema id than ours is refused here instead of becoming a second row.
import avro from 'avsc';
import { PublisherError } from '../base/errors.js';
import { isoDay } from '../streams/windows.js';
import { compileEncoding, Leftover } from './encoding.js';
import { keySchema } from './schemas.js';
import { HEADER, schemaIdOf } from './wire.js';
/** Row ids as text in UTF-8: `123`, or `2026-01-01|2026-01-31|5|EUR`. */
export function stringKeys(stream) {
    return {
        encode: (id) => Buffer.from(String(id)),
        decode(key) {
            if (schemaIdOf(key) !== null)
                throw foreignKey(stream, 'in Avro', 'text', OTHER_FORMAT);
            const text = key.toString();
            if (stream.key.length > 1)
                return text;
            if (!/^\d+$/.test(text))
                throw foreignKey(stream, 'that is no id', 'ids as text');
            return Number(text);
        },
    };
}
/** Row ids as the key schema's record, registered under `schemaId`. */
export function avroKeys(stream, schemaId, out) {
    const schema = keySchema(stream);
    const encoding = compileEncoding(schema, 'precise');
    const type = avro.Type.forSchema(schema);
    return {
        encode(id) {
            out.begin(schemaId);
            encoding.write(keyRecord(stream, id), out, new Leftover());
            return out.end();
        },
        decode(key) {
            const found = schemaIdOf(key);
            if (found !== schemaId) {
                if (found === null)
                    throw foreignKey(stream, 'not in Avro', 'Avro', OTHER_FORMAT);
                throw foreignKey(stream, `under schema id ${found}`, `schema id ${schemaId}`);
            }
            const record = type.fromBuffer(key.subarray(HEADER));
            const parts = stream.key.map(({ name, type }) => (type === 'date' ? isoDay(record[name]) : record[name]));
            return parts.length === 1 ? parts[0] : parts.join('|');
        },
    };
}
function keyRecord(stream, id) {
    if (typeof id === 'number')
        return { [stream.key[0].name]: id };
    // A currency is the last part, and whatever it holds belongs to it: cut at its own `|`, two rows would share one key.
    const [from, to, dimension, ...currency] = id.split('|');
    const parts = [from, to, dimension, currency.join('|')];
    return Object.fromEntries(stream.key.map(({ name, type }, index) => [name, type === 'long' ? Number(parts[index]) : parts[index]]));
}
const OTHER_FORMAT = { remedy: 'Set key.format back to what wrote the topics, or use a new topics.prefix.' };
function foreignKey(stream, found, ours, detail = {}) {
    return new PublisherError('registry.key_schema_changed', `the topic of ${stream.name} carries a key ${found}, this configuration writes ${ours}`, { stream: stream.name, ...detail });
}
