// How a Harvest record is written as Avro: every field in the schema's order, unknown members and lost digits set aside.
// Compiled once per schema into closures that read JSON and write bytes with nothing in between, because this runs for
// every record of every page. avsc reads these bytes back, in restore and in the tests.
import { ConversionError } from '../engine/ports.js';
import { epochDay, epochMillis, isFinerThanMillis } from './calendar.js';
import { canonicalJson } from './canonical-json.js';
import { parseDecimal, toBytes, toDouble, toText } from './decimal.js';
import { EXTRA, isNullable, valueType } from './schemas.js';
import { shapeOf } from './shape.js';
/** What could not be put into typed fields while one record was written. */
export class Leftover {
    /** What the write that returned last left over, in the place of its value; undefined when nothing. */
    rest = undefined;
    /** Members the schema does not know, each path once: `line_items[].tax3`. */
    unknown = [];
    /** Paths of decimals that were rounded, once per occurrence. */
    rounded = [];
}
// Neither avsc nor a JSON consumer takes an integer beyond this.
const LARGEST_LONG = 2 ** 53 - 2;
const NOTHING_GIVEN = new Set();
/**
 * Compiles the writing of a whole record: its fields, then `_extra` with all that is left over, as one JSON object
 * nested like the record. A missing member is null. Whatever order Harvest wrote members in, equal records become equal
 * bytes. The fields named by `given` come from elsewhere, in the form Harvest would give them; a member of the same name
 * counts as unknown.
 */
