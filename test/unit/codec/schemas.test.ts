import { readdirSync } from 'node:fs';
import avro from 'avsc';
import { describe, expect, test } from 'vitest';
import {
  type FieldSchema,
  isNullable,
  keySchema,
  publishedSchema,
  type RecordSchema,
  type ValueType,
  valueType,
} from '../../../src/codec/schemas.ts';
import { catalog } from '../../../src/streams/catalog.ts';
import { schemas } from '../../support/codec.ts';
import { documentedFields } from '../../support/harvest-fields.ts';
import { givenFields, sampleOf } from '../../support/samples.ts';

interface Placed {
  readonly path: string;
  readonly field: FieldSchema;
}

/** Every field of a schema, parents before members. */
function placed(schema: RecordSchema, prefix = ''): Placed[] {
  return schema.fields.flatMap((field) => {
    const path = prefix + field.name;
    return [{ path, field }, ...membersOf(valueType(field.type), path)];
  });
}

function membersOf(type: ValueType, path: string): Placed[] {
  if (typeof type === 'string') return [];
  if (type.type === 'record') return placed(type, `${path}.`);
  return type.type === 'array' ? membersOf(type.items, `${path}[]`) : [];
}

/** The Avro type in Harvest's words. */
function documentedType(type: ValueType): string {
  if (typeof type === 'string')
    return { long: 'integer', string: 'string', boolean: 'boolean', double: 'decimal' }[type];
  if (type.type === 'record') return 'object';
  if (type.type === 'array') return `array of ${documentedType(type.items)}`;
  return { bytes: 'decimal', int: 'date', long: 'datetime' }[type.type];
}

const names = catalog.map(({ name }) => name);

test('catalog, schemas, samples and documentation name the same 32 streams, and the four derived from them', () => {
  const files = (directory: string) =>
    readdirSync(new URL(`../../../${directory}`, import.meta.url)).map((file) => file.replace(/\.\w+$/, ''));
  expect(catalog.filter(({ kind }) => kind !== 'derived')).toHaveLength(32);
  expect(catalog.filter(({ kind }) => kind === 'derived')).toHaveLength(4);
  expect(files('avro').sort()).toEqual([...names].sort());
  expect(files('test/samples').sort()).toEqual([...names].sort());
  expect(Object.keys(documentedFields).sort()).toEqual([...names].sort());
});

