import { isoDay } from '../streams/windows.js';
import { fromBytes, toText } from './decimal.js';
import { valueType } from './schemas.js';
/** `record` as avsc reads it with `schema`, without logical types. Instants come out as `2017-06-26T21:36:23Z`. */
export function toJson(schema, record) {
    const members = schema.fields.map(({ name, type }) => {
        const value = record[name];
        return [name, value === null ? null : memberToJson(valueType(type), value)];
    });
    return Object.fromEntries(members);
}
function memberToJson(type, value) {
    if (type === 'double')
        return String(value);
    if (typeof type === 'string')
        return value;
    switch (type.type) {
        case 'record':
            return toJson(type, value);
        case 'array':
            return value.map((item) => memberToJson(type.items, item));
        case 'bytes':
            return toText(fromBytes(value));
        case 'int':
            return isoDay(value);
        case 'long':
            return new Date(value).toISOString().replace('.000Z', 'Z');
    }
}
