// Many accounts whose subjects hold the same schemas: what the registry is asked of them.
import { beforeEach, describe, expect, test } from 'vitest';
import { prepareSubjects } from '../../../src/codec/registry.ts';
import { catalog } from '../../../src/streams/catalog.ts';
import { client, OPTIONS, registryForEach, renewClient, stub } from './registry-clients.ts';

registryForEach();

const ACCOUNTS = 5;
const SUBJECTS = 2 * catalog.length;
const prefixes = Array.from({ length: ACCOUNTS }, (_, at) => `a${at}`);
const prepareAll = (autoRegister: boolean) =>
  Promise.all(prefixes.map((prefix) => prepareSubjects(client, catalog, { ...OPTIONS, prefix, autoRegister })));

beforeEach(async () => {
  await prepareAll(true);
  renewClient();
  stub.requests.length = 0;
});

describe('a start of many accounts', () => {
  test('for the first time looks each subject up and registers it, and asks for nothing else', async () => {
    const names = prefixes.map((prefix) => `new-${prefix}`);
    const ids = await Promise.all(
      names.map((prefix) => prepareSubjects(client, catalog, { ...OPTIONS, prefix, autoRegister: true })),
    );
    const asked = (pattern: RegExp) => stub.requests.filter((request) => pattern.test(request)).length;
    expect(asked(/^POST .*\/versions$/)).toBe(ACCOUNTS * SUBJECTS);
    expect(asked(/^POST \/subjects\/[^/]+$/)).toBe(ACCOUNTS * SUBJECTS);
    expect(asked(/^(GET|POST \/compatibility)/)).toBe(0);
    for (const one of ids) expect(one).toEqual(ids[0]);
  });

  test('asks of each schema once who holds it, whatever the number of accounts', async () => {
    const ids = await prepareAll(false);
    expect(stub.requests.length).toBe(2 * SUBJECTS);
    for (const one of ids) expect(one).toEqual(ids[0]);
  });

  test('looks up every subject of a registry that cannot tell who holds a schema', async () => {
    stub.interfere = (request) =>
      /^GET \/schemas\/ids\/\d+\/versions$/.test(request) ? { status: 404, body: '{"error_code":40403}' } : undefined;
    await prepareAll(false);
    const lookUps = stub.requests.filter((request) => /^POST \/subjects\/[^/]+$/.test(request));
    expect(lookUps.length).toBe(ACCOUNTS * SUBJECTS);
  });

  test('finds that a subject of one account holds another schema, and that one is gone', async () => {
    stub.subjects.set('a3.clients-value', [...stub.subjects.get('a3.users-value')!]);
    stub.subjects.delete('a4.tasks-value');
    const ends = await Promise.allSettled(
      prefixes.map((prefix) => prepareSubjects(client, catalog, { ...OPTIONS, prefix, autoRegister: false })),
    );
    const failed = ends.flatMap((end, at) => (end.status === 'rejected' ? [[at, String(end.reason.message)]] : []));
    expect(failed).toEqual([
      [3, expect.stringContaining('a3.clients-value does not take our schema')],
      [4, expect.stringContaining('a4.tasks-value is not registered')],
    ]);
  });
});
