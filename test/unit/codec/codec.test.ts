import avro from 'avsc';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { publishedSchema } from '../../../src/codec/schemas.ts';
import { ConversionError, type Encoded, type JsonObject } from '../../../src/engine/ports.ts';
import { catalog } from '../../../src/streams/catalog.ts';
import type { StreamDefinition } from '../../../src/streams/definition.ts';
import { schemaIds, schemas, streamNamed, testCodec } from '../../support/codec.ts';
import { documentedFields } from '../../support/harvest-fields.ts';
import { anyRecord, asDecoded } from '../../support/records.ts';
import { runs } from '../../support/runs.ts';
import { ACCOUNT_ID, contextOf, givenFields, sampleOf, WINDOW } from '../../support/samples.ts';

const codec = testCodec();
const timeEntries = streamNamed('time_entries');

function encode(name: string, record: JsonObject): Encoded {
  const stream = streamNamed(name);
  return codec.encode(stream, record, contextOf(stream));
}

async function decoded(name: string, record: JsonObject): Promise<JsonObject> {
  return (await codec.decode(streamNamed(name), encode(name, record).value))!;
}

/** The field a record is refused for, and what is said about it. */
function refused(name: string, record: JsonObject): [field: string, message: string] {
  try {
    encode(name, record);
  } catch (error) {
    if (error instanceof ConversionError) return [error.field, error.message];
    throw error;
  }
  throw new Error('the record was not refused');
}

function withSample(name: string, change: JsonObject): JsonObject {
  return { ...sampleOf(name).record, ...change };
}

/** The members that identify a record inside its own stream. */
function identity(stream: StreamDefinition): string[] {
  return stream.key.filter(({ type }) => type === 'long').map(({ name }) => name);
}

describe.each(catalog)('$name', (stream) => {
  const fields = documentedFields[stream.name]!;
  const type = avro.Type.forSchema(schemas.get(stream.name) as avro.Schema, { wrapUnions: 'never' });
  const { value: schemaId } = schemaIds.get(stream.name)!;

  test('the recorded sample comes back field by field [P1]', async () => {
    const { record } = sampleOf(stream.name);
    const encoded = encode(stream.name, record);
    const expected = { ...asDecoded(fields, record), ...givenFields(stream), _extra: null };
    expect(await codec.decode(stream, encoded.value)).toEqual(expected);
    expect(encoded.unknown).toEqual([]);
    expect(encoded.updatedAt).toBe(typeof record.updated_at === 'string' ? Date.parse(record.updated_at) : null);
  });

  test('any record comes back, in bytes that avsc would write, whatever the order of its members', async () => {
    await fc.assert(
      fc.asyncProperty(anyRecord(fields, identity(stream)), async (record) => {
        const { value, hash } = encode(stream.name, record);
        expect(value.readUInt8(0)).toBe(0);
        expect(value.readInt32BE(1)).toBe(schemaId);
        const payload = value.subarray(5);
        expect(type.toBuffer(type.fromBuffer(payload)).equals(payload)).toBe(true);
        const expected = { ...asDecoded(fields, record), ...givenFields(stream), _extra: null };
        expect(await codec.decode(stream, value)).toEqual(expected);
        const reversed = Object.fromEntries(Object.entries(record).reverse());
        expect(encode(stream.name, reversed)).toMatchObject({ hash, value });
      }),
      runs(60),
    );
  });

  test.each(['double', 'string'] as const)('decimals as %s say the same', async (mode) => {
    const other = testCodec({ decimalHandling: mode });
    const { record } = sampleOf(stream.name);
    const { value } = other.encode(stream, record, contextOf(stream));
    expect(await other.decode(stream, value)).toEqual(await decoded(stream.name, record));
    const published = publishedSchema(schemas.get(stream.name)!, mode);
    const read = avro.Type.forSchema(published as avro.Schema, { wrapUnions: 'never' }).fromBuffer(value.subarray(5));
    for (const { path, type } of fields) {
      if (type === 'decimal' && !path.includes('.'))
        expect(typeof read[path]).toBe(mode === 'double' ? 'number' : mode);
    }
  });

  test('its key names the row, in Avro and as text', () => {
    const { id, key } = encode(stream.name, sampleOf(stream.name).record);
    expect(codec.key(stream, id).equals(key)).toBe(true);
    expect(codec.rowId(stream, key)).toBe(id);
    expect(key.readInt32BE(1)).toBe(schemaIds.get(stream.name)!.key);
    const text = testCodec({ keyFormat: 'string' });
    expect(text.key(stream, id).toString()).toBe(String(id));
    expect(text.rowId(stream, text.key(stream, id))).toBe(id);
  });
});

