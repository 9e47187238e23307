// A mask narrows a record and its schema: both lose the same, and nothing else.
import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseJson } from '../../../src/base/json.ts';
import { Secret } from '../../../src/base/secret.ts';
import { type MaskedFields, maskedSchema, recordMask } from '../../../src/codec/mask.ts';
import { EXTRA, fieldTypes } from '../../../src/codec/schemas.ts';
import type { JsonObject } from '../../../src/engine/ports.ts';
import { catalog } from '../../../src/streams/catalog.ts';
import { indispensableFields } from '../../../src/streams/definition.ts';
import { schemas, streamNamed, testCodec } from '../../support/codec.ts';
import { documentedFields } from '../../support/harvest-fields.ts';
import { anyRecord } from '../../support/records.ts';
import { contextOf, sampleOf } from '../../support/samples.ts';

const SALT = new Secret('a salt of the tests');
const hmac = (text: string) => createHmac('sha256', 'a salt of the tests').update(text).digest('hex');
const masked = (fields: Partial<MaskedFields>, record: JsonObject) =>
  recordMask({ exclude: [], hash: [], ...fields }, SALT)(record);

describe('a record', () => {
  test('loses excluded members, in records and in every record of an array too [P10]', () => {
    const record = {
      id: 1,
      notes: 'n',
      client: { id: 2, name: 'ACME' },
      line_items: [{ id: 3, kind: 'Service', description: 'd' }, { id: 4 }],
    };
    expect(masked({ exclude: ['notes', 'client.name', 'line_items.description'] }, record)).toEqual({
      id: 1,
      client: { id: 2 },
      line_items: [{ id: 3, kind: 'Service' }, { id: 4 }],
    });
  });

  test('has the HMAC of the JSON text of hashed members, in lower-case hexadecimal [P10]', () => {
    const record = { text: 'é"', number: 12.5, yes: true, record: { b: 1, a: [2] }, list: ['x'] };
    expect(masked({ hash: Object.keys(record) }, record)).toEqual({
      text: hmac('"é\\""'),
      number: hmac('12.5'),
      yes: hmac('true'),
      record: hmac('{"a":[2],"b":1}'),
      list: hmac('["x"]'),
    });
  });

  test('keeps a null as it is, so that readers see what is not there', () => {
    const names = ['notes', 'client', 'line_items.kind'];
    const record = { notes: null, client: null, line_items: [{ kind: null }, null] };
    expect(masked({ hash: names }, record)).toEqual(record);
  });

  test('hashes every digit of a number that no double holds', () => {
    const record = parseJson('{"amount":123456789012345678.123456}') as JsonObject;
    expect(masked({ hash: ['amount'] }, record)).toEqual({ amount: hmac('123456789012345678.123456') });
  });

  test('hashes what nests deeper than text can be made canonical of, instead of ending the account', () => {
    const deep = parseJson(`${'['.repeat(20_000)}${']'.repeat(20_000)}`);
    expect(masked({ hash: ['weird'] }, { weird: deep })).toEqual({
      weird: hmac(`${'['.repeat(20_000)}${']'.repeat(20_000)}`),
    });
  });

  test('shows nothing of a member that was to lose a part and came as another type [P10]', () => {
    expect(masked({ exclude: ['client.name'] }, { client: 'ACME' })).toEqual({ client: '(withheld)' });
    expect(masked({ exclude: ['client.name'] }, { client: [['ACME'], 7] })).toEqual({
      client: [['(withheld)'], '(withheld)'],
    });
  });
});

describe.each(catalog)('$name', (stream) => {
  const schema = schemas.get(stream.name)!;
  const fixed = indispensableFields(stream);
  const names = [...fieldTypes(schema).keys()].filter(
    (name) => name !== EXTRA && !fixed.some((each) => each === name || each.startsWith(`${name}.`)),
  );
  const anyFields = fc
    .subarray(names)
    .map((some) => some.filter((name) => !some.some((other) => name.startsWith(`${other}.`))))
    .chain((some) =>
      fc.subarray(some).map((exclude) => ({ exclude, hash: some.filter((each) => !exclude.includes(each)) })),
    )
    .filter(({ exclude }) => leavesSomething(exclude, names));

  test('under any mask a record has the fields of its masked schema and none of the others [P10]', async () => {
    const identity = stream.key.map(({ name }) => name);
    const anyOne = anyRecord(documentedFields[stream.name]!, identity);
    await fc.assert(
      fc.asyncProperty(anyFields, anyOne, async (fields, record) => {
        const narrow = maskedSchema(schema, fields);
        const codec = testCodec({ streams: [stream], schemas: new Map([[stream.name, narrow]]) });
        const encoded = codec.encode(stream, recordMask(fields, SALT)(record), contextOf(stream));
        expect(encoded.unknown).toEqual([]);
        expect(await codec.restore(stream, encoded.key, encoded.value)).toMatchObject({ hash: encoded.hash });
        const left = fieldTypes(narrow);
        expect(fields.exclude.filter((name) => left.has(name))).toEqual([]);
        expect(fields.hash.filter((name) => left.get(name) !== 'string')).toEqual([]);
      }),
      { numRuns: 10 },
    );
  });
});

/** Whether no record in the schema loses all it has. */
function leavesSomething(exclude: readonly string[], names: readonly string[]): boolean {
  const around = exclude.filter((name) => name.includes('.')).map((name) => name.slice(0, name.lastIndexOf('.')));
  return around.every((record) => names.some((name) => name.startsWith(`${record}.`) && !exclude.includes(name)));
}

test('the hours of a running timer tick in silence also when they are excluded or hashed [P2]', async () => {
  const stream = streamNamed('time_entries');
  const running = { ...sampleOf('time_entries').record, is_running: true };
  for (const fields of [
    { exclude: ['hours', 'rounded_hours'], hash: [] },
    { exclude: ['rounded_hours'], hash: ['hours'] },
  ]) {
    const codec = testCodec({
      streams: [stream],
      schemas: new Map([[stream.name, maskedSchema(schemas.get('time_entries')!, fields)]]),
    });
    const encode = (hours: number) =>
      codec.encode(stream, recordMask(fields, SALT)({ ...running, hours }), contextOf(stream));
    const { key, value, hash } = encode(1);
    expect(encode(2).hash).toBe(hash);
    expect(await codec.restore(stream, key, value)).toMatchObject({ hash });
  }
});