describe.each(catalog)('$name', (stream) => {
  const schema = schemas.get(stream.name)!;
  const fields = placed(schema);
  const documented = documentedFields[stream.name]!;

  test('its schema types every documented field, what we add, and nothing else [P7]', () => {
    const typed = fields.map(({ path, field }) => [path, documentedType(valueType(field.type))]);
    const given = Object.entries(givenFields(stream)).map(([name, value]) => [
      name,
      typeof value === 'number' ? 'integer' : 'date',
    ]);
    const expected = documented.map(({ path, type }) => [path, type === 'time' ? 'string' : type]);
    expect(typed.sort()).toEqual([...expected, ...given, ['_extra', 'string']].sort());
  });

  test('its sample shows every documented field in its type', () => {
    const shown = new Map<string, string>();
    const look = (value: unknown, path: string): void => {
      if (Array.isArray(value)) {
        for (const item of value) look(item, `${path}[]`);
      } else if (typeof value === 'object' && value !== null) {
        for (const [name, member] of Object.entries(value)) look(member, path === '' ? name : `${path}.${name}`);
      }
      if (value !== null && !path.endsWith('[]')) shown.set(path, Array.isArray(value) ? 'array' : typeof value);
    };
    const sample = sampleOf(stream.name);
    look(sample.record, '');
    shown.delete('');
    const kinds = { integer: 'number', decimal: 'number', boolean: 'boolean', object: 'object' } as Record<
      string,
      string
    >;
    const expected = documented.map(({ path, type }) => [
      path,
      type.startsWith('array') ? 'array' : (kinds[type] ?? 'string'),
    ]);
    expect([...shown].sort()).toEqual(expected.sort());
    expect(sample.list).toBe(stream.rows);
    expect(sample.parent !== undefined).toBe(stream.parent !== null);
  });

  test('keys are plain, everything else is nullable with the default null', () => {
    const plain = stream.key.map(({ name }) => name).filter((name) => name !== 'currency');
    for (const { path, field } of fields) {
      expect([path, isNullable(field.type)]).toEqual([path, !plain.includes(path)]);
      expect([path, field.default]).toEqual([path, plain.includes(path) ? undefined : null]);
    }
    expect(schema.fields.slice(0, plain.length).map(({ name }) => name)).toEqual(plain);
    if (stream.parent) expect(schema.fields.slice(0, 2).map(({ name }) => name)).toContain(stream.parent.field);
    expect(schema.fields.at(-1)!.name).toBe('_extra');
  });

  test('it holds only what every sink takes', () => {
    const text = JSON.stringify(schema);
    expect(text).not.toMatch(/"(enum|map|fixed|int|float)"(?!,"logicalType":"date")/);
    const records = [...text.matchAll(/"type":"record","name":"(\w+)"/g)].map((match) => match[1]);
    expect(new Set(records).size).toBe(records.length);
    for (const { field } of fields) expect(field.name).toMatch(/^_?[a-z][a-z0-9_]*$/);
    expect(() => avro.Type.forSchema(schema as avro.Schema, { wrapUnions: 'never' })).not.toThrow();
    expect(schema.name).toBe('Value');
    expect(schema.namespace).toBe(`harvest.${stream.name}`);
  });

  test('its columns keep their names apart when nested records are flattened', () => {
    const columns = fields
      .filter(({ path, field }) => !path.includes('[]') && documentedType(valueType(field.type)) !== 'object')
      .map(({ path }) => path.replaceAll('.', '_'));
    expect(new Set(columns).size).toBe(columns.length);
  });

  test('no column needs quotes in SQL, but for the window that the contract names', () => {
    const columns = fields.filter(
      ({ path, field }) => !/[.[]/.test(path) && documentedType(valueType(field.type)) !== 'object',
    );
    const reserved = columns.map(({ path }) => path).filter((path) => SQL_RESERVED.has(path));
    expect(reserved).toEqual(stream.kind === 'report' ? ['from', 'to'] : []);
  });

  test('its key schema is its identity', () => {
    const key = keySchema(stream);
    expect(key.fields.map(({ name }) => name)).toEqual(stream.key.map(({ name }) => name));
    expect(key.fields.every(({ type }) => !isNullable(type))).toBe(true);
    expect(() => avro.Type.forSchema(key as avro.Schema)).not.toThrow();
  });

  test.each(['double', 'string'] as const)('as %s every decimal and nothing else changes its type', (mode) => {
    const published = placed(publishedSchema(schema, mode));
    for (const [index, { path, field }] of published.entries()) {
      const before = valueType(fields[index]!.field.type);
      if (documentedType(before) === 'decimal') {
        expect([path, field.type]).toEqual([path, ['null', mode]]);
      } else if (typeof before === 'string') {
        expect([path, field.type]).toEqual([path, fields[index]!.field.type]);
      }
    }
    expect(JSON.stringify(publishedSchema(schema, mode))).not.toContain('bytes');
  });
});

/** Reserved in PostgreSQL, which has the longest list of the sinks' databases. */
const SQL_RESERVED = new Set(
  `all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create current_date
  current_role current_time current_timestamp current_user default deferrable desc distinct do else end except false fetch
  for foreign from grant group having in initially intersect into lateral leading limit localtime localtimestamp not null
  offset on only or order placing primary references returning select session_user some symmetric system_user table then to
  trailing true union unique user using variadic when where window with`.split(/\s+/),
);
