// A registry that lets few requests through, or is slow: everything is asked for all the same, and nobody is worn out.
import { describe, expect, test } from 'vitest';
import { prepareSubjects, type RegistryClient } from '../../../src/codec/registry.ts';
import { catalog } from '../../../src/streams/catalog.ts';
import { client, clientOf, failure, OPTIONS, REAL, registryForEach, SCHEMA, stub } from './registry-clients.ts';

registryForEach();

describe('a registry that limits us', () => {
  /** Lets so many requests through between two pauses of a second. */
  function limited(requests: number): void {
    let left = requests;
    stub.interfere = () => {
      if (left-- > 0) return undefined;
      return { status: 429, body: '{"error_code":42900}', headers: { 'retry-after': '1' } };
    };
    allow = () => {
      left = requests;
    };
  }
  let allow = () => {};

  /** A client whose waits are over as soon as all answers are there, and bring the registry's next allowance. */
  function patient(slept: number[], told: string[] = []): RegistryClient {
    let passed = 0;
    const clock = {
      ...REAL,
      monotonic: () => REAL.monotonic() + passed,
      sleep: async (ms: number) => {
        const until = passed + ms;
        slept.push(ms);
        while (stub.open() > 0) await new Promise(setImmediate);
        if (until <= passed) return;
        passed = until;
        allow();
      },
    };
    return clientOf({ clock, onLimited: (error, ms) => told.push(`${error.code} ${Math.round(ms)} ${error.message}`) });
  }

  test('is asked for everything all the same, as fast as it allows', async () => {
    limited(15);
    const told: string[] = [];
    const ids = await prepareSubjects(patient([], told), catalog, { ...OPTIONS, autoRegister: true });
    expect(ids.size).toBe(catalog.length);
    // Two subjects a stream are looked up and registered: some 140 requests, of which 15 are answered between two pauses.
    expect(told.length).toBeGreaterThanOrEqual(7);
    expect(new Set(told)).toEqual(
      new Set([`registry.throttled 1000 schema registry ${stub.url}: answered 429, no request for 1 s`]),
    );
  });

  test('is left alone by all requests together for as long as it says, which is told once', async () => {
    limited(3);
    const told: string[] = [];
    const wakes: (() => void)[] = [];
    let passed = 0;
    const clock = {
      ...REAL,
      monotonic: () => REAL.monotonic() + passed,
      sleep: () => new Promise<void>((wake) => wakes.push(wake)),
    };
    const waiting = clientOf({ clock, onLimited: (error) => told.push(error.code) });
    const asked = Promise.all(Array.from({ length: 20 }, (_, id) => waiting.schemaById(id)));
    await expect.poll(() => wakes.length).toBe(8);
    expect(stub.requests.length, 'what was under way').toBeLessThanOrEqual(3 + 8);
    expect(told).toEqual(['registry.throttled']);
    stub.interfere = () => undefined;
    passed = 1_000;
    for (const wake of wakes) wake();
    expect(await asked).toHaveLength(20);
  });

  test('for a second without saying so is asked again after a second', async () => {
    let refusals = 2;
    stub.interfere = () => (refusals-- > 0 ? { status: 429, body: '' } : undefined);
    const slept: number[] = [];
    expect(await clientOf({}, slept).register('s', SCHEMA)).toBe(1);
    expect(slept.map(Math.round)).toEqual([1_000, 1_000]);
  });

  test('and lets nothing through for a minute is told as that, not as one that is down', async () => {
    limited(0);
    const slept: number[] = [];
    await expect(patient(slept).lookup('s', SCHEMA)).rejects.toThrow(
      failure('registry.throttled', /answered 429, no request for 1 s$/),
    );
    expect(slept.length).toBeGreaterThan(50);
  });

  test.each([429, 503])(
    'for an hour with %i is told at once, and asked no more before the hour is over',
    async (status) => {
      stub.interfere = () => ({ status, body: '', headers: { 'retry-after': '3600' } });
      const told = failure('registry.throttled', /no request for 3600 s$/);
      await expect(client.lookup('s', SCHEMA)).rejects.toThrow(told);
      await expect(client.latest('other')).rejects.toThrow(failure('registry.throttled', /no request for/));
      expect(stub.requests).toHaveLength(1);
    },
  );

  test('in the middle of a start keeps what it has answered', async () => {
    await prepareSubjects(client, catalog, { ...OPTIONS, autoRegister: true });
    const fresh = clientOf();
    const requested = () => stub.requests.length;
    const before = requested();
    let left = 40;
    stub.interfere = () => (left-- > 0 ? undefined : { status: 503, body: '' });
    const prepare = () => prepareSubjects(fresh, catalog, { ...OPTIONS, autoRegister: true });
    await expect(prepare()).rejects.toThrow(failure('registry.unavailable', 'answered 503'));
    stub.interfere = () => undefined;
    const after = requested();
    expect(after - before).toBeGreaterThan(40);
    expect((await prepare()).size).toBe(catalog.length);
    expect(requested() - after, 'the rest of two a stream').toBe(2 * catalog.length - 40);
  });
});

describe('a registry that is slow', () => {
  test('is asked by ten accounts that start together, and the time of a request begins when it is sent', async () => {
    let running = 0;
    let most = 0;
    const after = () => {
      most = Math.max(most, ++running);
      return () => void running--;
    };
    const timed = clientOf({ clock: { ...REAL, after } });
    const streams = catalog.slice(0, 4);
    const starts = Array.from({ length: 10 }, (_, account) =>
      prepareSubjects(timed, streams, { ...OPTIONS, prefix: `harvest.${account}`, autoRegister: true }),
    );
    expect((await Promise.all(starts)).map(({ size }) => size)).toEqual(new Array(10).fill(4));
    expect(most, 'those that wait in line have no time to lose').toBe(8);
    expect(stub.mostAtOnce()).toBeLessThanOrEqual(8);
  });

  test('and answers nobody any more fails for all who wait, in the time of one request', async () => {
    stub.interfere = () => 'hang';
    const hasty = clientOf({ timeoutMs: 50 });
    const asked = Array.from({ length: 200 }, (_, id) => hasty.schemaById(id));
    const ends = await Promise.allSettled(asked);
    expect(ends.filter(({ status }) => status === 'rejected')).toHaveLength(200);
    expect(stub.requests.length, 'three tries of those who had a place').toBeLessThanOrEqual(24);
  });
});
