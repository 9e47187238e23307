// A member that the schema does not know, or whose type it does not take, is told with its types and a field to paste.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type FieldSchema, type RecordSchema, valueType } from '../../../src/codec/schemas.ts';
import { ConversionError, type JsonObject, type Shape } from '../../../src/engine/ports.ts';
import { schemaIds, schemas, streamNamed, testCodec } from '../../support/codec.ts';
import { contextOf, sampleOf } from '../../support/samples.ts';

const codec = testCodec();

describe('a shape', () => {
  test.each<[unknown, Shape]>([
    ['Ada', 'string'],
    ['', 'string'],
    ['2024-02-29', 'date'],
    ['2024-02-30', 'string'],
    ['2024-02-29T21:36:23Z', 'datetime'],
    ['2024-02-29T21:36:23.5+02:00', 'datetime'],
    ['8:00am', 'string'],
    [7, 'integer'],
    [-0, 'integer'],
    [7.5, 'decimal'],
    [1e20, 'decimal'],
    [false, 'boolean'],
    [null, 'null'],
    [[], []],
    [['a', 'b'], ['string']],
    [[1, 2.5], ['decimal']],
    [[1, null], ['mixed']],
    [[1, {}], ['mixed']],
    [[{ id: 1 }, { id: null, name: 'x' }], [{ id: 'integer', name: 'string' }]],
    [
      { id: 1, name: 'Ada', on: '2024-01-01', tags: ['x'], of: { id: 2 } },
      { id: 'integer', name: 'string', on: 'date', tags: ['string'], of: { id: 'integer' } },
    ],
    [Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`person ${index}`, 1])), 'object'],
    [JSON.parse('{"__proto__": 1}'), JSON.parse('{"__proto__": "integer"}')],
  ])('of %j is %j', (value, shape) => {
    expect(codec.shape(value)).toEqual(shape);
  });

  test('holds no value, however deep [P7]', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 12 })), fc.nat(8), (texts, depth) => {
        let value: unknown = texts;
        for (let level = 0; level < depth; level++) value = { member: [value] };
        const told = JSON.stringify(codec.shape(value));
        for (const text of texts) expect(told).not.toContain(JSON.stringify(text).slice(1, -1));
      }),
    );
  });
});

const DECIMAL = { type: 'bytes', logicalType: 'decimal', precision: 24, scale: 6 };

describe('a field to paste', () => {
  const draft = (stream: string, path: string, ...samples: unknown[]) =>
    codec.draft(streamNamed(stream), path, samples);
  const typeOf = (...samples: unknown[]) => {
    const field = draft('clients', 'vat_id', ...samples)!.avro as FieldSchema | null;
    if (field !== null) expect(field).toMatchObject({ name: 'vat_id', default: null });
    return field === null ? null : valueType(field.type);
  };

  test.each([
    ['integers are long', [1, null, 2], 'long'],
    ['one decimal among integers', [1, 2.5], DECIMAL],
    ['instants', ['2024-02-29T21:36:23Z'], { type: 'long', logicalType: 'timestamp-millis' }],
    ['days', ['2024-02-29', null], { type: 'int', logicalType: 'date' }],
    ['days and what is none are text', ['2024-02-29', ''], 'string'],
    ['text and numbers are text', ['7', 7], 'string'],
    ['flags', [true], 'boolean'],
    ['texts', [['a'], []], { type: 'array', items: 'string' }],
    ['what fits nothing', [true, 'yes'], null],
    ['arrays with null', [['a', null]], null],
    ['arrays of arrays', [[[1]]], null],
    [
      'an object is a record of plain fields; what is deeper is left out',
      [{ id: 1, geo: { lat: 1 }, note: null }],
      { type: 'record', name: 'VatId', fields: [{ name: 'id', type: ['null', 'long'], default: null }] },
    ],
    [
      'objects in an array',
      [[{ rate: 1.5 }]],
      {
        type: 'array',
        items: { type: 'record', name: 'VatId', fields: [{ name: 'rate', type: ['null', DECIMAL], default: null }] },
      },
    ],
    ['an object whose names no field can have', [{ 'a b': 1 }], null],
  ])('%s', (_, samples, type) => {
    expect(typeOf(...samples)).toEqual(type);
  });

  test.each([[null], [[]], [{}], [{ id: null }]])('waits while %j is all that was seen', (sample) => {
    expect(draft('clients', 'vat_id', sample)).toBeNull();
  });

  test('says which record it belongs in, and holds no record inside a reference', () => {
    expect(draft('time_entries', 'client.vat_id', 'x')).toMatchObject({ into: 'Client', avro: { name: 'vat_id' } });
    expect(draft('time_entries', 'client.region', { id: 1 })).toMatchObject({ into: 'Client', avro: null });
    expect(draft('invoices', 'line_items[].tax3', 1.5)).toMatchObject({ into: 'LineItem', avro: { name: 'tax3' } });
    expect(draft('invoices', 'line_items[].phase', { id: 1 })).toMatchObject({ into: 'LineItem' });
    expect(draft('invoices', 'line_items[].project.phase', { id: 1 })).toMatchObject({ avro: null });
  });

  test('takes no name that is taken or no name at all, and gives records one of their own', () => {
    expect(draft('company', 'id', 99)).toMatchObject({ into: 'Value', avro: null });
    expect(draft('clients', 'VAT id', 'x')).toMatchObject({ into: 'Value', avro: null });
    expect(draft('clients', '_extra', 'x')).toMatchObject({ avro: null });
    expect(draft('time_entries', 'clients', [{ id: 1 }])!.avro).toMatchObject({
      type: ['null', { items: { name: 'Client2' } }],
    });
  });

  test.each([
    ['clients', 'vat_id', 'ATU1', 'ATU1'],
    ['clients', 'discount', 12.25, '12.25'],
    ['clients', 'since', '2024-02-29', '2024-02-29'],
    ['clients', 'seen_at', '2024-02-29T21:36:23Z', '2024-02-29T21:36:23Z'],
    ['clients', 'region', { id: 7, name: 'West' }, { id: 7, name: 'West' }],
    ['clients', 'tags', ['a', 'b'], ['a', 'b']],
    ['clients', 'contacts', [{ id: 7, rate: 1.5 }], [{ id: 7, rate: '1.5' }]],
    ['time_entries', 'client.vat_id', 'ATU1', 'ATU1'],
    ['invoices', 'line_items[].tax3', 3.5, '3.5'],
    ['invoices', 'line_items[].phase', { id: 7 }, { id: 7 }],
  ])('pasted into the schema of %s, %s moves from _extra into it [P7]', async (name, path, value, expected) => {
    const stream = streamNamed(name);
    const record = withMember(sampleOf(name).record, path, value);
    const before = codec.encode(stream, record, contextOf(stream));
    expect(before.unknown).toEqual([{ path, value }]);

    const { avro, into } = codec.draft(stream, path, [value])!;
    const pasted = paste(schemas.get(name)!, into, avro as unknown as FieldSchema);
    const wiser = testCodec({
      schemas: new Map([...schemas, [name, pasted]]),
      ids: new Map([[name, { key: schemaIds.get(name)!.key, value: 2 }]]),
      writerSchema: async () => schemas.get(name)!,
    });
    const after = wiser.encode(stream, record, contextOf(stream));
    expect(after.unknown).toEqual([]);
    const decoded = (await wiser.decode(stream, after.value))!;
    expect(decoded._extra).toBeNull();
    expect(memberAt(decoded, path)).toEqual(expected);
    // A value of the older schema is still read, and is another version: the record is published again.
    expect(await wiser.restore(stream, before.key, before.value)).toMatchObject({ id: before.id, group: before.group });
    expect((await wiser.restore(stream, before.key, before.value)).hash).not.toBe(after.hash);
  });
});

