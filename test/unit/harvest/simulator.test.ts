// The client against the simulated Harvest: whole walks, its own budgets as judge, its faults as weather.
import { expect, onTestFinished, test } from 'vitest';
import { createSimulator, type Simulator, serve } from '../../../lab/simulator/index.ts';
import { Secret } from '../../../src/base/secret.ts';
import type { JsonObject } from '../../../src/engine/ports.ts';
import { createSource, type HarvestSource } from '../../../src/harvest/client.ts';
import type { Transport } from '../../../src/harvest/transport.ts';
import { EPOCH } from '../../support/epoch.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { clientOf, failureOf, page } from './scripted-harvest.ts';

const signal = new AbortController().signal;

async function walk(source: HarvestSource, stream: string, query: Record<string, string> = {}): Promise<JsonObject[]> {
  const records: JsonObject[] = [];
  for (let next = await source.fetchPage(page(stream, { query }), signal); ; ) {
    records.push(...next.records);
    if (next.next === null) return records;
    next = await source.fetchPage(page(stream, { link: next.next }), signal);
  }
}

async function served(simulator: Simulator): Promise<{ url: string; seen: [] }> {
  const { url, close } = await serve(simulator);
  onTestFinished(close);
  return { url, seen: [] };
}

test.each(['clients', 'time_entries'])('a walk over %s in small pages brings every record once', async (stream) => {
  const simulator = createSimulator({ token: 'a-token', accountId: 42, now: () => EPOCH });
  const { source } = clientOf(await served(simulator), { credential: { accessToken: new Secret('a-token') } });
  const whole = await walk(source, stream);
  const inPieces = await walk(source, stream, { per_page: String(Math.max(1, Math.ceil(whole.length / 7))) });
  expect(whole.length).toBeGreaterThan(7);
  expect(inPieces.map(({ id }) => id)).toEqual(whole.map(({ id }) => id));
});

test('weather of every kind is walked through', async () => {
  const simulator = createSimulator({ token: 'a-token', accountId: 42, now: () => EPOCH });
  const { source } = clientOf(await served(simulator), { credential: { accessToken: new Secret('a-token') } });
  const expected = await walk(source, 'clients', { per_page: '1' });
  for (const kind of ['reset', 'cut', 'truncate', 'bad-gzip'] as const) {
    const stop = simulator.faults.add({ match: { stream: 'clients', after: 1, times: 2 }, do: { kind } });
    expect((await walk(source, 'clients', { per_page: '1' })).length, kind).toBe(expected.length);
    stop();
  }
  simulator.faults.add({ match: { stream: 'clients' }, do: { kind: 'next-link', to: 'foreign' } });
  expect(await failureOf(walk(source, 'clients', { per_page: '1' }))).toMatchObject({ code: 'harvest.foreign_link' });
});

test('an OAuth client outlives the death of its access token and the rotation of its refresh token', async () => {
  const simulator = createSimulator({ accountId: 42, now: () => EPOCH, oauth: { rotate: true } });
  const { source, events } = clientOf(await served(simulator), {
    credential: {
      oauth: {
        clientId: 'simulated-client',
        clientSecret: new Secret('simulated-secret'),
        refreshToken: new Secret('simulated-refresh-token'),
        tokenFile: null,
      },
    },
  });
  for (let i = 0; i < 3; i++) {
    await source.fetchPage(page('clients'), signal);
    simulator.tokens.revokeAllAccess();
  }
  await source.fetchPage(page('clients'), signal);
  expect(events.filter(({ name }) => name === 'token.refreshed')).toHaveLength(4);
});

test('one hour of steady demand: Harvest throttles nobody, and nearly all of its budget is used [P6]', async () => {
  const clock = new VirtualClock();
  const simulator = createSimulator({ token: 'a-token', accountId: 42, now: () => clock.now() });
  const answers: number[] = [];
  // Each request reaches the simulator halfway through its 200 ms. Unpacking runs on threads, which virtual time does
  // not wait for, so nothing is packed.
  const transport: Transport = async ({ method, url, headers: { 'accept-encoding': _, ...headers } }) => {
    await clock.sleep(100);
    const outcome = simulator.handle({ method, url, headers });
    await clock.sleep(100);
    if (outcome.outcome !== 'answered') throw new Error(outcome.outcome);
    answers.push(outcome.status);
    return outcome;
  };
  const source = createSource({
    baseUrl: 'http://simulated.test',
    userAgent: 'harvest-kafka-tests (tests@example.com)',
    accountId: 42,
    credential: { accessToken: new Secret('a-token') },
    budgets: { general: { requests: 100, perSeconds: 15 }, reports: { requests: 100, perSeconds: 900 } },
    connections: 20,
    clock,
    random: () => 0,
    emit: () => {},
    transport,
  });
  const end = 3_600_000;
  const reports = { query: { from: '20260101', to: '20260131' } };
  const demand = async (request: ReturnType<typeof page>) => {
    while (clock.monotonic() < end) await source.fetchPage(request, signal);
  };
  const work = [
    ...Array.from({ length: 18 }, () => demand(page('roles'))),
    ...Array.from({ length: 2 }, () => demand(page('time_team', reports))),
  ];
  await clock.pass();
  await Promise.all(work);
  expect(answers.filter((status) => status !== 200)).toEqual([]);
  const possible = (end / 15_000) * 100 + (end / 900_000) * 100;
  expect(answers.length / possible).toBeGreaterThan(0.95);
});
