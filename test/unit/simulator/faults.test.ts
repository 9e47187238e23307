import { gunzipSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import type { FaultAction, FaultMatch } from '../../../lab/simulator/index.ts';
import { openHarvest, type SimulatedHarvest, START } from '../../support/simulated-harvest.ts';

let harvest: SimulatedHarvest;
afterEach(() => harvest.close());

async function withFault(action: FaultAction, match: FaultMatch = { times: 1 }): Promise<void> {
  harvest = await openHarvest();
  harvest.simulator.faults.add({ match, do: action });
}

test('a fault meets the stream it names, after so many requests, so many times', async () => {
  await withFault({ kind: 'status', status: 503 }, { stream: 'tasks|roles', after: 1, times: 2 });
  const statuses = [];
  for (const path of ['tasks', 'clients', 'roles', 'task_assignments', 'tasks', 'tasks']) {
    statuses.push((await harvest.ask(`/v2/${path}`)).status);
  }
  expect(statuses).toEqual([200, 200, 503, 200, 503, 200]);
});

test('a fault can be matched by path and method, and taken away', async () => {
  harvest = await openHarvest();
  const away = harvest.simulator.faults.add({
    match: { path: 'page=2', method: 'GET' },
    do: { kind: 'status', status: 500 },
  });
  expect((await harvest.ask('/v2/expenses?per_page=10&page=1')).status).toBe(200);
  const broken = await harvest.ask('/v2/expenses?per_page=10&page=2');
  expect([broken.status, broken.headers.get('content-type')]).toEqual([500, 'text/html; charset=utf-8']);
  away();
  expect((await harvest.ask('/v2/expenses?per_page=10&page=2')).status).toBe(200);
});

test('refusals come with their own bodies', async () => {
  await withFault({ kind: 'status', status: 403 });
  expect((await harvest.ask('/v2/clients')).json).toEqual({ message: 'Not authorized!' });
  harvest.simulator.faults.clear();
  harvest.simulator.faults.add({ do: { kind: 'status', status: 404 } });
  expect((await harvest.ask('/v2/clients')).json).toEqual({ status: 404, error: 'Not Found' });
});

test('a reset breaks the connection', async () => {
  await withFault({ kind: 'reset' });
  await expect(harvest.ask('/v2/clients')).rejects.toThrow();
  expect((await harvest.ask('/v2/clients')).status).toBe(200);
  expect(harvest.simulator.log.all().map(({ status }) => status)).toEqual([0, 200]);
});

test('a hanging request is never answered', async () => {
  await withFault({ kind: 'hang' });
  await expect(fetch(`${harvest.url}/v2/clients`, { signal: AbortSignal.timeout(100) })).rejects.toThrow();
});

test('a cut answer has its headers and ends before its length', async () => {
  await withFault({ kind: 'cut' });
  await expect(harvest.ask('/v2/time_entries')).rejects.toThrow();
});

test('truncated JSON is a complete answer that cannot be parsed', async () => {
  await withFault({ kind: 'truncate' });
  const response = await fetch(`${harvest.url}/v2/clients`, {
    headers: { authorization: 'Bearer simulated-token', 'harvest-account-id': '1234567', 'user-agent': 'a (b)' },
  });
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8']);
  await expect(response.json()).rejects.toThrow(SyntaxError);
});

test('bad gzip cannot be unpacked', async () => {
  await withFault({ kind: 'bad-gzip' });
  const outcome = harvest.simulator.handle({ method: 'GET', url: '/v2/clients', headers: {} });
  if (outcome.outcome !== 'answered') throw new Error('no answer');
  expect(outcome.headers['content-encoding']).toBe('gzip');
  expect(() => gunzipSync(outcome.body)).toThrow();
});

test('slow answers and slow bodies arrive whole', async () => {
  await withFault({ kind: 'delay', ms: 50 });
  harvest.simulator.faults.add({ do: { kind: 'drip', ms: 5 } });
  const start = performance.now();
  const { json } = await harvest.ask('/v2/clients');
  expect(performance.now() - start).toBeGreaterThan(50 + 7 * 5 - 5);
  expect(json.clients).toEqual(harvest.simulator.truth('clients'));
});

test('a page can be repeated', async () => {
  await withFault({ kind: 'repeat-page' }, { path: 'page=2', times: 1 });
  const page = (number: number) => harvest.ask(`/v2/time_entries?per_page=10&page=${number}`);
  const first = await page(1);
  expect((await page(2)).json).toEqual(first.json);
  expect((await page(2)).json).not.toEqual(first.json);
});

test.each(['self', 'foreign'] as const)('the next link can lead to %s', async (to) => {
  await withFault({ kind: 'next-link', to });
  const path = '/v2/clients?per_page=2';
  const { json } = await harvest.ask(path);
  const expected = to === 'self' ? harvest.url + path : `https://harvest.example.net${path}`;
  expect(json.links.next).toBe(expected);
});

test('the server clock can be off, for one answer or for all', async () => {
  await withFault({ kind: 'date-offset', seconds: -3600 });
  const date = async () => Date.parse((await harvest.ask('/v2/company')).headers.get('date') as string);
  expect(await date()).toBe(START - 3_600_000);
  harvest.simulator.settings.dateOffsetSeconds = 90;
  expect(await date()).toBe(START + 90_000);
});

test('a header can be dropped and tokens revoked in the middle of a walk', async () => {
  await withFault({ kind: 'drop-header', header: 'Date' });
  // node:http would put a Date of its own in, so the answer is looked at before the socket.
  const outcome = harvest.simulator.handle({ method: 'GET', url: '/v2/company' });
  expect(outcome.outcome === 'answered' && 'date' in outcome.headers).toBe(false);
  harvest.simulator.faults.add({ match: { after: 1 }, do: { kind: 'revoke-tokens' } });
  expect((await harvest.ask('/v2/company')).status).toBe(200);
  expect((await harvest.ask('/v2/company')).status).toBe(401);
});

test('anything can be done between two pages', async () => {
  harvest = await openHarvest();
  const { simulator } = harvest;
  const last = simulator.data.clients.create({ name: 'Gone before page two' });
  simulator.faults.add({
    match: { stream: 'clients', times: 1 },
    do: { kind: 'after', run: () => simulator.data.clients.delete(last.id) },
  });
  const { pages } = await harvest.walk('/v2/clients?per_page=3');
  expect(pages[0].clients[0].id).toBe(last.id);
  expect(pages.at(-1).total_entries).toBe(pages[0].total_entries - 1);
});

test('a request whose answer breaks on the way still counts against the budget', async () => {
  harvest = await openHarvest({ budgets: { general: { requests: 2, seconds: 15 } } });
  harvest.simulator.faults.add({ match: { times: 2 }, do: { kind: 'status', status: 502 } });
  const statuses = [];
  for (let at = 0; at < 3; at++) statuses.push((await harvest.ask('/v2/company')).status);
  expect(statuses).toEqual([502, 502, 429]);
});

test('error bodies can all be HTML', async () => {
  harvest = await openHarvest({ settings: { htmlErrors: true } });
  const { status, headers } = await harvest.ask('/v2/clients/1');
  expect([status, headers.get('content-type')]).toEqual([404, 'text/html; charset=utf-8']);
});

test('the control API is closed unless it was asked for', async () => {
  harvest = await openHarvest();
  expect((await harvest.ask('/_control/stats')).status).not.toBe(200);
});

test('the control API adds faults, changes the account and tells the truth', async () => {
  harvest = await openHarvest({ control: true });
  const post = (path: string, body: unknown) => harvest.ask(`/_control/${path}`, { method: 'POST', body });
  await post('faults', { match: { stream: 'clients', times: 1 }, do: { kind: 'status', status: 500 } });
  expect((await harvest.ask('/v2/clients')).status).toBe(500);
  const { json } = await post('mutate', { count: 5, seed: 9 });
  expect(json.mutations).toHaveLength(5);
  const stats = (await harvest.ask('/_control/stats')).json;
  expect(stats).toMatchObject({ requests: 1, statuses: { 500: 1 }, max_in_any_window: { general: 1, reports: 0 } });
  const truth = (await harvest.ask('/_control/truth?stream=projects')).json;
  expect(truth.records).toEqual(harvest.simulator.truth('projects'));
  await post('settings', { role: 'member' });
  expect((await harvest.ask('/v2/clients')).status).toBe(403);
  expect((await harvest.ask('/_control/truth?stream=nothing')).status).toBe(400);
});

test('the control API reads JSON also when it is sent as curl sends it by default', async () => {
  harvest = await openHarvest({ control: true });
  const post = (body: string) =>
    fetch(`${harvest.url}/_control/mutate`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
  expect(await (await post('{"count":5,"seed":9}')).json()).toHaveProperty('mutations.length', 5);
  expect((await post('count=5')).status).toBe(400);
});
