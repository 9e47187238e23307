import avro from 'avsc';
import { describe, expect, test } from 'vitest';
import type { RecordSchema } from '../../../src/codec/schemas.ts';
import type { JsonObject } from '../../../src/engine/ports.ts';
import { catalog } from '../../../src/streams/catalog.ts';
import { schemas, streamNamed, testCodec } from '../../support/codec.ts';
import { contextOf, sampleOf } from '../../support/samples.ts';

const OLD_ID = 7;

/** The schema as an older version had it: without these fields. */
function without(schema: RecordSchema, ...names: string[]): RecordSchema {
  return { ...schema, fields: schema.fields.filter(({ name }) => !names.includes(name)) };
}

/** A message as an older version wrote it. */
function written(schema: object, value: unknown): Buffer {
  const header = Buffer.from([0, 0, 0, 0, OLD_ID]);
  return Buffer.concat([header, avro.Type.forSchema(schema as avro.Schema, { wrapUnions: 'never' }).toBuffer(value)]);
}

describe.each(catalog)('$name', (stream) => {
  test.each(['precise', 'double', 'string'] as const)(
    'what was written is remembered as it was (%s) [P2]',
    async (mode) => {
      const codec = testCodec({ decimalHandling: mode });
      const { id, hash, group, day, key, value } = codec.encode(
        stream,
        sampleOf(stream.name).record,
        contextOf(stream),
      );
      expect(await codec.restore(stream, key, value)).toEqual({ id, hash, group, day });
    },
  );
});

test('a date that is null is no day', async () => {
  const codec = testCodec();
  const stream = streamNamed('estimates');
  const { key, value } = codec.encode(stream, { id: 1 }, contextOf(stream));
  expect(await codec.restore(stream, key, value)).toMatchObject({ day: null });
});

describe('a value of an older schema', () => {
  const stream = streamNamed('expenses');
  const record: JsonObject = { ...sampleOf('expenses').record, approval_status: null };
  const old = without(schemas.get('expenses')!, 'approval_status');

  async function olderValue(): Promise<{ key: Buffer; value: Buffer; hash: number }> {
    const codec = testCodec();
    const { key, value, hash } = codec.encode(stream, record, contextOf(stream));
    const current = avro.Type.forSchema(schemas.get('expenses') as avro.Schema, { wrapUnions: 'never' });
    return { key, hash, value: written(old, { ...current.fromBuffer(value.subarray(5)) }) };
  }

  test('is remembered as ours would be, and its schema is asked for once', async () => {
    const asked: number[] = [];
    const codec = testCodec({
      writerSchema: async (id) => {
        asked.push(id);
        return old;
      },
    });
    const { key, value, hash } = await olderValue();
    const expected = {
      id: 15296442,
      hash,
      group: (record.project as { id: number }).id,
      day: Date.parse('2024-11-03') / 86_400_000,
    };
    expect(await codec.restore(stream, key, value)).toEqual(expected);
    expect(await codec.restore(stream, key, value)).toEqual(expected);
    expect(asked).toEqual([OLD_ID]);
    expect((await codec.decode(stream, value))!.total_cost).toBe('33.17');
  });

  test('differs from ours once its record has a value in the new field', async () => {
    const codec = testCodec({ writerSchema: async () => old });
    const { key, value } = await olderValue();
    const now = codec.encode(stream, sampleOf('expenses').record, contextOf(stream));
    expect((await codec.restore(stream, key, value)).hash).not.toBe(now.hash);
  });

  test('is asked for again when the registry failed', async () => {
    let failures = 1;
    const codec = testCodec({
      writerSchema: async () => {
        if (failures-- > 0) throw new Error('registry down');
        return old;
      },
    });
    const { key, value, hash } = await olderValue();
    await expect(codec.restore(stream, key, value)).rejects.toThrow('registry down');
    expect(await codec.restore(stream, key, value)).toMatchObject({ hash });
  });
});

describe('a value whose schema id the registry lost', () => {
  const stream = streamNamed('clients');
  const codec = testCodec();
  const other = { type: 'record', name: 'Other', namespace: 'n', fields: [{ name: 'word', type: 'string' }] };

  test.each([
    ['or that it gives to another record', other, 'gives to n.Other'],
    ['and gives to nobody', null, 'does not know as a record'],
  ])('%s is the sign of another registry when it is ours [P2]', async (_, schema, said) => {
    const before = testCodec({ ids: new Map([['clients', { key: 155, value: OLD_ID }]]) });
    const after = testCodec({ ids: new Map([['clients', { key: 155, value: 8 }]]), writerSchema: async () => schema });
    const { key, value } = before.encode(stream, sampleOf('clients').record, contextOf(stream));
    await expect(after.restore(stream, key, value)).rejects.toMatchObject({
      code: 'registry.replaced',
      message: `the topic of clients carries values under schema id ${OLD_ID}, which the registry ${said}`,
    });
  });

  test.each([
    ['a foreign payload', Buffer.from([0, 0, 0, 0, 9, 255, 255, 255]), 9],
    ['no payload', Buffer.from([0, 0, 0, 0, 9]), 9],
    ['no Avro', Buffer.from('{"id":1}'), null],
    ['nothing', Buffer.alloc(0), null],
  ])('is remembered as unlike any record of ours when it is %s, and told once', async (_, value, schemaId) => {
    const told: unknown[] = [];
    const telling = testCodec({ onUnreadable: (...what) => told.push(what) });
    const { id, key } = telling.encode(stream, sampleOf('clients').record, contextOf(stream));
    const expected = { id, hash: -1, group: null, day: null };
    expect(await telling.restore(stream, key, value)).toEqual(expected);
    expect(await telling.restore(stream, key, value)).toEqual(expected);
    expect(told).toEqual([['clients', schemaId]]);
    expect(await codec.decode(stream, value)).toBeNull();
  });

  test('so is a value whose schema does not fit ours', async () => {
    const reading = testCodec({ writerSchema: async () => other });
    const { key } = reading.encode(stream, sampleOf('clients').record, contextOf(stream));
    expect(await reading.restore(stream, key, written(other, { word: 'x' }))).toMatchObject({ hash: -1 });
  });
});

test('a value under our own schema id that is not ours ends no start', async () => {
  const codec = testCodec();
  const stream = streamNamed('time_entries');
  const { id, key, value } = codec.encode(stream, sampleOf('time_entries').record, contextOf(stream));
  expect(await codec.restore(stream, key, value.subarray(0, 9))).toEqual({ id, hash: -1, group: null, day: null });
});
