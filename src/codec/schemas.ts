// The Avro schemas of the topics: `avro/<stream>.avsc` for values, derived from the catalog for keys. Knows their shape
// and how decimal handling rewrites them; leaves bytes to codec.ts and the registry to registry.ts.
import { readFile } from 'node:fs/promises';
import type { StreamDefinition } from '../streams/definition.ts';

/** How amounts, rates and hours are published, in Debezium's words. `precise` is bytes decimal(24,6). */
export type DecimalHandling = 'precise' | 'double' | 'string';

export interface RecordSchema {
  readonly type: 'record';
  readonly name: string;
  readonly namespace?: string;
  readonly doc?: string;
  readonly fields: readonly FieldSchema[];
}

export interface FieldSchema {
  readonly name: string;
  readonly type: ValueType | readonly ['null', ValueType];
  readonly default?: null;
  readonly doc?: string;
}

/** The type of a field: one of the few of Avro's that every sink takes. */
export type ValueType =
  | 'long'
  | 'string'
  | 'boolean'
  | 'double'
  | { readonly type: 'long'; readonly logicalType: 'timestamp-millis' }
  | { readonly type: 'int'; readonly logicalType: 'date' }
  | { readonly type: 'bytes'; readonly logicalType: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly type: 'array'; readonly items: ValueType }
  | RecordSchema;

/** Value schemas by stream, as checked in: decimals precise. */
export type ValueSchemas = ReadonlyMap<string, RecordSchema>;

/** The member of every value that keeps what the schema does not know (promise P7). */
export const EXTRA = '_extra';

/** Reads `<directory>/<stream>.avsc` of every stream. `directory` ends with a slash. */
export async function loadSchemas(directory: URL, streams: readonly StreamDefinition[]): Promise<ValueSchemas> {
  const schemas = await Promise.all(
    streams.map(async ({ name }): Promise<[string, RecordSchema]> => {
      const text = await readFile(new URL(`${name}.avsc`, directory), 'utf8');
      return [name, JSON.parse(text)];
    }),
  );
  return new Map(schemas);
}

/** The value schema as registered and written: decimals replaced as `mode` says. */
export function publishedSchema(schema: RecordSchema, mode: DecimalHandling): RecordSchema {
  if (mode === 'precise') return schema;
  return { ...schema, fields: schema.fields.map((field) => ({ ...field, type: publishedField(field.type, mode) })) };
}

function publishedField(type: FieldSchema['type'], mode: 'double' | 'string'): FieldSchema['type'] {
  return isNullable(type) ? ['null', publishedType(type[1], mode)] : publishedType(type, mode);
}

function publishedType(type: ValueType, mode: 'double' | 'string'): ValueType {
  if (typeof type === 'string') return type;
  if (type.type === 'bytes') return mode;
  if (type.type === 'record') return publishedSchema(type, mode);
  if (type.type === 'array') return { ...type, items: publishedType(type.items, mode) };
  return type;
}

/** The key schema of a stream: a record of its identity and nothing else. It never changes. */
export function keySchema(stream: StreamDefinition): RecordSchema {
  const fields = stream.key.map(({ name, type }): FieldSchema => {
    return { name, type: type === 'date' ? { type: 'int', logicalType: 'date' } : type };
  });
  return { type: 'record', name: 'Key', namespace: `harvest.${stream.name}`, fields };
}

/**
 * The type of each field of a record, by its path: `amount`, `client.name`, `line_items.kind` for a member of the records of an
 * array. A record's own type is `record`, an array's `array of …`. Also of schemas that are not ours.
 */
export function fieldTypes(schema: object, prefix = ''): ReadonlyMap<string, string> {
  const { fields } = schema as Partial<RecordSchema>;
  if (!Array.isArray(fields)) return new Map();
  return new Map(
    (fields as RecordSchema['fields']).flatMap(({ name, type }): [string, string][] => {
      const path = `${prefix}${name}`;
      const inner = recordIn(valueType(type));
      const below = inner === null ? [] : [...fieldTypes(inner, `${path}.`)];
      return [[path, typeName(valueType(type))], ...below];
    }),
  );
}

/** The record that a field holds, alone or many of them. */
function recordIn(type: ValueType | undefined): RecordSchema | null {
  if (typeof type !== 'object' || type === null) return null;
  if (type.type === 'array') return recordIn(type.items);
  return type.type === 'record' ? type : null;
}

function typeName(type: ValueType | undefined): string {
  if (typeof type !== 'object' || type === null) return String(type);
  if (type.type === 'array') return `array of ${typeName(type.items)}`;
  return 'logicalType' in type ? `${type.type} (${type.logicalType})` : type.type;
}

/** The type of a field without its null branch. */
export function valueType(type: FieldSchema['type']): ValueType {
  return isNullable(type) ? type[1] : type;
}

export function isNullable(type: FieldSchema['type']): type is readonly ['null', ValueType] {
  return Array.isArray(type);
}