/** The record with a member at a path such as `client.vat_id` or `line_items[].tax3` (of the first item). */
function withMember(record: JsonObject, path: string, value: unknown): JsonObject {
  const copy = structuredClone(record);
  const parents = path.split('.');
  const name = parents.pop()!;
  let place = copy as Record<string, unknown>;
  for (const parent of parents) place = step(place, parent);
  place[name] = value;
  return copy;
}

function memberAt(record: JsonObject, path: string): unknown {
  const parents = path.split('.');
  const name = parents.pop()!;
  return parents.reduce((place, parent) => step(place, parent), record as Record<string, unknown>)[name];
}

function step(place: Record<string, unknown>, parent: string): Record<string, unknown> {
  const member = place[parent.replace('[]', '')];
  return (Array.isArray(member) ? member[0] : member) as Record<string, unknown>;
}

/** Does what a person does with the notice: the field goes last into the record that it names. */
function paste(schema: RecordSchema, into: string, field: FieldSchema): RecordSchema {
  return JSON.parse(JSON.stringify(schema), (_, part) => {
    if (part?.type !== 'record' || part.name !== into) return part;
    const at = part.fields.findIndex(({ name }: FieldSchema) => name === '_extra');
    part.fields.splice(at === -1 ? part.fields.length : at, 0, field);
    return part;
  }) as RecordSchema;
}

describe('a refusal', () => {
  test.each<[JsonObject, string, Shape]>([
    [{ id: 1, is_locked: 'true' }, 'is_locked', 'string'],
    [{ id: 1, user: [{ id: 1 }] }, 'user', [{ id: 'integer' }]],
    [{ id: 1, spent_date: '2024-02-29T21:36:23Z' }, 'spent_date', 'datetime'],
    [{ id: 7.5 }, 'id', 'decimal'],
    [{ id: null }, 'id', 'null'],
  ])('of %j says what was expected and which type was found', (record, field, found) => {
    const stream = streamNamed('time_entries');
    let refusal: unknown;
    try {
      codec.encode(stream, record, contextOf(stream));
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(ConversionError);
    expect(refusal).toMatchObject({ field, mismatch: { expected: expect.any(String) } });
    expect((refusal as ConversionError).mismatch!.found).toEqual(found);
  });
});

describe('fields that were null', () => {
  test('are told once, by their path, and the ticking of a timer is none', () => {
    const stream = streamNamed('time_entries');
    const entry = sampleOf('time_entries').record;
    codec.takeNulls(stream);
    codec.encode(stream, entry, contextOf(stream));
    const usual = codec.takeNulls(stream);
    expect(codec.takeNulls(stream)).toEqual([]);
    const client = { ...(entry.client as JsonObject), currency: null };
    codec.encode(stream, { ...entry, is_running: true, notes: null, client }, contextOf(stream));
    codec.encode(stream, entry, contextOf(stream));
    const more = codec.takeNulls(stream).filter((path) => !usual.includes(path));
    expect(more.sort()).toEqual(['client.currency', 'notes']);
  });
});
