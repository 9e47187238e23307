// A few numbers of an Avro payload, read without the rest: a restore looks at two or three fields of every record of a topic.
// avsc's resolvers go from object to object for that, which was a third of what a restore took; here it is one loop over a list.
import { behindLong, longAt } from '../base/byte-reader.ts';
import { isNullable, type RecordSchema, type ValueType, valueType } from './schemas.ts';

/** How to step over one value; the fields of a record follow it. */
interface Step {
  readonly kind: 'number' | 'boolean' | 'double' | 'bytes' | 'array' | 'record';
  readonly nullable: boolean;
  /** The place of its value among those that are wanted; -1 where it is not. */
  readonly place: number;
  /** The steps of an array's items. */
  readonly items: readonly Step[];
  /** How many steps it is, with its fields: what a null leaves out. */
  readonly length: number;
}

/** Of one field of each name in `wanted`: of a number or a boolean (1 or 0) the value, of a record its `id`; null where there is none. */
export type Glimpse = (payload: Buffer) => (number | null)[];

/** What it makes throws RangeError for bytes that end too soon, and gives values in the order of `wanted`, of which some may be none. */
export function compileGlimpse(schema: RecordSchema, wanted: readonly (string | null)[]): Glimpse {
  const last = schema.fields.findLastIndex(({ name }) => wanted.includes(name));
  const steps = stepsOf(schema.fields.slice(0, last + 1), (name) => wanted.indexOf(name));
  const nothing = wanted.map(() => null);
  return (payload) => {
    const seen: (number | null)[] = [...nothing];
    walk(steps, payload, 0, seen);
    return seen;
  };
}

function stepsOf(fields: RecordSchema['fields'], placeOf: (name: string) => number): Step[] {
  return fields.flatMap(({ name, type }) => stepsOver(valueType(type), isNullable(type), placeOf(name)));
}

function stepsOver(type: ValueType, nullable: boolean, place: number): Step[] {
  const step: Step = { kind: kindOf(type), nullable, place, items: [], length: 1 };
  if (typeof type === 'object' && type.type === 'array') return [{ ...step, items: stepsOver(type.items, false, -1) }];
  if (typeof type === 'string' || type.type !== 'record') return [step];
  const fields = stepsOf(type.fields, (name) => (name === 'id' ? place : -1));
  return [{ ...step, length: 1 + fields.length }, ...fields];
}

function kindOf(type: ValueType): Step['kind'] {
  const name = typeof type === 'string' ? type : type.type;
  if (name === 'long' || name === 'int') return 'number';
  return name === 'string' ? 'bytes' : name;
}

/** Steps over values from `at` on; returns where they end. */
function walk(steps: readonly Step[], bytes: Buffer, from: number, seen: (number | null)[]): number {
  let at = from;
  for (let index = 0; index < steps.length; ) {
    const step = steps[index]!;
    // A union leads with the number of its branch, and null is the first.
    if (step.nullable && bytes[at++] === 0) {
      index += step.length;
      continue;
    }
    index++;
    switch (step.kind) {
      case 'number':
        if (step.place >= 0) seen[step.place] = longAt(bytes, at);
        at = behindLong(bytes, at);
        break;
      case 'boolean':
        if (step.place >= 0) seen[step.place] = bytes[at]!;
        at++;
        break;
      case 'double':
        at += 8;
        break;
      case 'bytes':
        at = behindLong(bytes, at) + lengthAt(bytes, at);
        break;
      case 'array':
        at = walkItems(step.items, bytes, at, seen);
    }
  }
  if (at > bytes.length) throw new RangeError('the payload ends too soon');
  return at;
}

/** Blocks of items, each led by their number; one that is empty ends them. */
function walkItems(items: readonly Step[], bytes: Buffer, from: number, seen: (number | null)[]): number {
  let at = from;
  for (;;) {
    let left = longAt(bytes, at);
    at = behindLong(bytes, at);
    if (left === 0) return at;
    // A number below zero has the size of its block behind it.
    if (left < 0) at = behindLong(bytes, at) + lengthAt(bytes, at);
    for (; left > 0; left--) at = walk(items, bytes, at, seen);
  }
}

function lengthAt(bytes: Buffer, at: number): number {
  const length = longAt(bytes, at);
  // Backwards it would never end.
  if (length < 0) throw new RangeError('a length below zero');
  return length;
}
