// A Harvest record becomes the plain object that avsc writes: members in field order, instants in ms, days since 1970,
// decimals as `decimals` says. Compiled once per schema into closures, because it runs for every record of every page.
import { ConversionError, type JsonObject } from '../engine/ports.ts';
import { epochDay, epochMillis, isFinerThanMillis } from './calendar.ts';
import { parseDecimal, toBytes, toDouble, toText, type Unscaled } from './decimal.ts';
import { type DecimalHandling, type RecordSchema, type ValueType, valueType } from './schemas.ts';

/** What one conversion could not put into typed fields. */
export class Leftover {
  /** What the converter that returned last left over, in the place of its value; undefined when nothing. */
  rest: unknown = undefined;
  /** Paths of members the schema does not know, each once: `line_items[].tax3`. */
  readonly unknown: string[] = [];
  /** Paths of decimals that were rounded, once per occurrence. */
  readonly rounded: string[] = [];

  addUnknown(path: string): void {
    if (!this.unknown.includes(path)) this.unknown.push(path);
  }
}

/** Avro's view of a record: plain members in field order. */
export type AvroRecord = Record<string, unknown>;
type Convert = (value: unknown, leftover: Leftover) => unknown;

// avsc takes and gives no long beyond this.
const LARGEST_LONG = 2 ** 53 - 2;

const REPRESENT: Record<DecimalHandling, (unscaled: Unscaled) => Buffer | number | string> = {
  precise: toBytes,
  double: toDouble,
  string: toText,
};

/**
 * Compiles the conversion of a whole record. `given` names the fields whose values come from elsewhere than the record
 * (null until then); a member of that name counts as unknown. Null, and a missing member, are null.
 */
export function compileConversion(
  schema: RecordSchema,
  decimals: DecimalHandling,
  given: ReadonlySet<string>,
): (record: JsonObject, leftover: Leftover) => AvroRecord {
  return compileRecord(schema, '', decimals, given);
}

function compileRecord(
  schema: RecordSchema,
  path: string,
  decimals: DecimalHandling,
  given: ReadonlySet<string> = new Set(),
): (value: unknown, leftover: Leftover) => AvroRecord {
  const prefix = path === '' ? '' : `${path}.`;
  const blank = Object.fromEntries(schema.fields.map((field) => [field.name, null]));
  const converters = new Map(
    schema.fields
      .filter((field) => !given.has(field.name))
      .map((field) => [field.name, compile(valueType(field.type), prefix + field.name, decimals)]),
  );
  return (value, leftover) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refusal(path, 'an object', value);
    // A copy of `blank` has its members in field order already, whatever order Harvest wrote them in.
    const converted: AvroRecord = { ...blank };
    let rest: AvroRecord | undefined;
    for (const [name, member] of Object.entries(value)) {
      const convert = converters.get(name);
      if (convert === undefined) {
        leftover.addUnknown(prefix + name);
        leftover.rest = member;
      } else if (member !== null) {
        converted[name] = convert(member, leftover);
      }
      if (leftover.rest !== undefined) {
        rest = keep(rest, name, leftover);
      }
    }
    leftover.rest = rest;
    return converted;
  };
}

function compileArray(items: ValueType, path: string, decimals: DecimalHandling): Convert {
  const convert = compile(items, `${path}[]`, decimals);
  return (value, leftover) => {
    if (!Array.isArray(value)) throw refusal(path, 'an array', value);
    let rest: AvroRecord | undefined;
    const converted = value.map((item, index) => {
      const element = convert(item, leftover);
      if (leftover.rest !== undefined) rest = keep(rest, String(index), leftover);
      return element;
    });
    leftover.rest = rest;
    return converted;
  };
}

function keep(rest: AvroRecord | undefined, name: string, leftover: Leftover): AvroRecord {
  // Without a prototype, a member that is called `__proto__` is a member like any other.
  const kept: AvroRecord = rest ?? Object.create(null);
  kept[name] = leftover.rest;
  leftover.rest = undefined;
  return kept;
}

function compile(type: ValueType, path: string, decimals: DecimalHandling): Convert {
  if (typeof type === 'object') {
    if (type.type === 'record') return compileRecord(type, path, decimals);
    if (type.type === 'array') return compileArray(type.items, path, decimals);
    if (type.type === 'bytes') return compileDecimal(path, REPRESENT[decimals]);
    return type.type === 'int' ? compileDay(path) : compileInstant(path);
  }
  if (type === 'long') return compileLong(path);
  return type === 'boolean' ? compileBoolean(path) : compileString(path);
}

function compileDecimal(path: string, represent: (unscaled: Unscaled) => unknown): Convert {
  return (value, leftover) => {
    if (typeof value !== 'number' && typeof value !== 'string') throw refusal(path, 'a decimal', value);
    const decimal = parseDecimal(value);
    if (decimal === undefined) throw refusal(path, 'a decimal of at most 18 digits before the point', value);
    if (decimal.rounded) {
      leftover.rounded.push(path);
      leftover.rest = value;
    }
    return represent(decimal.unscaled);
  };
}

function compileInstant(path: string): Convert {
  return (value, leftover) => {
    const millis = typeof value === 'string' ? epochMillis(value) : Number.NaN;
    if (Number.isNaN(millis)) throw refusal(path, 'a datetime with zone', value);
    if (isFinerThanMillis(value as string)) leftover.rest = value;
    return millis;
  };
}

function compileDay(path: string): Convert {
  return (value) => {
    const day = typeof value === 'string' ? epochDay(value) : Number.NaN;
    if (Number.isNaN(day)) throw refusal(path, 'a date YYYY-MM-DD', value);
    return day;
  };
}

function compileLong(path: string): Convert {
  return (value) => {
    if (!Number.isSafeInteger(value) || Math.abs(value as number) > LARGEST_LONG) {
      throw refusal(path, 'an integer below 2^53', value);
    }
    return value;
  };
}

function compileString(path: string): Convert {
  return (value) => {
    if (typeof value === 'string') return value.isWellFormed() ? value : value.toWellFormed();
    // Ids of other systems were numbers in old records and are text today (external_reference.id).
    if (typeof value === 'number') return String(value);
    throw refusal(path, 'a string', value);
  };
}

function compileBoolean(path: string): Convert {
  return (value) => {
    if (typeof value !== 'boolean') throw refusal(path, 'a boolean', value);
    return value;
  };
}

/** Says what was found by its type only: values are customer data and errors are logged. */
function refusal(path: string, expected: string, value: unknown): ConversionError {
  const found = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
  const other = expected.includes(found) ? `another ${found}` : found;
  return new ConversionError(path, `${path || 'record'}: expected ${expected}, found ${other}`);
}
