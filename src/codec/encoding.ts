// How a Harvest record is written as Avro: every field in the schema's signal, unknown members and lost digits set aside.
// Compiled once per schema into closures that read JSON and write bytes with nothing in between, because this runs for
// every record of every page. avsc reads these bytes back, in the tests too; glimpse.ts a few of their fields.
import { ExactNumber, isObject } from '../base/json.ts';
import { ConversionError, type JsonObject, type UnknownMember } from '../engine/ports.ts';
import { epochDay, epochMillis, isFinerThanMillis } from './calendar.ts';
import { canonicalJson } from './canonical-json.ts';
import { parseDecimal, toBytes, toDouble, toText, type Unscaled } from './decimal.ts';
import {
  type DecimalHandling,
  EXTRA,
  type FieldSchema,
  isNullable,
  type RecordSchema,
  type ValueType,
  valueType,
} from './schemas.ts';
import { shapeOf } from './shape.ts';
import type { MessageWriter } from './wire.ts';

/** Values that found no typed field while one record was written, and which fields were null. */
export class Leftover {
  /** By the number of each field, 1 where it was written as null: a flag costs a page nothing. Too short where nobody asks. */
  readonly nulls: Uint8Array;
  /** The rest of the value that was written last, in its place; undefined when there is none. */
  rest: unknown = undefined;
  /** Members the schema does not know, each path once: `line_items[].tax3`. */
  readonly unknown: UnknownMember[] = [];
  /** Paths of decimals that were rounded, once per occurrence. */
  readonly rounded: string[] = [];
  /** Paths of times that were an empty text and are written as null, once per occurrence. */
  readonly emptied: string[] = [];

  constructor(nulls: Uint8Array = NOT_ASKED) {
    this.nulls = nulls;
  }
}

const NOT_ASKED = new Uint8Array(0);

/** Writes a value that is not null. Throws ConversionError. */
type Write = (value: unknown, out: MessageWriter, leftover: Leftover) => void;
type WriteRecord = (record: unknown, out: MessageWriter, leftover: Leftover, given?: JsonObject) => void;

export interface Encoding {
  readonly write: WriteRecord;
  /** The paths of the fields, by their numbers. */
  readonly paths: readonly string[];
}

interface Field {
  readonly name: string;
  readonly path: string;
  readonly nullable: boolean;
  /** A date or datetime: the one kind of value for which an empty text stands for none. */
  readonly isTime: boolean;
  /** The value comes from elsewhere than the record. */
  readonly given: boolean;
  readonly write: Write;
  /** Its place among all fields of the encoding. */
  readonly number: number;
}

interface Plan {
  readonly decimals: DecimalHandling;
  /** The path of every field that a closure writes, in the order of compilation. */
  readonly paths: string[];
}

// Neither avsc nor a JSON consumer takes an integer beyond this.
const LARGEST_LONG = 2 ** 53 - 2;
const NOTHING_GIVEN: ReadonlySet<string> = new Set();

/**
 * Compiles the writing of a whole record: its fields, then `_extra` with all that is left over, as one JSON object
 * nested like the record. A missing member is null. Whatever order Harvest wrote members in, equal records become equal
 * bytes. The fields named by `given` come from elsewhere, in the form Harvest would give them; a member of the same name
 * counts as unknown.
 */
export function compileEncoding(
  schema: RecordSchema,
  decimals: DecimalHandling,
  given: ReadonlySet<string> = NOTHING_GIVEN,
): Encoding {
  const plan: Plan = { decimals, paths: [] };
  const writeFields = compileRecord(schema, '', plan, given);
  const hasExtra = schema.fields.some(({ name }) => name === EXTRA);
  return { write: hasExtra ? withExtra(writeFields) : writeFields, paths: plan.paths };
}

function withExtra(writeFields: WriteRecord): WriteRecord {
  return (record, out, leftover, values) => {
    writeFields(record, out, leftover, values);
    if (leftover.rest === undefined) return out.long(0);
    out.long(1);
    out.string(canonicalJson(leftover.rest));
  };
}

function compileRecord(
  schema: RecordSchema,
  path: string,
  plan: Plan,
  given: ReadonlySet<string> = NOTHING_GIVEN,
): WriteRecord {
  const prefix = path === '' ? '' : `${path}.`;
  const fields = schema.fields
    .filter(({ name }) => name !== EXTRA)
    .map(({ name, type }): Field => {
      const path = prefix + name;
      const write = compile(valueType(type), path, plan);
      const nullable = isNullable(type);
      const number = plan.paths.push(path) - 1;
      return { name, path, nullable, isTime: isTime(type), given: given.has(name), write, number };
    });
  const names = new Set(fields.filter((field) => !field.given).map(({ name }) => name));

  return (value, out, leftover, values) => {
    if (!isObject(value)) throw refusal(path, 'an object', value);
    let rest: Members | undefined;
    let known = 0;
    for (const field of fields) {
      const member = field.given ? values?.[field.name] : value[field.name];
      if (member !== undefined && !field.given) known++;
      const isEmptied = member === '' && field.isTime && field.nullable;
      if (isEmptied) leftover.emptied.push(field.path);
      if (member === undefined || member === null || isEmptied) {
        if (!field.nullable) throw refusal(field.path, 'a value', member);
        out.long(0);
        leftover.nulls[field.number] = 1;
      } else {
        if (field.nullable) out.long(1);
        field.write(member, out, leftover);
        if (leftover.rest !== undefined) rest = keep(rest, field.name, leftover);
      }
    }
    // Counting is enough to know that nothing is unknown, and far cheaper than to look up every name.
    if (countMembers(value) !== known) {
      for (const [name, member] of Object.entries(value)) {
        if (names.has(name) || member === undefined) continue;
        noteUnknown(leftover.unknown, prefix + name, member);
        leftover.rest = member;
        rest = keep(rest, name, leftover);
      }
    }
    leftover.rest = rest;
  };
}