describe('identity', () => {
  test('a company is its account, a report row its window, dimension and currency', () => {
    expect(encode('company', sampleOf('company').record).id).toBe(ACCOUNT_ID);
    expect(encode('time_clients', sampleOf('time_clients').record).id).toBe('2024-11-01|2024-11-30|5735776|EUR');
    expect(encode('project_budget', sampleOf('project_budget').record).id).toBe(14307913);
  });

  test('a currency that Harvest hides is empty in the key and null in the value', async () => {
    for (const record of [withSample('time_clients', { currency: null }), { client_id: 5735776 }]) {
      const { id, key } = encode('time_clients', record);
      expect(id).toBe('2024-11-01|2024-11-30|5735776|');
      expect(codec.rowId(streamNamed('time_clients'), key)).toBe(id);
      expect((await decoded('time_clients', record)).currency).toBeNull();
    }
  });

  test('the key of a report is what a consumer of its schema expects', () => {
    const { key } = encode('time_clients', sampleOf('time_clients').record);
    const type = avro.Type.forSchema({
      type: 'record',
      name: 'Key',
      fields: [
        { name: 'from', type: 'int' },
        { name: 'to', type: 'int' },
        { name: 'client_id', type: 'long' },
        { name: 'currency', type: 'string' },
      ],
    });
    const days = [WINDOW.from, WINDOW.to].map((day) => Date.parse(day) / 86_400_000);
    expect({ ...type.fromBuffer(key.subarray(5)) }).toEqual({
      from: days[0],
      to: days[1],
      client_id: 5735776,
      currency: 'EUR',
    });
  });

  test('rows are grouped by the record they belong to, and dated', () => {
    expect(encode('invoice_payments', sampleOf('invoice_payments').record).group).toBe(13150453);
    expect(encode('time_entries', withSample('time_entries', { spent_date: '1970-01-31' })).day).toBe(30);
    expect(encode('time_entries', withSample('time_entries', { project: { id: 7 } })).group).toBe(7);
    expect(encode('estimates', withSample('estimates', { issue_date: null })).day).toBeNull();
    expect(encode('clients', sampleOf('clients').record).group).toBeNull();
  });

  test('a key of another schema id is refused before it becomes a second row', () => {
    const { key } = encode('clients', sampleOf('clients').record);
    const moved = testCodec({ ids: new Map([['clients', { key: 999, value: 1000 }]]) });
    const refusal = expect.objectContaining({ code: 'registry.key_schema_changed', stream: 'clients' });
    expect(() => moved.rowId(streamNamed('clients'), key)).toThrow(refusal);
    expect(() => testCodec({ keyFormat: 'string' }).rowId(streamNamed('clients'), key)).toThrow(refusal);
    expect(() => testCodec({ keyFormat: 'string' }).rowId(streamNamed('clients'), Buffer.from('x1'))).toThrow(refusal);
    expect(() => codec.rowId(streamNamed('clients'), Buffer.from('5735776'))).toThrow(refusal);
  });
});

