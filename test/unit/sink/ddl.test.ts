// The SQL against the schema files themselves, read here once more: every member is a column of the right type, or left out by name.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { publishedSchema } from '../../../src/codec/schemas.ts';
import { postgresDdl } from '../../../src/sink/ddl.ts';
import { tableOf } from '../../../src/sink/tables.ts';
import { catalog, findStream } from '../../../src/streams/catalog.ts';
import { child, type StreamDefinition } from '../../../src/streams/definition.ts';
import { schemas } from '../../support/codec.ts';

type Avro = string | readonly Avro[] | { readonly type: string; readonly [property: string]: unknown };

interface AvroField {
  readonly name: string;
  readonly type: Avro;
  readonly doc?: string;
}

const fieldsOf = (name: string): readonly AvroField[] =>
  JSON.parse(readFileSync(new URL(`../../../avro/${name}.avsc`, import.meta.url), 'utf8')).fields;

/** What the connector makes of a field: column and type, or null where it drops it. */
function expectedColumns({ name, type }: AvroField): [string, string | null][] {
  const held = Array.isArray(type) ? type[1] : type;
  if (held.type === 'record') {
    return (held.fields as AvroField[]).flatMap((member) =>
      expectedColumns({ ...member, name: `${name}_${member.name}` }),
    );
  }
  return [[name, name === '_extra' ? 'jsonb' : expectedType(held)]];
}

function expectedType(type: Exclude<Avro, readonly Avro[]>): string | null {
  if (typeof type === 'string') return { long: 'bigint', string: 'text', boolean: 'boolean' }[type]!;
  if (type.type === 'array') {
    const items = type.items as Exclude<Avro, readonly Avro[]>;
    return typeof items === 'string' ? `${expectedType(items)}[]` : null;
  }
  return { 'timestamp-millis': 'timestamp(3)', date: 'date', decimal: 'numeric(24,6)' }[String(type.logicalType)]!;
}

const tables = catalog.map((stream) => tableOf(stream, schemas.get(stream.name)!, 'avro', catalog));
const sql = postgresDdl([{ schema: 'harvest', tables }]);

/** The block that creates a table, as written. */
const created = (name: string, text = sql) => text.split(`create table if not exists "harvest"."${name}" (\n`)[1]!;
const columnsOf = (name: string, text = sql) =>
  [
    ...created(name, text)
      .split('\n);')[0]!
      .matchAll(/^ {2}"(\w+)" (.+?),?$/gm),
  ].map(([, column, type]) => [column!, type!]);

const parentId = ({ parent, belongsTo }: StreamDefinition) =>
  parent ? [parent.field] : belongsTo ? [`${belongsTo.member}_id`] : [];

describe.each(catalog)('$name', (stream) => {
  const { name } = stream;
  const expected = fieldsOf(name).flatMap(expectedColumns);
  const stored = expected.filter(([, type]) => type !== null);

  test('has a column for every member of its schema, in its type, and names in its comment what it leaves out', () => {
    expect(columnsOf(name).sort()).toEqual(stored.sort());
    const leftOut = expected.filter(([, type]) => type === null).map(([column]) => column);
    const [, comment] = new RegExp(`comment on table "harvest"."${name}" is '(.+)';`).exec(sql)!;
    for (const column of leftOut) expect(comment).toContain(`Left out: ${column}, an array of records`);
    expect(tables.find((table) => table.name === name)!.leftOut).toEqual(leftOut);
  });

  test('has its key as primary key, and an index on the id of its parent and on its day', () => {
    const key = stream.key.map((field) => `"${field.name}"`).join(', ');
    expect(created(name)).toContain(`\n  primary key (${key})\n);`);
    const lookedUp = [...parentId(stream), ...(stream.dated ? [stream.dated] : [])];
    // The first column of the key has the key's own.
    for (const column of lookedUp.filter((each) => each !== stream.key[0]!.name)) {
      expect(sql).toContain(`create index if not exists "${name}_${column}_idx" on "harvest"."${name}" ("${column}");`);
    }
  });

  test('says about a column what the schema says about the member', () => {
    for (const { name: column, doc } of fieldsOf(name).filter(
      ({ doc, type }) => doc && !JSON.stringify(type).includes('"record"'),
    )) {
      expect(sql).toContain(`comment on column "harvest"."${name}"."${column}" is '${doc!.replaceAll("'", "''")}';`);
    }
  });
});

test('no name is longer than PostgreSQL keeps, and none stands twice', () => {
  const names = [...sql.matchAll(/create (?:table|index) if not exists (?:"harvest"\.)?"(\w+)"/g)].map(
    ([, name]) => name!,
  );
  expect(new Set(names).size).toBe(names.length);
  expect(names.filter((name) => name.length > 63)).toEqual([]);
  for (const { columns } of tables) expect(new Set(columns.map(({ name }) => name)).size).toBe(columns.length);
});

test('what one table leaves out is no column of another, since one connector drops it everywhere', () => {
  const leftOut = new Set(tables.flatMap((table) => table.leftOut));
  expect([...leftOut].sort()).toEqual(['line_items', 'recipients', 'task_assignments']);
  expect(tables.flatMap(({ columns }) => columns).filter(({ name }) => leftOut.has(name))).toEqual([]);
});

test.each([
  ['double', 'double precision'],
  ['string', 'text'],
] as const)('amounts that are published as %s are columns of type %s', (mode, type) => {
  const text = postgresDdl([
    {
      schema: 'harvest',
      tables: catalog.map((stream) =>
        tableOf(stream, publishedSchema(schemas.get(stream.name)!, mode), 'avro', catalog),
      ),
    },
  ]);
  expect(Object.fromEntries(columnsOf('time_entries', text))).toMatchObject({
    hours: type,
    user_assignment_budget: type,
  });
  expect(text).not.toContain('numeric');
});

test('with text keys every table has the key as text, and its id can still be looked up', () => {
  const text = postgresDdl([
    {
      schema: 'harvest',
      tables: catalog.map((stream) => tableOf(stream, schemas.get(stream.name)!, 'string', catalog)),
    },
  ]);
  for (const stream of catalog) expect(created(stream.name, text)).toContain('primary key ("_key")\n');
  expect(columnsOf('time_clients', text).slice(0, 5)).toEqual([
    ['_key', 'text'],
    ['from', 'date'],
    ['to', 'date'],
    ['client_id', 'bigint'],
    ['client_name', 'text'],
  ]);
  expect(text).toContain('create index if not exists "clients_id_idx" on "harvest"."clients" ("id");');
});

test('several accounts have a schema each, all in one transaction that can be run again', () => {
  const two = postgresDdl(['one', 'two'].map((schema) => ({ schema, tables: tables.slice(0, 1) })));
  expect(two.match(/^(begin|commit|create).*$/gm)).toEqual([
    'begin;',
    'create schema if not exists "one";',
    'create table if not exists "one"."company" (',
    'create schema if not exists "two";',
    'create table if not exists "two"."company" (',
    'commit;',
  ]);
});

test('what a table leaves out is where its comment says, when another stream has it in rows of its own', () => {
  const invoices = findStream('invoices')!;
  const lines = { ...child('lines', 'invoices', 'invoice_id', '', { permission: '' }), rows: 'line_items' };
  const { comment } = tableOf(invoices, schemas.get('invoices')!, 'avro', [invoices, lines]);
  expect(comment).toContain(
    'Left out: line_items, an array of records, which no column holds; the table lines has a row',
  );
});
