// Against a real registry, read back by the client library that consumers use.
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import avro from 'avsc';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock, systemRandom } from '../../src/base/clock.ts';
import { type AvroCodec, createCodec, type SchemaIds } from '../../src/codec/codec.ts';
import { createRegistryClient, diffSubjects, prepareSubjects, type RegistryClient } from '../../src/codec/registry.ts';
import type { RecordSchema } from '../../src/codec/schemas.ts';
import { catalog } from '../../src/streams/catalog.ts';
import { schemas, streamNamed } from '../support/codec.ts';
import { type DocumentedField, documentedFields } from '../support/harvest-fields.ts';
import { contextOf, givenFields, sampleOf } from '../support/samples.ts';
import { sharedStack } from '../support/stack.ts';

const OPTIONS = { schemas, mode: 'precise', keyFormat: 'avro' } as const;

let url: string;
let client: RegistryClient;
let prefixes = 0;

/** A prefix of which the registry has not heard. */
function freshPrefix(): string {
  return `registry-test-${process.pid}-${++prefixes}`;
}

function codecOf(ids: ReadonlyMap<string, SchemaIds>): AvroCodec {
  const writerSchema = (id: number) => client.schemaById(id);
  return createCodec({
    streams: catalog.filter(({ name }) => ids.has(name)),
    schemas,
    ids,
    decimalHandling: 'precise',
    keyFormat: 'avro',
    runningTimers: 'on_change',
    writerSchema,
  });
}

/** A value by another Avro reader, in Harvest's forms: bytes as numbers, days and milliseconds as text. */
function inHarvestForms(value: unknown, path: string, fields: readonly DocumentedField[]): unknown {
  if (value === null) return null;
  if (Array.isArray(value)) return value.map((item) => inHarvestForms(item, `${path}[]`, fields));
  if (Buffer.isBuffer(value))
    return Number(BigInt.asIntN(8 * value.length, BigInt(`0x${value.toString('hex')}`))) / 1e6;
  if (typeof value === 'object') {
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => {
        return [name, inHarvestForms(member, path === '' ? name : `${path}.${name}`, fields)];
      }),
    );
  }
  const type = ['from', 'to'].includes(path) ? 'date' : fields.find((field) => field.path === path)?.type;
  if (type === 'date') return new Date((value as number) * 86_400_000).toISOString().slice(0, 10);
  if (type === 'datetime') return new Date(value as number).toISOString().replace('.000Z', 'Z');
  return value;
}

beforeAll(async () => {
  url = sharedStack().registryUrl;
  client = createRegistryClient({ urls: [url], clock: systemClock, random: systemRandom });
});

afterAll(() => client.close());

describe('the schemas of all streams', () => {
  test('are registered once, and found from then on', async () => {
    const prefix = freshPrefix();
    const before = await diffSubjects(client, catalog, { ...OPTIONS, prefix });
    expect(before.map(({ state }) => state)).toEqual(new Array(2 * catalog.length).fill('missing'));
    const ids = await prepareSubjects(client, catalog, { ...OPTIONS, prefix, autoRegister: true });
    expect(await prepareSubjects(client, catalog, { ...OPTIONS, prefix, autoRegister: true })).toEqual(ids);
    expect(await prepareSubjects(client, catalog, { ...OPTIONS, prefix, autoRegister: false })).toEqual(ids);
    const after = await diffSubjects(client, catalog, { ...OPTIONS, prefix });
    expect(after.map(({ state }) => state)).toEqual(new Array(2 * catalog.length).fill('registered'));
  });

  test('let a consumer read every field of a value and its key', async () => {
    const prefix = freshPrefix();
    const codec = codecOf(await prepareSubjects(client, catalog, { ...OPTIONS, prefix, autoRegister: true }));
    const consumer = new SchemaRegistry({ host: url });
    for (const stream of catalog) {
      const { record } = sampleOf(stream.name);
      const { key, value, id } = codec.encode(stream, record, contextOf(stream));
      const fields = documentedFields[stream.name]!;
      const read = inHarvestForms(await consumer.decode(value), '', fields);
      expect(read).toEqual({ ...record, ...givenFields(stream), _extra: null });
      const identity = inHarvestForms(await consumer.decode(key), '', fields) as Record<string, unknown>;
      expect(Object.values(identity).join('|')).toBe(String(id));
    }
  });
});

describe('a registry that holds something else', () => {
  const clients = streamNamed('clients');

  test('is not written to, and every subject in the way is named', async () => {
    const prefix = freshPrefix();
    const [first, ...rest] = schemas.get('clients')!.fields;
    const numeric = rest.map((field) => (field.name === 'name' ? { ...field, type: ['null', 'long'] } : field));
    await client.register(`${prefix}.clients-value`, { ...schemas.get('clients')!, fields: [first, ...numeric] });
    await expect(prepareSubjects(client, catalog, { ...OPTIONS, prefix, autoRegister: true })).rejects.toMatchObject({
      code: 'registry.incompatible',
      message: expect.stringContaining(`${prefix}.clients-value does not take our schema`),
    });
    expect(await client.latest(`${prefix}.tasks-value`)).toBeNull();
  });

  test('takes our schema as the next version of an older one, and older values are understood [P2]', async () => {
    const prefix = freshPrefix();
    const current = schemas.get('clients')!;
    const older: RecordSchema = { ...current, fields: current.fields.filter(({ name }) => name !== 'statement_key') };
    const olderId = await client.register(`${prefix}.clients-value`, older);
    const codec = codecOf(await prepareSubjects(client, [clients], { ...OPTIONS, prefix, autoRegister: true }));
    const record = { ...sampleOf('clients').record, statement_key: null };
    const { id, key, value, hash } = codec.encode(clients, record, contextOf(clients));

    const header = Buffer.alloc(5);
    header.writeInt32BE(olderId, 1);
    const type = (schema: object) => avro.Type.forSchema(schema as avro.Schema, { wrapUnions: 'never' });
    const payload = type(older).toBuffer({ ...type(current).fromBuffer(value.subarray(5)) });
    expect(await codec.restore(clients, key, Buffer.concat([header, payload]))).toEqual({
      id,
      hash,
      group: null,
      day: null,
    });
  });

  test('refuses what is no Avro schema', async () => {
    const subject = `${freshPrefix()}.odd-value`;
    await expect(client.register(subject, { type: 'recrod' })).rejects.toMatchObject({
      code: 'registry.invalid',
      message: expect.stringContaining(subject),
    });
  });

  test('has no schema under an id that it never gave', async () => {
    expect(await client.schemaById(2 ** 31 - 1)).toBeNull();
  });

  test('is refused when another interface answers at the address', async () => {
    const wrong = createRegistryClient({ urls: [new URL(url).origin], clock: systemClock, random: systemRandom });
    await expect(wrong.lookup('x', schemas.get('clients')!)).rejects.toMatchObject({ code: 'registry.refused' });
    await wrong.close();
  });
});
