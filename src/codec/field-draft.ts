// The declaration of a member that the schema does not know yet, ready to be pasted into `avro/<stream>.avsc`: types by the
// rules that every sink takes. What those rules cannot hold stays in `_extra`.
import type { FieldDraft, JsonObject, Shape } from '../engine/ports.ts';
import { type FieldSchema, type RecordSchema, type ValueType, valueType } from './schemas.ts';
import { fitting, isItems, isMembers, isTelling, shapeOf } from './shape.ts';

const FIELD_NAME = /^_?[a-z][a-z0-9_]*$/;

const SCALARS: Readonly<Record<string, ValueType>> = {
  integer: 'long',
  decimal: { type: 'bytes', logicalType: 'decimal', precision: 24, scale: 6 },
  boolean: 'boolean',
  string: 'string',
  date: { type: 'int', logicalType: 'date' },
  datetime: { type: 'long', logicalType: 'timestamp-millis' },
};

/**
 * What stands at `path` in the samples, and its field. Null when the samples do not tell a type: they are all null or empty.
 * `avro` is null where no field can hold them.
 */
export function draftField(schema: RecordSchema, path: string, samples: readonly unknown[]): FieldDraft | null {
  const shape = samples.map((sample) => shapeOf(sample)).reduce(fitting, 'null');
  if (!isTelling(shape)) return null;
  const { record, name, isReference } = placeOf(schema, path);
  const isTaken = record.fields.some((field) => field.name === name);
  const declared = isTaken || !FIELD_NAME.test(name) ? null : new Drafting(schema, isReference).field(name, shape);
  return { shape, avro: declared as JsonObject | null, into: record.name };
}

interface Place {
  /** The record that lacks the member. */
  readonly record: RecordSchema;
  readonly name: string;
  /** It is an embedded reference, which holds no further records: they stay of depth one. */
  readonly isReference: boolean;
}

function placeOf(record: RecordSchema, path: string, isReference = false): Place {
  for (const field of record.fields) {
    const type = valueType(field.type);
    if (typeof type === 'string') continue;
    if (type.type === 'record' && path.startsWith(`${field.name}.`)) {
      return placeOf(type, path.slice(field.name.length + 1), true);
    }
    if (type.type === 'array' && path.startsWith(`${field.name}[].`)) {
      return placeOf(type.items as RecordSchema, path.slice(field.name.length + 3), isReference);
    }
  }
  return { record, name: path, isReference };
}

class Drafting {
  readonly #schema: RecordSchema;
  readonly #isReference: boolean;

  constructor(schema: RecordSchema, isReference: boolean) {
    this.#schema = schema;
    this.#isReference = isReference;
  }

  field(name: string, shape: Shape): FieldSchema | null {
    const type = this.#type(name, shape);
    return type === null ? null : { name, type: ['null', type], default: null };
  }

  #type(name: string, shape: Shape): ValueType | null {
    if (isItems(shape)) {
      const [item] = shape;
      if (item === undefined || isItems(item)) return null;
      const items = isMembers(item) ? this.#record(name.replace(/(?<=.)s$/, ''), item) : plainType(item);
      return items && { type: 'array', items };
    }
    return isMembers(shape) ? this.#record(name, shape) : plainType(shape);
  }

  /** Its plain members; records in it are left to `_extra` and get a notice of their own. */
  #record(name: string, members: { readonly [member: string]: Shape }): ValueType | null {
    if (this.#isReference) return null;
    const fields = Object.entries(members).flatMap(([member, shape]): FieldSchema[] => {
      const type = FIELD_NAME.test(member) ? plainType(shape) : null;
      return type === null ? [] : [{ name: member, type: ['null', type], default: null }];
    });
    return fields.length === 0 ? null : { type: 'record', name: this.#freeName(name), fields };
  }

  /** Names of records are unique in a schema. */
  #freeName(name: string): string {
    const pascal = name.replace(/(?:^|_)+([a-z0-9]?)/g, (_, letter: string) => letter.toUpperCase());
    const taken = new Set(recordNames(this.#schema));
    for (let number = 1; ; number++) {
      const free = number === 1 ? pascal : `${pascal}${number}`;
      if (!taken.has(free)) return free;
    }
  }
}

function plainType(shape: Shape): ValueType | null {
  if (typeof shape === 'string') return SCALARS[shape] ?? null;
  if (!isItems(shape) || shape[0] === undefined) return null;
  const items = typeof shape[0] === 'string' ? plainType(shape[0]) : null;
  return items && { type: 'array', items };
}

function recordNames(type: ValueType): string[] {
  if (typeof type === 'string') return [];
  if (type.type === 'array') return recordNames(type.items);
  if (type.type !== 'record') return [];
  return [type.name, ...type.fields.flatMap((field) => recordNames(valueType(field.type)))];
}
