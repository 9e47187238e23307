// Tables as PostgreSQL creates them. Whatever is there already stays as it is, so that the text can be run again at any time.
import type { Column, Table } from './tables.ts';

/** The tables of one account. */
export interface SchemaOfTables {
  /** The schema that holds them; made when absent. */
  readonly schema: string;
  readonly tables: readonly Table[];
}

/** SQL that makes schemas, tables, indexes and comments in one transaction. */
export function postgresDdl(accounts: readonly SchemaOfTables[]): string {
  return [
    HEAD,
    'begin;',
    'set local client_min_messages = warning;',
    ...accounts.flatMap(({ schema, tables }) => [
      `\ncreate schema if not exists ${quoted(schema)};`,
      ...tables.map((table) => `\n${statements(schema, table).join('\n')}`),
    ]),
    '\ncommit;\n',
  ].join('\n');
}

const HEAD = [
  '-- Tables for the topics of harvest-kafka, made by: harvest-kafka sink ddl',
  '-- Times are in UTC. What exists is left as it is: the text can be run again, and should be before the connector starts.',
  '-- There are no foreign keys: a record may come before the one it refers to.',
].join('\n');

function statements(schema: string, table: Table): string[] {
  const name = `${quoted(schema)}.${quoted(table.name)}`;
  const lines = [
    ...table.columns.map((column) => `  ${quoted(column.name)} ${column.type}`),
    `  primary key (${table.primaryKey.map(quoted).join(', ')})`,
  ];
  return [
    `create table if not exists ${name} (\n${lines.join(',\n')}\n);`,
    ...table.indexed.map((column) => {
      return `create index if not exists ${quoted(`${table.name}_${column}_idx`)} on ${name} (${quoted(column)});`;
    }),
    `comment on table ${name} is ${literal(table.comment)};`,
    ...table.columns.filter(hasComment).map(({ name: column, comment }) => {
      return `comment on column ${name}.${quoted(column)} is ${literal(comment)};`;
    }),
  ];
}

function hasComment(column: Column): column is Column & { readonly comment: string } {
  return column.comment !== null;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
