import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeRecords, isAbortMarker, type RecordBatch, splitBatches } from '../../../src/kafka/record-batch.ts';

interface Encoded {
  readonly buffer: Buffer;
}
interface Written {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly offsetDelta: number;
  readonly timestamp: number;
}

// kafkajs writes batches; its writer is the independent witness of our reading.
const load = createRequire(import.meta.url);
const encodeBatch: (batch: object) => Promise<Encoded> = load(
  'kafkajs/src/protocol/recordBatch/v0/index.js',
).RecordBatch;
const encodeRecord: (record: object) => Encoded = load('kafkajs/src/protocol/recordBatch/record/v0/index.js');

const FIRST_TIMESTAMP = 1_700_000_000_000;

async function written(baseOffset: number, records: readonly Written[], compression = 0): Promise<Buffer> {
  const encoded = await encodeBatch({
    compression,
    firstTimestamp: FIRST_TIMESTAMP,
    maxTimestamp: FIRST_TIMESTAMP,
    producerId: 7,
    producerEpoch: 0,
    firstSequence: 0,
    transactional: true,
    lastOffsetDelta: records.at(-1)?.offsetDelta ?? 0,
    records: records.map(({ timestamp, ...record }) =>
      encodeRecord({ ...record, timestampDelta: timestamp - FIRST_TIMESTAMP }),
    ),
  });
  const bytes = Buffer.from(encoded.buffer);
  // A client writes offset 0; the broker puts the real one in.
  bytes.writeBigInt64BE(BigInt(baseOffset), 0);
  return bytes;
}

const blob = fc.option(fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)));
const records = fc.uniqueArray(
  fc.record({
    key: blob,
    value: blob,
    headers: fc.dictionary(fc.string({ minLength: 1, maxLength: 12 }), fc.string({ maxLength: 90 }), {
      noNullPrototype: true,
    }),
    offsetDelta: fc.integer({ min: 0, max: 100_000 }),
    timestamp: fc.integer({ min: FIRST_TIMESTAMP - 10 ** 12, max: FIRST_TIMESTAMP + 10 ** 12 }),
  }),
  { selector: ({ offsetDelta }) => offsetDelta, minLength: 1, maxLength: 20 },
);

test.each([
  ['uncompressed', 0],
  ['gzip', 1],
])('%s batches are read as they were written', async (_, compression) => {
  await fc.assert(
    fc.asyncProperty(records, fc.nat(2 ** 40), async (unordered, baseOffset) => {
      const expected = unordered.toSorted((a, b) => a.offsetDelta - b.offsetDelta);
      const [batch] = splitBatches(await written(baseOffset, expected, compression));
      expect(batch!.nextOffset).toBe(baseOffset + expected.at(-1)!.offsetDelta + 1);
      expect(batch).toMatchObject({ baseOffset, producerId: 7n, transactional: true, control: false });
      const read = await decodeRecords(batch!);
      expect(read.map(({ offset, timestamp, key, value }) => ({ offset, timestamp, key, value }))).toEqual(
        expected.map(({ offsetDelta, timestamp, key, value }) => ({
          offset: baseOffset + offsetDelta,
          timestamp,
          key,
          value,
        })),
      );
      expect(read.map((record) => Object.fromEntries(record.headers()))).toEqual(
        expected.map(({ headers }) => headers),
      );
    }),
    { numRuns: 60 },
  );
});

const one: Written = {
  key: Buffer.from('k'),
  value: null,
  headers: { __op: 'd' },
  offsetDelta: 0,
  timestamp: FIRST_TIMESTAMP,
};

test('a batch that the size limit cut off is left for the next fetch', async () => {
  const first = await written(10, [one]);
  const second = await written(11, [one]);
  const answer = Buffer.concat([first, second.subarray(0, second.length - 1)]);
  expect(splitBatches(answer).map(({ baseOffset }) => baseOffset)).toEqual([10]);
  expect(splitBatches(Buffer.concat([first, second.subarray(0, 30)]))).toHaveLength(1);
});

test('a batch that compaction emptied still tells the offset behind it', async () => {
  const bytes = await written(40, [one, { ...one, offsetDelta: 9 }]);
  // The cleaner leaves this: the header, its last offset, and no records.
  const header = bytes.subarray(0, 61);
  header.writeInt32BE(61 - 12, 8);
  header.writeInt32BE(0, 57);
  const [batch] = splitBatches(header);
  expect(batch!.nextOffset).toBe(50);
  expect(await decodeRecords(batch!)).toEqual([]);
});

test('a header that is absent is null, and one that is there is its text', async () => {
  const [record] = await decodeRecords(splitBatches(await written(0, [one]))[0]!);
  expect(record!.header('__op')).toBe('d');
  expect(record!.header('__source_ts_ms')).toBeNull();
});

test.each([
  [0, true],
  [1, false],
])('a control record of type %i aborts: %s', (type, aborts) => {
  // length, attributes, timestamp, offset, key length 4, version 0, type, value length 0, no headers
  const body = Buffer.from([18, 0, 0, 0, 8, 0, 0, 0, type, 0, 0]);
  expect(isAbortMarker({ body, count: 1 } as RecordBatch)).toBe(aborts);
});

test('a control batch that compaction emptied aborts nothing', () => {
  expect(isAbortMarker({ body: Buffer.alloc(0), count: 0 } as RecordBatch)).toBe(false);
});

test('other compressions are refused by name, not misread', async () => {
  const bytes = await written(0, [one]);
  bytes.writeInt16BE(3, 21);
  await expect(decodeRecords(splitBatches(bytes)[0]!)).rejects.toMatchObject({
    code: 'kafka.unreadable',
    message: expect.stringContaining('lz4'),
  });
});

test('messages of the format before record batches are refused', () => {
  const old = Buffer.alloc(80);
  old.writeInt32BE(60, 8);
  old.writeInt8(1, 16);
  expect(() => splitBatches(old)).toThrow('message format 1');
});

test('gzip that another client wrote is read', async () => {
  const plain = await written(5, [one, { ...one, key: Buffer.from('l'), offsetDelta: 1 }]);
  const zipped = Buffer.concat([plain.subarray(0, 61), gzipSync(plain.subarray(61))]);
  zipped.writeInt32BE(zipped.length - 12, 8);
  zipped.writeInt16BE(0x11, 21);
  expect((await decodeRecords(splitBatches(zipped)[0]!)).map(({ key }) => String(key))).toEqual(['k', 'l']);
});
