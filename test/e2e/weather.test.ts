// The built daemon in all weather that Harvest and a network can make, in one life: what passes leaves no trace, what stays is
// told, and after a restart everything is equal. A connection that hangs costs half a minute, and has tests of its own.
import { expect, test } from 'vitest';
import type { FaultAction } from '../../lab/simulator/faults.ts';
import { systemClock } from '../../src/base/clock.ts';
import { daemon, type RunningDaemon } from '../support/daemon.ts';
import { OAUTH, oauthConfig } from '../support/oauth.ts';
import { NO_LIMITS, until } from '../support/publisher.ts';
import { scene } from '../support/scene.ts';
import { viewOf } from '../support/view.ts';
import { scripted } from '../unit/harvest/scripted-harvest.ts';

const failing = (status: number): FaultAction => ({ kind: 'status', status });
const page = (body: string): FaultAction => ({ kind: 'status', status: 200, body });
const throttled = (wish: string | null): FaultAction => ({
  kind: 'status',
  status: 429,
  body: '<html>Slow down</html>',
  ...(wish !== null && { headers: { 'retry-after': wish } }),
});

/** By stream: what happens to its requests after the first so many, each once unless `times` says more. */
const weather = (): readonly [stream: string, action: FaultAction, after?: number, times?: number][] => [
  ['contacts', throttled('1')],
  ['clients', throttled(new Date(systemClock.now() + 2_000).toUTCString())],
  ['tasks', throttled('0')],
  // An answer that says no time pauses for fifteen seconds: of the budget of reports, which nothing else waits for.
  ['time_clients', throttled(null)],
  ['time_projects', throttled('soon, -1; 1e9')],
  ['users', failing(500), 0, 1],
  ['users', failing(502), 1, 1],
  ['users', failing(503), 2, 1],
  ['estimates', page('<html>Log in to the hotel</html>')],
  ['invoice_payments', page('{"jobs":[]}')],
  ['estimate_messages', page(`{"messages":[${' '.repeat(70_000_000)}`)],
  ['invoices', { kind: 'truncate' }],
  ['expenses', { kind: 'bad-gzip' }],
  ['projects', { kind: 'drip', ms: 100 }],
  ['roles', { kind: 'delay', ms: 500 }],
  ['task_assignments', { kind: 'cut' }],
  ['user_assignments', { kind: 'reset' }],
  ['estimate_item_categories', { kind: 'next-link', to: 'self' }],
  ['invoice_item_categories', { kind: 'drop-header', header: 'date' }],
  ['time_entries', { kind: 'revoke-tokens' }, 1],
  ['time_entries', { kind: 'repeat-page' }, 2],
  ['time_entries', { kind: 'next-link', to: 'first' }, 3],
  ['cost_rates', failing(404)],
  ['uninvoiced', failing(503)],
];

const stateOf = async (running: RunningDaemon, name: string) =>
  (await running.accounts())[0]?.streams.find(({ stream }) => stream === name);

test('after every fault of HTTP in one process, and a restart, everything is equal [P1 P6 P9]', async () => {
  const foreign = await scripted((response) => response.end('{"expense_categories":[],"links":{"next":null}}'));
  // A list of children that answers 404 although the parent is there waits for the next scan over all parents.
  const settings = [...NO_LIMITS, 'streams.cost_rates.poll_interval_seconds=2'];
  const where = { ...(await scene({ timeEntries: 2_100, years: 0.2, oauth: OAUTH })), settings };
  const { simulator } = where;
  const { faults, log } = simulator;
  for (const [stream, action, after = 0, times = 1] of weather())
    faults.add({ match: { stream, after, times }, do: action });
  faults.add({ match: { stream: 'billable_rates' }, do: failing(403) });
  faults.add({
    match: { stream: 'expense_categories' },
    do: { kind: 'next-link', to: new URL(`${foreign.url}/v2/expense_categories?page=2`) },
  });
  const { config } = await oauthConfig(where);

  const first = await daemon(where, ['--config', config]);
  const STANDING_STILL = { billable_rates: 'FORBIDDEN', expense_categories: 'BLOCKED' } as const;
  await until('all that can be read is complete', async () => {
    const streams = (await first.accounts())[0]?.streams ?? [];
    return streams.length > 0 && streams.every(({ stream, complete }) => complete || stream in STANDING_STILL);
  });
  expect(log.statuses()).toMatchObject({ 200: expect.anything(), 401: expect.anything(), 429: expect.anything() });
  expect(await stateOf(first, 'billable_rates')).toMatchObject({
    state: 'FORBIDDEN',
    remedy: expect.stringContaining('streams.billable_rates.enabled'),
  });
  expect(await stateOf(first, 'expense_categories')).toMatchObject({
    state: 'BLOCKED',
    reason: expect.stringContaining(foreign.url),
  });
  expect(foreign.seen).toEqual([]);
  first.process.kill('SIGTERM');
  expect((await first.ended).code).toBe(143);

  faults.clear();
  simulator.data.clients.create({ name: 'made between the lives' });
  const second = await daemon(where, ['--config', config]);
  await until('everything is complete', async () => (await second.readiness()).ready);
  for (const name of ['clients', 'cost_rates']) {
    const { length } = simulator.scopes(name).flatMap((scope) => simulator.truth(name, scope));
    await until(`all of ${name}`, async () => (await stateOf(second, name))?.rows === length);
  }
  second.process.kill('SIGTERM');
  expect((await second.ended).code).toBe(143);

  const { differences, falseChanges, messages } = await viewOf(where);
  expect(differences).toEqual([]);
  expect(falseChanges).toEqual([]);
  expect(messages.filter(({ value }) => value === null)).toEqual([]);
  expect(first.output() + second.output()).not.toMatch(/canary-(secret|refresh)/);
});
