// The Avro schemas of the topics: `avro/<stream>.avsc` for values, derived from the catalog for keys. Knows their shape
// and how decimal handling rewrites them; leaves bytes to codec.ts and the registry to subjects.ts.
import { readFile } from 'node:fs/promises';
import { catalog } from '../streams/catalog.js';
/** The member of every value that keeps what the schema does not know (promise P7). */
export const EXTRA = '_extra';
/** Reads `<directory>/<stream>.avsc` of every stream of the catalog. `directory` ends with a slash. */
export async function loadSchemas(directory) {
    const schemas = await Promise.all(catalog.map(async ({ name }) => {
        const text = await readFile(new URL(`${name}.avsc`, directory), 'utf8');
        return [name, JSON.parse(text)];
    }));
    return new Map(schemas);
}
/** The value schema as registered and written: decimals replaced as `mode` says. */
export function publishedSchema(schema, mode) {
    if (mode === 'precise')
        return schema;
    return { ...schema, fields: schema.fields.map((field) => ({ ...field, type: publishedField(field.type, mode) })) };
}
function publishedField(type, mode) {
    return isNullable(type) ? ['null', publishedType(type[1], mode)] : publishedType(type, mode);
}
function publishedType(type, mode) {
    if (typeof type === 'string')
        return type;
    if (type.type === 'bytes')
        return mode;
    if (type.type === 'record')
        return publishedSchema(type, mode);
    if (type.type === 'array')
        return { ...type, items: publishedType(type.items, mode) };
    return type;
}
/** The key schema of a stream: a record of its identity and nothing else. It never changes. */
export function keySchema(stream) {
    const fields = stream.key.map(({ name, type }) => {
        return { name, type: type === 'date' ? { type: 'int', logicalType: 'date' } : type };
    });
    return { type: 'record', name: 'Key', namespace: `harvest.${stream.name}`, fields };
}
/** The type of a field without its null branch. */
export function valueType(type) {
    return isNullable(type) ? type[1] : type;
}
export function isNullable(type) {
    return Array.isArray(type);
}
