// Batches as we write them: byte for byte those of kafkajs, whose writer is slow but a witness of its own.
import { createRequire } from 'node:module';
import fc from 'fast-check';
import { CompressionTypes, type Message } from 'kafkajs';
import { expect, test } from 'vitest';
import { type BatchHeader, writeBatch } from '../../../src/kafka/batch-writer.ts';
import { decodeRecords, splitBatches } from '../../../src/kafka/record-batch.ts';

interface Encoded {
  readonly buffer: Buffer;
}
const load = createRequire(import.meta.url);
const encodeBatch: (batch: object) => Promise<Encoded> = load(
  'kafkajs/src/protocol/recordBatch/v0/index.js',
).RecordBatch;
const encodeRecord: (record: object) => Encoded = load('kafkajs/src/protocol/recordBatch/record/v0/index.js');

async function witnessed(messages: readonly Message[], header: BatchHeader): Promise<Buffer> {
  const { timestamp, ...rest } = header;
  const encoded = await encodeBatch({
    ...rest,
    transactional: true,
    firstTimestamp: timestamp,
    maxTimestamp: timestamp,
    lastOffsetDelta: messages.length - 1,
    records: messages.map((message, offsetDelta) => encodeRecord({ ...message, offsetDelta, timestampDelta: 0 })),
  });
  return encoded.buffer;
}

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((content) => Buffer.from(content));
const text = (maxLength: number) => fc.string({ unit: 'binary', maxLength });
const message: fc.Arbitrary<Message> = fc.record({
  key: bytes(40),
  value: fc.option(fc.oneof(bytes(300), text(100))),
  headers: fc.dictionary(
    fc.stringMatching(/^[a-z_]{1,12}$/),
    text(20).filter((content) => content !== ''),
    { maxKeys: 3 },
  ),
});
const header: fc.Arbitrary<BatchHeader> = fc.record({
  producerId: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map(String),
  producerEpoch: fc.nat(32_767),
  firstSequence: fc.nat(2 ** 31 - 1),
  timestamp: fc.nat(2 ** 42),
  compression: fc.constant(CompressionTypes.None),
});

test('a batch is byte for byte what kafkajs writes', async () => {
  const batch = fc.array(message, { minLength: 1, maxLength: 150 });
  await fc.assert(
    fc.asyncProperty(batch, header, async (messages, header) => {
      expect((await writeBatch(messages, header)).equals(await witnessed(messages, header))).toBe(true);
    }),
  );
});

test('records beyond the usual size are written whole', async () => {
  const messages = [1, 900_000, 3_000_000, 2].map((size) => ({
    key: Buffer.from('k'),
    value: Buffer.alloc(size, size),
  }));
  const [plain] = fc.sample(header, 1);
  expect((await writeBatch(messages, plain!)).equals(await witnessed(messages, plain!))).toBe(true);
});

test('gzip packs the records and nothing else', async () => {
  const messages = [
    { key: Buffer.from('a'), value: Buffer.from('one'), headers: { __op: 'u' } },
    { key: Buffer.from('b'), value: null, headers: { __op: 'd' } },
  ];
  const [plain] = fc.sample(header, 1);
  const [batch] = splitBatches(await writeBatch(messages, { ...plain!, compression: CompressionTypes.GZIP }));
  expect(batch).toMatchObject({ codec: 'gzip', transactional: true, count: 2, baseTimestamp: plain!.timestamp });
  const records = await decodeRecords(batch!);
  expect(records.map(({ key, value }) => [String(key), value && String(value)])).toEqual([
    ['a', 'one'],
    ['b', null],
  ]);
  expect(records.map((record) => record.header('__op'))).toEqual(['u', 'd']);
});