export function compileEncoding(schema, decimals, given = NOTHING_GIVEN) {
    const plan = { decimals, fields: [] };
    const writeFields = compileRecord(schema, '', plan, given);
    const hasExtra = schema.fields.some(({ name }) => name === EXTRA);
    return { write: hasExtra ? withExtra(writeFields) : writeFields, takeNulls: () => takeNulls(plan.fields) };
}
function withExtra(writeFields) {
    return (record, out, leftover, values) => {
        writeFields(record, out, leftover, values);
        if (leftover.rest === undefined)
            return out.long(0);
        out.long(1);
        out.string(canonicalJson(leftover.rest));
    };
}
function takeNulls(fields) {
    const nulls = [];
    for (const field of fields) {
        if (!field.wasNull)
            continue;
        field.wasNull = false;
        nulls.push(field.path);
    }
    return nulls;
}
function compileRecord(schema, path, plan, given = NOTHING_GIVEN) {
    const prefix = path === '' ? '' : `${path}.`;
    const fields = schema.fields
        .filter(({ name }) => name !== EXTRA)
        .map(({ name, type }) => {
        const path = prefix + name;
        const write = compile(valueType(type), path, plan);
        return { name, path, nullable: isNullable(type), given: given.has(name), write, wasNull: false };
    });
    plan.fields.push(...fields);
    const names = new Set(fields.filter((field) => !field.given).map(({ name }) => name));
    return (value, out, leftover, values) => {
        if (!isObject(value))
            throw refusal(path, 'an object', value);
        let rest;
        let known = 0;
        for (const field of fields) {
            const member = field.given ? values?.[field.name] : value[field.name];
            if (member !== undefined && !field.given)
                known++;
            if (member === undefined || member === null) {
                if (!field.nullable)
                    throw refusal(field.path, 'a value', member);
                out.long(0);
                field.wasNull = true;
            }
            else {
                if (field.nullable)
                    out.long(1);
                field.write(member, out, leftover);
                if (leftover.rest !== undefined)
                    rest = keep(rest, field.name, leftover);
            }
        }
        // Counting is enough to know that nothing is unknown, and far cheaper than to look up every name.
        if (countMembers(value) !== known) {
            for (const [name, member] of Object.entries(value)) {
                if (names.has(name) || member === undefined)
                    continue;
                noteUnknown(leftover.unknown, prefix + name, member);
                leftover.rest = member;
                rest = keep(rest, name, leftover);
            }
        }
        leftover.rest = rest;
    };
}
/** Of members of array items, the first that is not null speaks for all. */
function noteUnknown(unknown, path, value) {
    const at = unknown.findIndex((member) => member.path === path);
    if (at === -1)
        unknown.push({ path, value });
    else if (unknown[at].value === null)
        unknown[at] = { path, value };
}
function compileArray(items, path, plan) {
    const write = compile(items, `${path}[]`, plan);
    return (value, out, leftover) => {
        if (!Array.isArray(value))
            throw refusal(path, 'an array', value);
        let rest;
        // Avro's arrays are blocks, each led by its length; one that is empty ends the array.
        if (value.length > 0)
            out.long(value.length);
        for (const [index, item] of value.entries()) {
            write(item, out, leftover);
            if (leftover.rest !== undefined)
                rest = keep(rest, String(index), leftover);
        }
        out.long(0);
        leftover.rest = rest;
    };
}
function compile(type, path, plan) {
    if (type === 'long')
        return compileLong(path);
    if (type === 'boolean')
        return compileBoolean(path);
    if (type === 'string')
        return compileString(path);
    if (type === 'double')
        return compileDecimal(path, 'double');
    if (type.type === 'record')
        return compileRecord(type, path, plan);
    if (type.type === 'array')
        return compileArray(type.items, path, plan);
    if (type.type === 'bytes')
        return compileDecimal(path, plan.decimals);
    return type.type === 'int' ? compileDay(path) : compileInstant(path);
}
const WRITE_DECIMAL = {
    precise: (unscaled, out) => out.bytes(toBytes(unscaled)),
    double: (unscaled, out) => out.double(toDouble(unscaled)),
    string: (unscaled, out) => out.string(toText(unscaled)),
};
function compileDecimal(path, decimals) {
    const write = WRITE_DECIMAL[decimals];
    return (value, out, leftover) => {
        if (typeof value !== 'number' && typeof value !== 'string')
            throw refusal(path, 'a decimal', value);
        const decimal = parseDecimal(value);
        if (decimal === undefined)
            throw refusal(path, 'a decimal of at most 18 digits before the point', value);
        if (decimal.rounded) {
            leftover.rounded.push(path);
            leftover.rest = value;
        }
        write(decimal.unscaled, out);
    };
}
function compileInstant(path) {
    return (value, out, leftover) => {
        const millis = typeof value === 'string' ? epochMillis(value) : Number.NaN;
        if (Number.isNaN(millis))
            throw refusal(path, 'a datetime with its zone', value);
        if (isFinerThanMillis(value))
            leftover.rest = value;
        out.long(millis);
    };
}
function compileDay(path) {
    return (value, out) => {
        const day = typeof value === 'string' ? epochDay(value) : Number.NaN;
        if (Number.isNaN(day))
            throw refusal(path, 'a date YYYY-MM-DD', value);
        out.long(day);
    };
}
function compileLong(path) {
    return (value, out) => {
        if (!Number.isSafeInteger(value) || Math.abs(value) > LARGEST_LONG) {
            throw refusal(path, 'an integer below 2^53', value);
        }
        out.long(value);
    };
}
function compileString(path) {
    return (value, out) => {
        // Ids of other systems were numbers in old records and are text today (external_reference.id).
        if (typeof value !== 'string' && typeof value !== 'number')
            throw refusal(path, 'a string', value);
        out.string(String(value));
    };
}
function compileBoolean(path) {
    return (value, out) => {
        if (typeof value !== 'boolean')
            throw refusal(path, 'a boolean', value);
        out.boolean(value);
    };
}
/** Moves what is left over under its name, one level up. */
function keep(rest, name, leftover) {
    // Without a prototype, a member that is called `__proto__` is a member like any other.
    const kept = rest ?? Object.create(null);
    kept[name] = leftover.rest;
    leftover.rest = undefined;
    return kept;
}
function isObject(value) {
    return typeof value === 'object' && value !== null && !Array.isArray(value);
}
function countMembers(value) {
    let count = 0;
    for (const _ in value)
        count++;
    return count;
}
/** Says what was found by its type only: values are customer data and errors are logged. */
function refusal(path, expected, value) {
    const found = value === undefined ? 'nothing' : value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
    const mismatch = { expected, found: shapeOf(value) };
    return new ConversionError(path, `${path || 'record'}: expected ${expected}, found ${found}`, mismatch);
}
