// What a stream looks like as a table: the columns that a Connect sink writes when it flattens the records of its topic. Knows
// no dialect's syntax beyond the names of types; text of SQL is ddl.ts.
import type { KeyFormat } from '../codec/keys.ts';
import { EXTRA, type FieldSchema, keySchema, type RecordSchema, type ValueType, valueType } from '../codec/schemas.ts';
import type { StreamDefinition } from '../streams/definition.ts';

export interface Column {
  readonly name: string;
  /** As PostgreSQL writes it: `bigint`, `numeric(24,6)`, `text[]`. */
  readonly type: string;
  readonly comment: string | null;
}

export interface Table {
  /** The stream's name. */
  readonly name: string;
  readonly comment: string;
  /** Key columns first. */
  readonly columns: readonly Column[];
  readonly primaryKey: readonly string[];
  /** Columns with an index of their own: references to other records, and days. */
  readonly indexed: readonly string[];
  /** Columns that the connector drops, because no sink can store them. */
  readonly leftOut: readonly string[];
}

/** What the connector puts between the names of a nested record and its member: `client_id`. */
export const DELIMITER = '_';

/** The column that holds a key of the format `string`, which has no parts that a sink could take apart. */
export const TEXT_KEY = '_key';

/** The table of a stream whose values have this schema. `others` are the streams that have tables too. */
export function tableOf(
  stream: StreamDefinition,
  schema: RecordSchema,
  keyFormat: KeyFormat,
  others: readonly StreamDefinition[],
): Table {
  const { columns: members, leftOut } = flattened(schema);
  const key = keyColumns(stream, keyFormat).map((column) => {
    return { ...column, comment: members.find(({ name }) => name === column.name)?.comment ?? column.comment };
  });
  const primaryKey = key.map(({ name }) => name);
  const columns = [...key, ...members.filter(({ name }) => !primaryKey.includes(name))];
  return {
    name: stream.name,
    comment: [schema.doc, ...leftOut.map((name) => whyLeftOut(stream, name, others))].filter(Boolean).join(' '),
    columns,
    primaryKey,
    indexed: columns.filter((column) => isLookedUp(column, primaryKey)).map(({ name }) => name),
    leftOut,
  };
}

function keyColumns(stream: StreamDefinition, keyFormat: KeyFormat): readonly Column[] {
  if (keyFormat === 'string') return [{ name: TEXT_KEY, type: 'text', comment: 'The key of the record as text.' }];
  return flattened(keySchema(stream)).columns;
}

interface Flattened {
  readonly columns: readonly Column[];
  readonly leftOut: readonly string[];
}

function flattened(schema: RecordSchema): Flattened {
  const parts = schema.fields.map((field) => flattenedField(field));
  return { columns: parts.flatMap(({ columns }) => columns), leftOut: parts.flatMap(({ leftOut }) => leftOut) };
}

function flattenedField({ name, type, doc }: FieldSchema): Flattened {
  const held = valueType(type);
  if (typeof held === 'object' && held.type === 'record') {
    const { columns, leftOut } = flattened(held);
    return {
      columns: columns.map((column) => ({
        ...column,
        name: name + DELIMITER + column.name,
        comment: column.comment ?? doc ?? null,
      })),
      leftOut: leftOut.map((member) => name + DELIMITER + member),
    };
  }
  const sqlType = name === EXTRA ? 'jsonb' : columnType(held);
  if (sqlType === null) return { columns: [], leftOut: [name] };
  return { columns: [{ name, type: sqlType, comment: doc ?? null }], leftOut: [] };
}

/** Null for arrays of records, which are no value of a column. */
function columnType(type: ValueType): string | null {
  if (typeof type === 'string') return PLAIN[type];
  switch (type.type) {
    case 'long':
      return 'timestamp(3)';
    case 'int':
      return 'date';
    case 'bytes':
      return `numeric(${type.precision},${type.scale})`;
    case 'array': {
      const isOfRecords = typeof type.items === 'object' && type.items.type === 'record';
      return isOfRecords ? null : `${columnType(type.items)}[]`;
    }
    case 'record':
      return null;
  }
}

const PLAIN = { long: 'bigint', string: 'text', boolean: 'boolean', double: 'double precision' } as const;

/** References and days are what people join and filter by. A primary key has an index already, by its first column. */
function isLookedUp({ name, type }: Column, primaryKey: readonly string[]): boolean {
  if (name === primaryKey[0]) return false;
  const isReference = type === 'bigint' && (name === 'id' || name.endsWith('_id'));
  return isReference || (type === 'date' && !primaryKey.includes(name));
}

function whyLeftOut({ name: parent }: StreamDefinition, member: string, others: readonly StreamDefinition[]): string {
  const own = others.find((other) => other.parent?.stream === parent && other.rows === member);
  const instead = own === undefined ? '' : `; the table ${own.name} has a row for each`;
  return `Left out: ${member}, an array of records, which no column holds${instead}.`;
}
