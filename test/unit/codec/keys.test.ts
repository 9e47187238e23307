// Key bytes are identity: compaction and partitions know a row by nothing else. So one row has one key, two rows have two,
// and the way back is exact, for every shape of key in the catalog.
import avro from 'avsc';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { avroKeys, type KeyCodec, stringKeys } from '../../../src/codec/keys.ts';
import { keySchema } from '../../../src/codec/schemas.ts';
import { HEADER, MessageWriter } from '../../../src/codec/wire.ts';
import type { RowId } from '../../../src/engine/ports.ts';
import { partitionOf } from '../../../src/kafka/partitioner.ts';
import { catalog } from '../../../src/streams/catalog.ts';
import type { StreamDefinition } from '../../../src/streams/definition.ts';
import { isoDay } from '../../../src/streams/windows.ts';
import { runs } from '../../support/runs.ts';

const ids = fc.oneof(fc.integer({ min: 1, max: 2 ** 31 }), fc.integer({ min: 2 ** 31, max: 2 ** 53 - 2 }));
const days = fc.integer({ min: Date.UTC(2000, 0, 1) / 864e5, max: Date.UTC(2100, 11, 31) / 864e5 }).map(isoDay);
// Harvest's are three letters; whatever else may come must not make two rows one.
const currencies = fc.oneof(
  fc.constantFrom('EUR', 'USD', ''),
  fc.string({ unit: 'grapheme' }),
  fc.stringMatching(/^[A-Z|]{0,6}$/),
);

function rowIds(stream: StreamDefinition): fc.Arbitrary<RowId> {
  if (stream.key.length === 1) return ids;
  const kinds = { date: days, long: ids, string: currencies } as const;
  return fc.tuple(...stream.key.map(({ type }) => kinds[type])).map((parts) => parts.join('|'));
}

/** One stream for each shape of key. */
const shapes = [...new Map(catalog.map((stream) => [stream.key.map(({ name }) => name).join(), stream])).values()];

describe.each(shapes)('keys like those of $name', (stream) => {
  const out = new MessageWriter();
  const formats: [string, KeyCodec][] = [
    ['avro', avroKeys(stream, 4711, out)],
    ['string', stringKeys(stream)],
  ];

  test.each(formats)('lead back to their row, and the same row always has the same (%s)', (_, keys) => {
    fc.assert(
      fc.property(rowIds(stream), (id) => {
        const key = keys.encode(id);
        expect(keys.decode(key)).toBe(id);
        expect(keys.encode(id).equals(key)).toBe(true);
        expect(partitionOf(keys.encode(id), 12)).toBe(partitionOf(key, 12));
      }),
      runs(500),
    );
  });

  test.each(formats)('are different for different rows (%s)', (_, keys) => {
    fc.assert(
      fc.property(rowIds(stream), rowIds(stream), (one, other) => {
        expect(keys.encode(one).equals(keys.encode(other))).toBe(one === other);
      }),
      runs(500),
    );
  });

  test('are what avsc writes for the registered key schema', () => {
    const type = avro.Type.forSchema(keySchema(stream) as avro.Schema);
    const [[, keys]] = formats as [[string, KeyCodec]];
    fc.assert(
      fc.property(rowIds(stream), (id) => {
        const payload = keys.encode(id).subarray(HEADER);
        expect(type.toBuffer(type.fromBuffer(payload)).equals(payload)).toBe(true);
      }),
      runs(500),
    );
  });
});