describe('tolerance', () => {
  test('a number stands for a text, a text of digits for a decimal, 100.0 for an integer', async () => {
    const record = JSON.parse('{"id": 100.0, "hours": "2.50", "external_reference": {"id": 77}}');
    expect(await decoded('time_entries', record)).toMatchObject({
      id: 100,
      hours: '2.5',
      external_reference: { id: '77' },
    });
  });

  test('lone surrogates become the replacement character', async () => {
    const long = 'x'.repeat(60);
    for (const [text, expected] of [
      ['a\ud800b', 'a\ufffdb'],
      [`${long}\udc00`, `${long}\ufffd`],
      ['😀', '😀'],
    ]) {
      expect((await decoded('time_entries', { id: 1, notes: text })).notes).toBe(expected);
    }
  });

  test('texts of every length and script survive', async () => {
    for (const text of [
      '',
      'é',
      'x'.repeat(48),
      'é'.repeat(48),
      'x'.repeat(49),
      '漢'.repeat(70),
      'y'.repeat(3_000_000),
    ]) {
      expect((await decoded('time_entries', { id: 1, notes: text })).notes === text).toBe(true);
    }
  });

  test.each([
    [{}, 'id', 'id: expected a value, found nothing'],
    [{ id: null }, 'id', 'id: expected a value, found null'],
    [{ id: '7' }, 'id', 'id: expected an integer below 2^53, found string'],
    [{ id: 7.5 }, 'id', 'id: expected an integer below 2^53, found number'],
    [{ id: 2 ** 53 }, 'id', 'id: expected an integer below 2^53, found number'],
    [{ id: 1, is_locked: 'true' }, 'is_locked', 'is_locked: expected a boolean, found string'],
    [{ id: 1, is_locked: 1 }, 'is_locked', 'is_locked: expected a boolean, found number'],
    [{ id: 1, notes: true }, 'notes', 'notes: expected a string, found boolean'],
    [{ id: 1, notes: {} }, 'notes', 'notes: expected a string, found object'],
    [{ id: 1, spent_date: '2024-02-30' }, 'spent_date', 'spent_date: expected a date YYYY-MM-DD, found string'],
    [{ id: 1, updated_at: '2024-01-01' }, 'updated_at', 'updated_at: expected a datetime with its zone, found string'],
    [{ id: 1, updated_at: 1700000000 }, 'updated_at', 'updated_at: expected a datetime with its zone, found number'],
    [
      { id: 1, hours: Number.NaN },
      'hours',
      'hours: expected a decimal of at most 18 digits before the point, found number',
    ],
    [
      { id: 1, hours: 'secret' },
      'hours',
      'hours: expected a decimal of at most 18 digits before the point, found string',
    ],
    [{ id: 1, hours: true }, 'hours', 'hours: expected a decimal, found boolean'],
    [{ id: 1, user: 'Ada' }, 'user', 'user: expected an object, found string'],
    [{ id: 1, user: [] }, 'user', 'user: expected an object, found array'],
    [{ id: 1, user: { id: 'x' } }, 'user.id', 'user.id: expected an integer below 2^53, found string'],
  ])('a time entry %j is refused for its %s', (record, field, message) => {
    expect(refused('time_entries', record)).toEqual([field, message]);
  });

  test('arrays are refused by what they hold', () => {
    expect(refused('users', { id: 1, roles: 'Design' })[0]).toBe('roles');
    expect(refused('users', { id: 1, roles: [null] })[0]).toBe('roles[]');
    expect(refused('invoices', { id: 1, line_items: [{}, { amount: [] }] })[0]).toBe('line_items[].amount');
  });

  test('a record that was refused leaves no trace in the next one', () => {
    const { record } = sampleOf('time_entries');
    const before = encode('time_entries', record);
    refused('time_entries', { ...record, updated_at: 'never' });
    expect(encode('time_entries', record)).toEqual(before);
  });

  test('buffers stay valid while many more records are written', () => {
    const { record } = sampleOf('time_entries');
    const first = encode('time_entries', record);
    const copy = Buffer.from(first.value);
    for (let id = 0; id < 10_000; id++) encode('time_entries', { ...record, id });
    expect(first.value.equals(copy)).toBe(true);
  });
});

