import { describe, expect, test } from 'vitest';
import { Secret } from '../../../src/base/secret.ts';
import { maskedSchema } from '../../../src/codec/mask.ts';
import { diffSubjects, prepareSubjects, subjectsOf } from '../../../src/codec/registry.ts';
import { catalog } from '../../../src/streams/catalog.ts';
import { schemas, streamNamed } from '../../support/codec.ts';
import { startRegistryStub } from '../../support/registry-stub.ts';
import { skippingClock } from '../../support/skipping-clock.ts';
import { client, clientOf, failure, OPTIONS, registryForEach, renewClient, SCHEMA, stub } from './registry-clients.ts';

const OTHER = { type: 'record', name: 'R', fields: [{ name: 'id', type: 'string' }] };

registryForEach();

describe('one subject', () => {
  test('is unknown, then registered, then found under the same id', async () => {
    expect(await client.lookup('a.b-value', SCHEMA)).toBeNull();
    expect(await client.latest('a.b-value')).toBeNull();
    const id = await client.register('a.b-value', SCHEMA);
    expect(await client.lookup('a.b-value', SCHEMA)).toBe(id);
    expect(await client.register('a.b-value', SCHEMA)).toBe(id);
    expect(await client.latest('a.b-value')).toEqual({ id, version: 1, schema: SCHEMA });
    expect(await client.schemaById(id)).toEqual(SCHEMA);
    expect(await client.schemaById(id + 1)).toBeNull();
  });

  test('says why it would not take a schema, without taking it', async () => {
    expect(await client.incompatibility('s', SCHEMA)).toBeNull();
    await client.register('s', SCHEMA);
    expect(await client.incompatibility('s', SCHEMA)).toBeNull();
    expect(await client.incompatibility('s', OTHER)).toBe('READER_FIELD_MISSING_DEFAULT_VALUE');
    expect(stub.subjects.get('s')).toHaveLength(1);
  });

  test.each([
    [409, '{"error_code":409,"message":"said no"}', 'registry.incompatible', /^s does not take our schema: said no$/],
    [422, '{"error_code":42201,"message":"said no"}', 'registry.invalid', /^s was not accepted as Avro: said no$/],
    [422, '{"message":["odd"]}', 'registry.invalid', /^s was not accepted as Avro$/],
    [401, 'no', 'registry.unauthorised', /answered 401 for s$/],
    [403, '', 'registry.unauthorised', /answered 403 for s$/],
    [404, '<html>nothing here</html>', 'registry.refused', /^POST http:\S+\/subjects\/s\/versions was answered 404$/],
    [404, '{"error_code":404,"message":"no route"}', 'registry.refused', /was answered 404: no route$/],
    [400, 'broken', 'registry.refused', /was answered 400$/],
    [200, '<html>a proxy</html>', 'registry.refused', /^the answer for s holds no schema id$/],
  ])('a registry that answers %i %s is told apart', async (status, body, code, message) => {
    stub.interfere = () => ({ status, body });
    await expect(client.register('s', SCHEMA)).rejects.toThrow(failure(code, message));
    expect(stub.requests).toHaveLength(1);
  });

  test('an answer without a schema is refused', async () => {
    stub.interfere = () => ({ status: 200, body: '{}' });
    await expect(client.schemaById(5)).rejects.toThrow(failure('registry.refused', /id 5 holds no schema/));
  });

  test.each([
    ['a text key', '"string"'],
    ['a union', '["null","long"]'],
    ['Protobuf', 'syntax = "proto3"; message R {}'],
  ])('%s under an id is no record', async (_, schema) => {
    stub.interfere = () => ({ status: 200, body: JSON.stringify({ schema }) });
    expect(await client.schemaById(5)).toBeNull();
  });
});

