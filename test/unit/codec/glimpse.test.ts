// A restore reads two or three fields of every value: they are those that avsc reads, and bytes of anybody end somewhere.
import avro from 'avsc';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileGlimpse } from '../../../src/codec/glimpse.ts';
import { publishedSchema, type RecordSchema, type ValueType, valueType } from '../../../src/codec/schemas.ts';
import { compileType } from '../../../src/codec/stream-codec.ts';
import { HEADER } from '../../../src/codec/wire.ts';
import { catalog } from '../../../src/streams/catalog.ts';
import { schemas, testCodec } from '../../support/codec.ts';
import { documentedFields } from '../../support/harvest-fields.ts';
import { anyRecord } from '../../support/records.ts';
import { contextOf } from '../../support/samples.ts';

/** What a glimpse gives of a field that avsc has read. */
function glimpsed(type: ValueType, value: unknown): number | null {
  const name = typeof type === 'string' ? type : type.type;
  if (name === 'record') return glimpsed('long', (value as { readonly id?: unknown } | null)?.id);
  if (name === 'boolean') return value === null ? null : Number(value);
  return (name === 'long' || name === 'int') && typeof value === 'number' ? value : null;
}

describe.each(catalog)('of any record of $name', (stream) => {
  test.each(['precise', 'double'] as const)(
    'each field is glimpsed as avsc reads it, alone and with all others (%s)',
    (mode) => {
      const schema = publishedSchema(schemas.get(stream.name)!, mode);
      const type = compileType(schema);
      const codec = testCodec({ decimalHandling: mode });
      const names = schema.fields.map(({ name }) => name);
      const [all, ...each] = [names, ...names.map((name) => [name])].map((wanted) => compileGlimpse(schema, wanted));
      const identity = stream.key.map((field) => field.name);
      fc.assert(
        fc.property(anyRecord(documentedFields[stream.name]!, identity), (record) => {
          const payload = codec.encode(stream, record, contextOf(stream)).value.subarray(HEADER);
          const read = type.fromBuffer(payload);
          const told = schema.fields.map(({ name, type }) => glimpsed(valueType(type), read[name]));
          expect(all!(payload)).toEqual(told);
          expect(each.flatMap((glimpse) => glimpse(payload))).toEqual(told);
        }),
        { numRuns: 5 },
      );
    },
  );
});

const LISTS: RecordSchema = {
  type: 'record',
  name: 'Lists',
  fields: [
    { name: 'numbers', type: { type: 'array', items: 'long' } },
    { name: 'last', type: 'long' },
  ],
};

test('blocks of an array may have their size before them', () => {
  // Two items in four bytes, then one, then the end.
  const payload = Buffer.from([0x03, 0x08, 0x80, 0x01, 0x80, 0x02, 0x02, 0x06, 0x00, 0x0e]);
  const type = avro.Type.forSchema(LISTS as avro.Schema);
  expect(type.fromBuffer(payload)).toMatchObject({ numbers: [64, 128, 3], last: 7 });
  expect(compileGlimpse(LISTS, ['last', 'nobody', null])(payload)).toEqual([7, null, null]);
});

test('bytes of anybody are glimpsed or refused, whatever lengths they claim', () => {
  const glimpses = [LISTS, ...schemas.values()].map((schema) => {
    return compileGlimpse(
      schema,
      schema.fields.map(({ name }) => name),
    );
  });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat({ max: glimpses.length - 1 }), (bytes, which) => {
      try {
        expect(glimpses[which]!(Buffer.from(bytes))).toBeInstanceOf(Array);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }),
    { numRuns: 2_000 },
  );
  const endless = Buffer.from([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]);
  expect(() => glimpses[0]!(endless)).toThrow(RangeError);
});
