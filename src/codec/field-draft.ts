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
 * The shape of the samples of the member at `path`, and its field. Null when the samples do not tell a type: they are all null or empty.
 * `avro` is null where no field can hold them.
 */
export function draftField(schema: RecordSchema, path: string, samples: readonly unknown[]): FieldDraft | null {
  const shape = samples.map((sample) => shapeOf(sample)).reduce(fitting, 'null');
  if (!isTelling(shape)) return null;
  const { record, name, isReference } = missingMember(schema, path);
  const canBeField = FIELD_NAME.test(name) && record.fields.every((field) => field.name !== name);
  const type = canBeField ? typeOf(name, shape, schema, isReference) : null;
  return { shape, avro: type && (nullable(name, type) as unknown as JsonObject), into: record.name };
}

/** Where a member is missing: the record that lacks it, and whether that is an embedded reference, which holds no records. */
interface MissingMember {
  readonly record: RecordSchema;
  readonly name: string;
  readonly isReference: boolean;
}

function missingMember(record: RecordSchema, path: string, isReference = false): MissingMember {
  for (const field of record.fields) {
    const type = valueType(field.type);
    if (typeof type === 'string') continue;
    if (type.type === 'record' && path.startsWith(`${field.name}.`)) {
      return missingMember(type, path.slice(field.name.length + 1), true);
    }
    if (type.type === 'array' && path.startsWith(`${field.name}[].`)) {
      return missingMember(type.items as RecordSchema, path.slice(field.name.length + 3), isReference);
    }
  }
  return { record, name: path, isReference };
}

function nullable(name: string, type: ValueType): FieldSchema {
  return { name, type: ['null', type], default: null };
}

function typeOf(name: string, shape: Shape, schema: RecordSchema, isReference: boolean): ValueType | null {
  const record = (name: string, members: object) => (isReference ? null : recordType(name, members, schema));
  if (isMembers(shape)) return record(name, shape);
  if (!isItems(shape) || !shape[0] || !isMembers(shape[0])) return plainType(shape);
  const items = record(name.replace(/(?<=.)s$/, ''), shape[0]);
  return items && { type: 'array', items };
}

/** Its plain members; records in it are left to `_extra` and get a notice of their own. */
function recordType(name: string, members: object, schema: RecordSchema): ValueType | null {
  const fields = Object.entries(members).flatMap(([member, shape]) => {
    const type = FIELD_NAME.test(member) ? plainType(shape) : null;
    return type === null ? [] : [nullable(member, type)];
  });
  if (fields.length === 0) return null;
  const pascal = name.replace(/(?:^|_)+([a-z0-9]?)/g, (_, letter: string) => letter.toUpperCase());
  // Names of records are unique in a schema.
  const taken = new Set(recordNames(schema));
  let free = pascal;
  for (let number = 2; taken.has(free); number++) free = `${pascal}${number}`;
  return { type: 'record', name: free, fields };
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