describe('a registry that fails', () => {
  test.each([500, 502, 503])('with %i is asked again after a growing wait, whatever the verb', async (status) => {
    let failures = 2;
    stub.interfere = () => (failures-- > 0 ? { status, body: '' } : undefined);
    const clock = skippingClock();
    expect(await clientOf({ clock }).register('s', SCHEMA)).toBe(1);
    expect(clock.sleeps).toEqual([200, 400]);
  });

  test('for good is unavailable', async () => {
    stub.interfere = () => ({ status: 503, body: '' });
    await expect(client.lookup('s', SCHEMA)).rejects.toThrow(
      failure('registry.unavailable', /127.0.0.1:\d+: answered 503$/),
    );
    expect(stub.requests).toHaveLength(3);
  });

  test('by never answering is given up in time', async () => {
    stub.interfere = () => 'hang';
    const hasty = clientOf({ timeoutMs: 30 });
    await expect(hasty.schemaById(1)).rejects.toThrow(failure('registry.unavailable', /no answer within 30 ms$/));
  });

  test('by an answer without end is given up before it fills the memory', async () => {
    stub.interfere = () => ({ status: 200, body: ' '.repeat(2 ** 20 + 1) });
    await expect(client.schemaById(1)).rejects.toThrow(failure('registry.unavailable', /size/));
  });

  test('by refusing connections is unavailable, not a bad request', async () => {
    await stub.close();
    await expect(client.schemaById(1)).rejects.toThrow(failure('registry.unavailable', /ECONNREFUSED/));
  });

  test('is left for the next address, which stays the first choice', async () => {
    const second = await startRegistryStub();
    try {
      const both = clientOf({ urls: [stub.url, second.url] });
      stub.interfere = () => ({ status: 500, body: '' });
      expect(await both.register('s', SCHEMA)).toBe(1);
      expect((await both.latest('s'))!.id).toBe(1);
      expect(stub.requests).toHaveLength(1);
      expect(second.requests).toHaveLength(2);
    } finally {
      await second.close();
    }
  });

  test('holds nobody up once the client is closed', async () => {
    stub.interfere = () => 'hang';
    const pending = expect(client.schemaById(1)).rejects.toThrow(failure('registry.unavailable', ''));
    await client.close();
    await pending;
    expect(stub.requests.length).toBeLessThanOrEqual(1);
  });
});

describe('a schema id', () => {
  test('beyond 2^31 is taken', async () => {
    stub.firstId = 3_000_000_000;
    expect(await client.register('s', SCHEMA)).toBe(3_000_000_000);
  });

  test('that no message has room for is refused with the reason', async () => {
    stub.firstId = 2 ** 32;
    await expect(client.register('s', SCHEMA)).rejects.toThrow(
      failure(
        'registry.refused',
        /^the schema id of s is 4294967296, and a message has room for ids up to 4294967295$/,
      ),
    );
  });
});

describe('logging in', () => {
  test('basic and bearer credentials go with every request', async () => {
    await clientOf({ auth: { username: 'ada', password: new Secret('s3cret') } }).schemaById(1);
    await clientOf({ auth: { bearer_token: new Secret('t0ken') } }).schemaById(1);
    await clientOf().schemaById(1);
    expect(stub.authorizations).toEqual([`Basic ${btoa('ada:s3cret')}`, 'Bearer t0ken', undefined]);
  });

  test('no credential shows in a failure [P10]', async () => {
    const auth = { username: 'ada', password: new Secret('s3cret') };
    stub.interfere = () => ({ status: 401, body: '' });
    const error = await clientOf({ auth })
      .schemaById(1)
      .catch((thrown: Error) => thrown);
    expect(`${(error as Error).stack} ${JSON.stringify(error)}`).not.toMatch(/s3cret|YWRhOnMzY3JldA/);
  });
});

describe('a registry or a proxy that throws our log-in back at us', () => {
  const basic = { username: 'ada', password: new Secret('s3cret') };
  const bearer = { bearer_token: new Secret('t0ken') };
  const echoed = 'authorization: Basic YWRhOnMzY3JldA== Bearer t0ken, that is s3cret';

  test.each([400, 404, 409, 422])('with %i gets none of it into our words', async (status) => {
    stub.interfere = () => ({ status, body: JSON.stringify({ error_code: status, message: echoed }) });
    for (const auth of [basic, bearer]) {
      const said = String(
        await clientOf({ auth })
          .register('s', SCHEMA)
          .catch((thrown) => thrown.message),
      );
      expect(said).toContain('[redacted]');
      expect(said).not.toMatch(auth === basic ? /s3cret|YWRhOnMzY3JldA/ : /t0ken/);
    }
  });

  test('as the reason of an incompatibility neither', async () => {
    stub.interfere = () => ({ status: 200, body: JSON.stringify({ is_compatible: false, messages: [echoed] }) });
    expect(await clientOf({ auth: bearer }).incompatibility('s', SCHEMA)).toContain('Bearer [redacted]');
  });
});

