// A registry that lets few requests through, or is slow: everything is asked for all the same, and nobody is worn out.
import { describe, expect, test } from 'vitest';
import { prepareSubjects } from '../../../src/codec/registry.ts';
import { catalog } from '../../../src/streams/catalog.ts';
import { type SkippingClock, skippingClock } from '../../support/skipping-clock.ts';
import { client, clientOf, failure, OPTIONS, registryForEach, SCHEMA, stub } from './registry-clients.ts';

registryForEach();

describe('a registry that limits us', () => {
  /** Lets so many requests through between two pauses of a second, by the clock that it gives to its clients. */
  function limited(requests: number): SkippingClock {
    const clock = skippingClock();
    let left = 0;
    let opensAt = 0;
    stub.interfere = () => {
      const at = clock.monotonic();
      if (at >= opensAt) [left, opensAt] = [requests, Number.POSITIVE_INFINITY];
      if (left-- > 0) return undefined;
      opensAt = Math.min(opensAt, at + 1_000);
      return { status: 429, body: '{"error_code":42900}', headers: { 'retry-after': '1' } };
    };
    return clock;
  }

  test('is asked for everything all the same, as fast as it allows', async () => {
    const told: string[] = [];
    const patient = clientOf({
      clock: limited(15),
      onLimited: (error, ms) => told.push(`${error.code} ${Math.round(ms)} ${error.message}`),
    });
    const ids = await prepareSubjects(patient, catalog, { ...OPTIONS, autoRegister: true });
    expect(ids.size).toBe(catalog.length);
    // Two subjects a stream are looked up and registered: some 140 requests, of which 15 are answered between two pauses.
    expect(told.length).toBeGreaterThanOrEqual(7);
    expect(new Set(told)).toEqual(
      new Set([`registry.throttled 1000 schema registry ${stub.url}: answered 429, no request for 1 s`]),
    );
  });

  test('is left alone by all requests together for as long as it says, which is told once', async () => {
    const clock = limited(3);
    const told: string[] = [];
    const wakes: (() => void)[] = [];
    const sleep = () => new Promise<void>((wake) => wakes.push(wake));
    const waiting = clientOf({ clock: { ...clock, sleep }, onLimited: (error) => told.push(error.code) });
    const asked = Promise.all(Array.from({ length: 20 }, (_, id) => waiting.schemaById(id)));
    await expect.poll(() => wakes.length).toBe(8);
    expect(stub.requests.length, 'what was under way').toBeLessThanOrEqual(3 + 8);
    expect(told).toEqual(['registry.throttled']);
    stub.interfere = () => undefined;
    await clock.sleep(1_000);
    for (const wake of wakes) wake();
    expect(await asked).toHaveLength(20);
  });

  test('for a second without saying so is asked again after a second', async () => {
    let refusals = 2;
    stub.interfere = () => (refusals-- > 0 ? { status: 429, body: '' } : undefined);
    const clock = skippingClock();
    expect(await clientOf({ clock }).register('s', SCHEMA)).toBe(1);
    expect(clock.sleeps.map(Math.round)).toEqual([1_000, 1_000]);
  });

  test('and lets nothing through for a minute is told as that, not as one that is down', async () => {
    const clock = limited(0);
    await expect(clientOf({ clock }).lookup('s', SCHEMA)).rejects.toThrow(
      failure('registry.throttled', /answered 429, no request for 1 s$/),
    );
    expect(clock.sleeps.length).toBeGreaterThan(50);
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
    const timed = clientOf({ clock: { ...skippingClock(), after } });
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
