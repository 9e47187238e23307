import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { Partitioners } from 'kafkajs';
import { expect, test } from 'vitest';
import { murmur2, partitionOf } from '../../../src/kafka/partitioner.ts';
import { runs } from '../../support/runs.ts';

// From the Java client's own tests (UtilsTest, testMurmur2).
const VECTORS: readonly [string, number][] = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
];

test.each(VECTORS)('murmur2 of %s is what the Java client computes [P3]', (text, hash) => {
  expect(murmur2(Buffer.from(text))).toBe(hash);
});

// Written by the Java client itself: test/kafka/java.test.ts.
test('the keys of every sample, and bytes of every length, go where the Java client puts them', () => {
  const [head, ...lines] = readFileSync(new URL('../../vectors/partitions.txt', import.meta.url), 'utf8')
    .trim()
    .split('\n');
  const counts = head!.split(' ').slice(1).map(Number);
  const ours = lines.map((line) => {
    const key = Buffer.from(line.split(' ')[0]!, 'hex');
    return [key.toString('hex'), murmur2(key), ...counts.map((count) => partitionOf(key, count))].join(' ');
  });
  expect(lines.length).toBeGreaterThan(700);
  expect(ours).toEqual(lines);
});

test('any key goes to the partition that the Java-compatible partitioner of kafkajs chooses', () => {
  const partition = Partitioners.DefaultPartitioner();
  const metadata = (count: number) =>
    Array.from({ length: count }, (_, partitionId) => ({
      partitionId,
      leader: 1,
      partitionErrorCode: 0,
      replicas: [1],
      isr: [1],
    }));
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 64 }), (bytes, count) => {
      const key = Buffer.from(bytes);
      const message = { key, value: null };
      expect(partitionOf(key, count)).toBe(partition({ topic: 't', partitionMetadata: metadata(count), message }));
    }),
    runs(300),
  );
});
