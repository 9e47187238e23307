// The Codec port: a Harvest record becomes key bytes, value bytes and what the index remembers of them, and a topic's
// record becomes that memory again. Asks the registry only for schemas that are not ours; stream-codec.ts does the rest.
import { assert, PublisherError } from '../base/errors.js';
import { findStream } from '../streams/catalog.js';
import { toJson } from './decode.js';
import { avroKeys, stringKeys } from './keys.js';
import { shapeOf } from './shape.js';
import { StreamCodec } from './stream-codec.js';
import { HEADER, MessageWriter, schemaIdOf } from './wire.js';
/** Builds the codec of every stream in `ids`. Schemas are compiled here, so that no record waits for it. */
export function createCodec(options) {
    const out = new MessageWriter();
    const codecs = new Map([...options.ids].map(([name, ids]) => [name, streamCodec(options, name, ids, out)]));
    const readers = new Map();
    const unreadable = new Set();
    function of(stream) {
        const codec = codecs.get(stream.name);
        assert(codec !== undefined, `the codec knows the schema ids of ${stream.name}`);
        return codec;
    }
    /** How to read what was written under `schemaId`. */
    function reader(codec, schemaId) {
        const name = `${codec.stream.name}|${schemaId}`;
        let known = readers.get(name);
        if (known === undefined) {
            known = options
                .writerSchema(schemaId)
                .then((schema) => (isOf(schema, codec) ? codec.readerOf(schema) : stranger(codec, schemaId, schema)));
            readers.set(name, known);
            known.catch(() => readers.delete(name));
        }
        return known;
    }
    async function restoreForeign(codec, id, value, schemaId) {
        const record = (await reader(codec, schemaId))(value.subarray(HEADER));
        return { id, ...(record === null ? unread(codec, schemaId) : codec.rememberRecord(record)) };
    }
    /** What nobody can read gets a hash that no record of ours has. */
    function unread({ stream: { name } }, schemaId) {
        const what = `${name}|${schemaId}`;
        if (!unreadable.has(what))
            options.onUnreadable?.(name, schemaId);
        unreadable.add(what);
        return UNREADABLE;
    }
    return {
        encode(stream, record, context) {
            return of(stream).encode(record, context, (field) => options.onRounded?.(stream.name, field));
        },
        restore(stream, key, value) {
            const codec = of(stream);
            const id = codec.keys.decode(key);
            const schemaId = schemaIdOf(value);
            if (schemaId === codec.schemaId)
                return { id, ...(codec.remember(value.subarray(HEADER)) ?? unread(codec, schemaId)) };
            if (schemaId === null)
                return { id, ...unread(codec, null) };
            return restoreForeign(codec, id, value, schemaId);
        },
        rowId: (stream, key) => of(stream).keys.decode(key),
        key: (stream, id) => of(stream).keys.encode(id),
        identify: (stream, record, context) => of(stream).identify(record, context),
        takeNulls: (stream) => of(stream).takeNulls(),
        shape: (value) => shapeOf(value),
        draft: (stream, path, samples) => of(stream).draft(path, samples),
        async decode(stream, value) {
            const codec = of(stream);
            const schemaId = schemaIdOf(value);
            if (schemaId === null)
                return null;
            const read = schemaId === codec.schemaId ? codec.read : await reader(codec, schemaId);
            const record = read(value.subarray(HEADER));
            return record === null ? null : toJson(codec.schema, record);
        },
    };
}
function isOf(schema, { schema: ours }) {
    const { name, namespace } = (schema ?? {});
    return schema !== null && name === ours.name && namespace === ours.namespace;
}
/**
 * Reads what the registry says is no record of ours: nothing. A registry never gives an id twice, so bytes that are ours all
 * the same were written with another one; going on would leave topics that no consumer reads right.
 */
function stranger(codec, schemaId, schema) {
    return (payload) => {
        if (codec.read(payload) === null)
            return null;
        const { namespace, name } = (schema ?? {});
        const given = schema === null ? 'does not know as a record' : `gives to ${[namespace, name].filter(Boolean).join('.')}`;
        throw new PublisherError('registry.replaced', `the topic of ${codec.stream.name} carries values under schema id ${schemaId}, which the registry ${given}`, { stream: codec.stream.name });
    };
}
/** Hashes have 53 bits without a sign. */
const UNREADABLE = { hash: -1, group: null, day: null };
function streamCodec(options, name, ids, out) {
    const stream = findStream(name);
    const schema = options.schemas.get(name);
    assert(stream !== undefined && schema !== undefined, `${name} is in the catalog and has a schema`);
    assert(options.keyFormat === 'string' || ids.key !== null, `${name} has a key schema id`);
    const keys = options.keyFormat === 'string' ? stringKeys(stream) : avroKeys(stream, ids.key, out);
    return new StreamCodec({
        stream,
        schema,
        schemaId: ids.value,
        decimals: options.decimalHandling,
        runningTimers: options.runningTimers,
        keys,
        out,
    });
}
