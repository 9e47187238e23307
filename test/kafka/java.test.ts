// Keys and values in the hands of the Java libraries that consumers use: the client's partitioner and Apache Avro. Needs a
// JDK: the programs are run from their sources. `npm run vectors` writes the vectors of the unit tests anew.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { seededRandom } from '../../lab/simulator/index.ts';
import { javaTool } from '../../lab/stack/java.ts';
import { KAFKA_VERSION, kafkaHome } from '../../lab/stack/kafka-home.ts';
import { registryHome } from '../../lab/stack/registry.ts';
import { murmur2, partitionOf } from '../../src/kafka/partitioner.ts';
import { catalog } from '../../src/streams/catalog.ts';
import { testCodec } from '../support/codec.ts';
import { answersOf, disagreements, questions } from '../support/other-readers.ts';
import { contextOf, sampleOf } from '../support/samples.ts';

const COUNTS = [1, 2, 3, 6, 12, 50, 1000];

const source = (name: string) => new URL(`../support/java/${name}.java`, import.meta.url).pathname;
const java = (jars: string, name: string) => ['-Xmx256m', '-cp', join(jars, '*'), source(name)];

async function javaPartitions(keys: readonly string[]): Promise<string[]> {
  const jars = join(await kafkaHome(KAFKA_VERSION, {}), 'libs');
  return answersOf(javaTool('java'), [...java(jars, 'Partitions'), ...COUNTS.map(String)], keys);
}

/** The keys of the recorded samples in both formats, and bytes of every length up to 63. */
function vectorKeys(): string[] {
  const formats = [testCodec(), testCodec({ keyFormat: 'string' })];
  const samples = catalog.flatMap((stream) =>
    formats.map((codec) => codec.encode(stream, sampleOf(stream.name).record, contextOf(stream)).key),
  );
  const random = seededRandom(4711);
  const others = Array.from({ length: 640 }, (_, index) =>
    Buffer.from(Array.from({ length: index % 64 }, () => Math.floor(random() * 256))),
  );
  return [...samples, ...others].map((key) => key.toString('hex'));
}

test('the vectors of the unit tests are what the Java client computes', async () => {
  const answers = await javaPartitions(vectorKeys());
  await expect(`partitions ${COUNTS.join(' ')}\n${answers.join('\n')}\n`).toMatchFileSnapshot(
    '../vectors/partitions.txt',
  );
});

test('twenty thousand keys that nobody has seen go where the Java client would put them', async () => {
  const keys = Array.from({ length: 20_000 }, (_, index) =>
    Buffer.from(Array.from({ length: 1 + (index % 40) }, () => Math.floor(Math.random() * 256))),
  );
  const ours = keys.map((key) =>
    [key.toString('hex'), murmur2(key), ...COUNTS.map((count) => partitionOf(key, count))].join(' '),
  );
  const theirs = await javaPartitions(keys.map((key) => key.toString('hex')));
  expect(ours.filter((line, index) => line !== theirs[index])).toEqual([]);
});

test('Apache Avro reads every sample and random records of every stream as we wrote them', async () => {
  const jars = join(await registryHome({}), 'lib');
  const asked = await questions(25);
  expect(await disagreements(javaTool('java'), java(jars, 'AvroReader'), asked)).toEqual([]);
});