function isTime(type: FieldSchema['type']): boolean {
  const value = valueType(type);
  return typeof value === 'object' && (value.type === 'int' || value.type === 'long');
}

/** Of members of array items, the first that is not null speaks for all. */
function noteUnknown(unknown: UnknownMember[], path: string, value: unknown): void {
  const at = unknown.findIndex((member) => member.path === path);
  if (at === -1) unknown.push({ path, value });
  else if (unknown[at]!.value === null) unknown[at] = { path, value };
}

function compileArray(items: ValueType, path: string, plan: Plan): Write {
  const write = compile(items, `${path}[]`, plan);
  return (value, out, leftover) => {
    if (!Array.isArray(value)) throw refusal(path, 'an array', value);
    let rest: Members | undefined;
    // Avro's arrays are blocks, each led by its length; one that is empty ends the array.
    if (value.length > 0) out.long(value.length);
    for (const [index, item] of value.entries()) {
      write(item, out, leftover);
      if (leftover.rest !== undefined) rest = keep(rest, String(index), leftover);
    }
    out.long(0);
    leftover.rest = rest;
  };
}

function compile(type: ValueType, path: string, plan: Plan): Write {
  if (type === 'long') return compileLong(path);
  if (type === 'boolean') return compileBoolean(path);
  if (type === 'string') return compileString(path);
  if (type === 'double') return compileDecimal(path, 'double');
  if (type.type === 'record') return compileRecord(type, path, plan);
  if (type.type === 'array') return compileArray(type.items, path, plan);
  if (type.type === 'bytes') return compileDecimal(path, plan.decimals);
  return type.type === 'int' ? compileDay(path) : compileInstant(path);
}

const WRITE_DECIMAL: Record<DecimalHandling, (unscaled: Unscaled, out: MessageWriter) => void> = {
  // Written in place, because this runs for every amount of every record.
  precise: (unscaled, out) => (typeof unscaled === 'number' ? out.integer(unscaled) : out.bytes(toBytes(unscaled))),
  double: (unscaled, out) => out.double(toDouble(unscaled)),
  string: (unscaled, out) => out.string(toText(unscaled)),
};

function compileDecimal(path: string, decimals: DecimalHandling): Write {
  const write = WRITE_DECIMAL[decimals];
  return (given, out, leftover) => {
    // Digits beyond the fifteenth are noise in a decimal (decimal.ts).
    const value = given instanceof ExactNumber ? given.valueOf() : given;
    if (typeof value !== 'number' && typeof value !== 'string') throw refusal(path, 'a decimal', value);
    const decimal = parseDecimal(value);
    if (decimal === undefined) throw refusal(path, 'a decimal of at most 18 digits before the point', value);
    if (decimal.rounded) {
      leftover.rounded.push(path);
      leftover.rest = value;
    }
    write(decimal.unscaled, out);
  };
}

function compileInstant(path: string): Write {
  return (value, out, leftover) => {
    const millis = typeof value === 'string' ? epochMillis(value) : Number.NaN;
    if (Number.isNaN(millis)) throw refusal(path, 'a datetime with its zone', value);
    if (isFinerThanMillis(value as string)) leftover.rest = value;
    out.long(millis);
  };
}

function compileDay(path: string): Write {
  return (value, out) => {
    const day = typeof value === 'string' ? epochDay(value) : Number.NaN;
    if (Number.isNaN(day)) throw refusal(path, 'a date YYYY-MM-DD', value);
    out.long(day);
  };
}

function compileLong(path: string): Write {
  return (value, out) => {
    const isLong = Number.isSafeInteger(value) && Math.abs(value as number) <= LARGEST_LONG;
    if (!isLong) throw refusal(path, 'an integer below 2^53', value);
    out.long(value as number);
  };
}

function compileString(path: string): Write {
  return (value, out) => {
    // Ids of other systems were numbers in old records and are text today (external_reference.id).
    const isNumber = typeof value === 'number' || value instanceof ExactNumber;
    if (typeof value !== 'string' && !isNumber) throw refusal(path, 'a string', value);
    out.string(value instanceof ExactNumber ? value.literal : String(value));
  };
}

function compileBoolean(path: string): Write {
  return (value, out) => {
    if (typeof value !== 'boolean') throw refusal(path, 'a boolean', value);
    out.boolean(value);
  };
}

type Members = Record<string, unknown>;

/** Moves what is left over under its name, one level up. */
function keep(rest: Members | undefined, name: string, leftover: Leftover): Members {
  // Without a prototype, a member that is called `__proto__` is a member like any other.
  const kept: Members = rest ?? Object.create(null);
  kept[name] = leftover.rest;
  leftover.rest = undefined;
  return kept;
}

function countMembers(value: JsonObject): number {
  let count = 0;
  for (const _ in value) count++;
  return count;
}

/** Says what was found by its type only: values are customer data and errors are logged. */
function refusal(path: string, expected: string, value: unknown): ConversionError {
  const mismatch = { expected, found: shapeOf(value) };
  return new ConversionError(path, `${path || 'record'}: expected ${expected}, found ${jsonType(value)}`, mismatch);
}

function jsonType(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (value instanceof ExactNumber) return 'number';
  return Array.isArray(value) ? 'array' : typeof value;
}