describe('all subjects', () => {
  const prepare = (autoRegister: boolean, options = {}) =>
    prepareSubjects(client, catalog, { ...OPTIONS, autoRegister, ...options });

  test('are registered once, found again, and named by topic', async () => {
    const first = await prepare(true);
    expect(first.size).toBe(catalog.length);
    expect([...stub.subjects.keys()].sort()).toEqual(
      catalog.flatMap(({ name }) => [`harvest.${name}-key`, `harvest.${name}-value`]).sort(),
    );
    expect(await prepare(false)).toEqual(first);
    stub.requests.length = 0;
    renewClient();
    expect(await prepare(false)).toEqual(first);
    expect(stub.requests).toHaveLength(2 * catalog.length);
    expect(stub.requests.some((request) => request.includes('/versions'))).toBe(false);
    expect(stub.mostAtOnce()).toBeLessThanOrEqual(8);
  });

  test('string keys need no subject', async () => {
    const ids = await prepare(true, { keyFormat: 'string' });
    expect([...stub.subjects.keys()].filter((name) => name.endsWith('-key'))).toEqual([]);
    expect(ids.get('clients')!.key).toBeNull();
    expect(ids.get('clients')!.value).toBeGreaterThan(0);
  });

  test('the registered schema is the file with its decimals as configured', async () => {
    await prepare(true, { mode: 'double' });
    const held = JSON.parse(stub.subjects.get('harvest.cost_rates-value')![0]!);
    expect(held.fields.find(({ name }: { name: string }) => name === 'amount').type).toEqual(['null', 'double']);
    const subjects = subjectsOf([streamNamed('tasks')], OPTIONS);
    expect(subjects.find(({ part }) => part === 'value')!.schema).toEqual(schemas.get('tasks'));
  });

  test('those that are missing are all listed when registering is off', async () => {
    const error = await prepare(false).catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ code: 'registry.not_registered', kind: 'fatal' });
    for (const { name } of catalog)
      expect((error as Error).message).toContain(`harvest.${name}-value is not registered`);
    expect(stub.subjects.size).toBe(0);
  });

  test('those in the way are all listed, and nothing is registered', async () => {
    stub.subjects.set('harvest.clients-value', [JSON.stringify(SCHEMA)]);
    stub.subjects.set('harvest.tasks-key', [JSON.stringify(OTHER)]);
    await expect(prepare(true)).rejects.toThrow(
      failure(
        'registry.incompatible',
        /^harvest\.clients-value does not take our schema: READER\w+\nharvest\.tasks-key does not/,
      ),
    );
    expect(stub.subjects.size).toBe(2);
  });

  test('a type that changes is refused, also where Avro would read the one as the other [P10]', async () => {
    await prepare(true);
    const before = [...stub.subjects].map(([name, held]) => [name, held.length]);
    stub.interfere = (request) =>
      request.startsWith('POST /compatibility') ? { status: 200, body: '{"is_compatible":true}' } : undefined;
    const invoices = maskedSchema(schemas.get('invoices')!, {
      exclude: ['notes'],
      hash: ['amount', 'client_key', 'line_items.unit_price', 'creator'],
    });
    await expect(prepare(true, { schemas: new Map([...schemas, ['invoices', invoices]]) })).rejects.toThrow(
      failure(
        'registry.incompatible',
        'harvest.invoices-value does not take our schema: line_items.unit_price is bytes \\(decimal\\) there and string here, creator is record there and string here, amount is bytes \\(decimal\\) there and string here$',
      ),
    );
    await expect(prepare(true, { mode: 'string' })).rejects.toThrow(
      failure('registry.incompatible', 'harvest.cost_rates-value does not take our schema: amount is bytes'),
    );
    expect([...stub.subjects].map(([name, held]) => [name, held.length])).toEqual(before);
  });

  test('a refusal that only the registering shows is reported for every subject', async () => {
    stub.interfere = (request) =>
      request.includes('-key/versions') && request.startsWith('POST /subjects')
        ? { status: 422, body: '{"error_code":42201,"message":"bad"}' }
        : undefined;
    const error = (await prepare(true).catch((thrown: Error) => thrown)) as Error;
    expect(error).toMatchObject({ code: 'registry.invalid' });
    expect(error.message.split('\n')).toHaveLength(catalog.length);
  });

  test('a registry that goes down meanwhile is unavailable, whatever else it said', async () => {
    stub.interfere = (request) => {
      if (!/^POST \/subjects\/.*versions/.test(request)) return undefined;
      return request.includes('-key') ? { status: 422, body: '{}' } : { status: 503, body: '' };
    };
    await expect(prepare(true)).rejects.toThrow(failure('registry.unavailable', /answered 503$/));
  });

  test('none is registered when one is lost whose topic was written to: it is another registry', async () => {
    const written = async (streams: readonly string[]) =>
      new Set(streams.filter((name) => /^(roles|tasks)$/.test(name)));
    for (const autoRegister of [true, false]) {
      const error = (await prepare(autoRegister, { written }).catch((thrown: Error) => thrown)) as Error;
      expect(error).toMatchObject({ code: 'registry.replaced', exitCode: 65 });
      expect(error.message.split('\n').sort()).toEqual([
        'harvest.roles-value is not registered, although its topic was written to',
        'harvest.tasks-value is not registered, although its topic was written to',
      ]);
    }
    expect(stub.subjects.size).toBe(0);
  });

  test('one that was only deleted is told apart from another registry, with the command that brings it back', async () => {
    await prepare(true);
    stub.remove('harvest.tasks-value');
    renewClient();
    const written = async () => new Set(['tasks']);
    const error = (await prepare(true, { written }).catch((thrown: Error) => thrown)) as Error;
    expect(error).toMatchObject({
      code: 'registry.replaced',
      message: 'harvest.tasks-value was deleted, although its topic was written to; the registry still has it',
      remedy: expect.stringContaining('harvest-kafka schemas register'),
    });
    const before = stub.requests.length;
    const ids = await prepare(true);
    expect(stub.requests.slice(before)).toContain('POST /subjects/harvest.tasks-value/versions');
    expect(ids.get('tasks')!.value, 'the id that its records carry').toBeGreaterThan(0);
  });

  test('none can be registered with a registry that is read-only, which is told with where to register', async () => {
    stub.interfere = (request) =>
      /^POST \/subjects\/.*versions/.test(request)
        ? { status: 422, body: '{"error_code":42205,"message":"Subject x is in read-only mode"}' }
        : undefined;
    await expect(prepare(true)).rejects.toThrow(
      expect.objectContaining({
        code: 'registry.refused',
        message: expect.stringMatching(/-value was not registered: Subject x is in read-only mode/),
        remedy: expect.stringMatching(/read-only.*schemas register.*auto_register: false/),
      }),
    );
  });

  test('a new version of a subject is registered, whatever its topic holds', async () => {
    const older = schemas.get('roles')!;
    stub.subjects.set('harvest.roles-value', [JSON.stringify({ ...older, doc: 'An older version.' })]);
    const asked: string[][] = [];
    const written = async (streams: readonly string[]) => {
      asked.push([...streams]);
      return new Set(['roles']);
    };
    expect((await prepare(true, { written })).size).toBe(catalog.length);
    expect(stub.subjects.get('harvest.roles-value')).toHaveLength(2);
    expect((await prepare(true, { written })).size).toBe(catalog.length);
    expect(asked, 'the broker is asked only when something is missing').toHaveLength(1);
  });

  test('are compared without writing', async () => {
    await client.register('harvest.roles-value', schemas.get('roles')!);
    stub.subjects.set('harvest.roles-key', [JSON.stringify(OTHER)]);
    stub.requests.length = 0;
    const differences = await diffSubjects(client, [streamNamed('roles'), streamNamed('tasks')], OPTIONS);
    expect(differences.map(({ subject, state, id, message }) => [subject.name, state, id, message])).toEqual([
      ['harvest.roles-value', 'registered', 1, null],
      ['harvest.roles-key', 'incompatible', null, 'READER_FIELD_MISSING_DEFAULT_VALUE'],
      ['harvest.tasks-value', 'missing', null, null],
      ['harvest.tasks-key', 'missing', null, null],
    ]);
    expect(stub.requests.filter((request) => /^POST \/subjects\/.*versions/.test(request))).toEqual([]);
  });
});