describe('a member that the schema does not know [P7]', () => {
  const anyName = fc.oneof(fc.constantFrom('__proto__', 'constructor', '0', '10', '9', '_extra', 'id2'), fc.string());
  const anyUnknown = fc
    .dictionary(anyName, fc.jsonValue(), { minKeys: 1, maxKeys: 5, noNullPrototype: true })
    .map((members) => JSON.parse(JSON.stringify(members)) as JsonObject);

  test('travels in _extra and comes back as it was [P7]', async () => {
    const known = new Set(documentedFields.time_entries!.map(({ path }) => path));
    await fc.assert(
      fc.asyncProperty(anyUnknown, async (unknown) => {
        fc.pre(!Object.keys(unknown).some((name) => known.has(name)));
        const record = JSON.parse(`{"id":1,${JSON.stringify(unknown).slice(1)}`);
        const encoded = encode('time_entries', record);
        const extra = (await codec.decode(timeEntries, encoded.value))!._extra as string;
        expect(JSON.parse(extra)).toEqual(unknown);
        expect(encoded.unknown.map(({ path }) => path).sort()).toEqual(Object.keys(unknown).sort());
        const reversed = Object.fromEntries(Object.entries(record).reverse());
        expect(encode('time_entries', reversed).hash).toBe(encoded.hash);
      }),
      runs(500),
    );
  });

  test('is nested as in the record, with the places of array elements', async () => {
    const record = {
      id: 1,
      new_flag: false,
      client: { id: 2, region: { z: 1, a: [{ d: 1, b: 2 }] } },
      line_items: [{ id: 3 }, { id: 4, tax3: 1, project: { id: 5, phase: null } }, { tax3: 2 }],
    };
    const encoded = encode('invoices', record);
    expect((await decoded('invoices', record))._extra).toBe(
      '{"client":{"region":{"a":[{"b":2,"d":1}],"z":1}},"line_items":{"1":{"project":{"phase":null},"tax3":1},"2":{"tax3":2}},"new_flag":false}',
    );
    expect(encoded.unknown).toEqual([
      { path: 'client.region', value: record.client.region },
      { path: 'line_items[].project.phase', value: null },
      { path: 'line_items[].tax3', value: 1 },
      { path: 'new_flag', value: false },
    ]);
  });

  test('includes members named like the fields that we add', async () => {
    const company = withSample('company', { id: 99 });
    expect(await decoded('company', company)).toMatchObject({ id: ACCOUNT_ID, _extra: '{"id":99}' });
    expect(encode('company', company).unknown).toEqual([{ path: 'id', value: 99 }]);
    const message = withSample('invoice_messages', { invoice_id: 5 });
    expect(await decoded('invoice_messages', message)).toMatchObject({
      invoice_id: 13150453,
      _extra: '{"invoice_id":5}',
    });
  });

  test('includes the literal of a decimal that had to be rounded, which is counted', async () => {
    const rounded: string[] = [];
    const counting = testCodec({ onRounded: (stream, field) => rounded.push(`${stream} ${field}`) });
    const record = {
      id: 1,
      amount: 0.1 + 0.2,
      tax: 1.23456789,
      line_items: [{ quantity: 1 / 3 }, { quantity: '0.00000049' }],
    };
    const stream = streamNamed('invoices');
    const encoded = counting.encode(stream, record, contextOf(stream));
    expect(await counting.decode(stream, encoded.value)).toMatchObject({
      amount: '0.3',
      tax: '1.234568',
      line_items: [{ quantity: '0.333333' }, { quantity: '0' }],
      _extra: '{"line_items":{"0":{"quantity":0.3333333333333333},"1":{"quantity":"0.00000049"}},"tax":1.23456789}',
    });
    expect(rounded).toEqual(['invoices line_items[].quantity', 'invoices line_items[].quantity', 'invoices tax']);
    expect(encoded.unknown).toEqual([]);
  });

  test('includes the text of an instant that is finer than milliseconds', async () => {
    const record = { id: 1, created_at: '2024-01-01T00:00:00.123456Z' };
    expect(await decoded('clients', record)).toMatchObject({
      created_at: '2024-01-01T00:00:00.123Z',
      _extra: '{"created_at":"2024-01-01T00:00:00.123456Z"}',
    });
  });
});

describe('the hash', () => {
  test('is the payload alone: another schema id makes no other version', () => {
    const { record } = sampleOf('clients');
    const moved = testCodec({ ids: new Map([['clients', { key: 1, value: 2 }]]) });
    const stream = streamNamed('clients');
    expect(moved.encode(stream, record, contextOf(stream)).hash).toBe(encode('clients', record).hash);
  });

  test('differs when one member differs, and is a whole number that doubles hold', () => {
    const hashes = Array.from({ length: 2_000 }, (_, id) => encode('tasks', { id }).hash);
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(hashes.every((hash) => Number.isSafeInteger(hash) && hash >= 0)).toBe(true);
    expect(Math.max(...hashes)).toBeGreaterThan(2 ** 52);
  });
});
