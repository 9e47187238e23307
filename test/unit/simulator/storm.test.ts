// The changes in storms, as the streams show them; that mutate's own changes leave the account whole is in mutate.test.ts.
import { expect, test } from 'vitest';
import {
  calm,
  createSimulator,
  type Mutation,
  type Simulator,
  STORM_CHANGES,
  type StormOptions,
  seededRandom,
  storm,
  stormBetweenRequests,
} from '../../../lab/simulator/index.ts';
import { START } from '../../support/simulated-harvest.ts';
import { harvestStreams, identityOf, truthOf } from '../../support/truth.ts';
import { dangling } from './dangling.ts';

function stormy(seed: number): { simulator: Simulator; blow: (options?: Partial<StormOptions>) => Mutation[] } {
  const simulator = createSimulator({ timeEntries: 120, years: 0.4, seed, now: () => START });
  const random = seededRandom(seed);
  const advance = (ms: number) => simulator.advance(ms);
  return { simulator, blow: (options) => storm(simulator, { random, advance, lateSeconds: 60, ...options }) };
}

/** Every row of every stream: identity to content. */
function rowsOf(simulator: Simulator): Map<string, Map<string, string>> {
  return new Map(
    harvestStreams.map((stream) => {
      const identity = identityOf(stream);
      const rows = truthOf(simulator, stream).map(
        ({ record, added }) => [identity({ ...record, ...added }), JSON.stringify(record)] as const,
      );
      return [stream.name, new Map(rows)];
    }),
  );
}

/** Changes that the API has no way to make: messages and payments are never edited, the company neither comes nor goes. */
const NEVER = [
  'invoice_messages updated',
  'invoice_payments updated',
  'estimate_messages updated',
  'company created',
  'company deleted',
];

/** Changes that an account this small sees too seldom, or mostly refuses. */
const RARE = {
  ...{ company: 4, categories: 3, contacts: 2, roles: 4, unused: 3, 'clients.currency': 6 },
  ...{ 'clients.delete': 20, 'users.delete': 30, 'tasks.delete': 20 },
};

test('1,500 changes create, update and delete rows of every stream, each report included', () => {
  const { simulator, blow } = stormy(1);
  const seen = new Set<string>();
  let before = rowsOf(simulator);
  for (let gust = 0; gust < 15; gust++) {
    blow({ count: 100, weights: RARE });
    const after = rowsOf(simulator);
    for (const [stream, rows] of after) {
      const old = before.get(stream)!;
      for (const [id, row] of rows) {
        if (old.get(id) !== row) seen.add(`${stream} ${old.has(id) ? 'updated' : 'created'}`);
      }
      for (const id of old.keys()) if (!rows.has(id)) seen.add(`${stream} deleted`);
    }
    before = after;
  }
  const wanted = harvestStreams.flatMap(({ name }) =>
    ['created', 'updated', 'deleted'].map((what) => `${name} ${what}`),
  );
  expect(wanted.filter((what) => seen.has(what) === NEVER.includes(what))).toEqual([]);
  expect(dangling(simulator)).toEqual([]);
});

/** Deletions, and what makes them take others along. */
const HARD = { delete: 5, replace: 5, 'clients.create': 8, 'contacts.create': 20, 'invoice_payments.create': 8 };

test('a change tells every record that is gone with it, and nothing else ever goes', () => {
  const { simulator, blow } = stormy(2);
  const nouns = harvestStreams.map(({ name }) => name).filter((name) => name !== 'company' && name in simulator.data);
  const idsOf = (stream: string) => simulator.data[stream as 'clients'].all().map(({ id }) => id);
  const cascades = new Set<string>();
  for (let step = 0; step < 400; step++) {
    const before = nouns.flatMap((stream) => idsOf(stream).map((id) => `${stream} ${id}`));
    const [{ stream, removed }] = blow({ weights: HARD }) as [Mutation];
    const left = new Set(nouns.flatMap((each) => idsOf(each).map((id) => `${each} ${id}`)));
    const gone = removed.map((row) => `${row.stream} ${row.id}`);
    expect(gone.toSorted()).toEqual(before.filter((row) => !left.has(row)).toSorted());
    for (const row of removed) if (row.stream !== stream) cascades.add(`${stream} → ${row.stream}`);
  }
  expect([...cascades]).toEqual(
    expect.arrayContaining([
      'projects → time_entries',
      'projects → expenses',
      'projects → task_assignments',
      'invoices → invoice_messages',
      'invoices → invoice_payments',
      'estimates → estimate_messages',
      'clients → contacts',
      'users → billable_rates',
    ]),
  );
});

test('late writes carry the time at which they began, and no record ever goes back', () => {
  const { simulator, blow } = stormy(3);
  const { data } = simulator;
  const latest = new Map<number, number>();
  const lateness: number[] = [];
  const wentBack: number[] = [];
  for (let step = 0; step < 600; step++) {
    const now = data.seconds();
    blow({ weights: { time_entries: 5 } });
    for (const { id, updated_at, created_at } of data.time_entries.all()) {
      if (updated_at < Math.max(latest.get(id) ?? 0, created_at)) wentBack.push(id);
      if (updated_at > (latest.get(id) ?? now - 60)) lateness.push(data.seconds() - updated_at);
      latest.set(id, updated_at);
    }
  }
  expect(wentBack).toEqual([]);
  expect(Math.max(...lateness)).toBeGreaterThan(40);
  expect(Math.max(...lateness)).toBeLessThanOrEqual(60);
  expect(lateness.filter((seconds) => seconds === 0).length).toBeGreaterThan(lateness.length / 2);
});

test('requests can be stormed between, until told to stop', () => {
  const { simulator } = stormy(4);
  const seen: Mutation[] = [];
  const ask = () =>
    simulator.handle({
      method: 'GET',
      url: '/v2/time_entries?per_page=10',
      headers: {
        authorization: `Bearer ${simulator.token}`,
        'harvest-account-id': String(simulator.accountId),
        'user-agent': 'storms (https://example.com)',
      },
    });
  const stop = stormBetweenRequests(simulator, {
    random: seededRandom(4),
    count: 3,
    match: { stream: 'time_entries', after: 1 },
    each: (mutations) => seen.push(...mutations),
  });
  ask();
  expect(seen).toHaveLength(0);
  ask();
  expect(seen).toHaveLength(3);
  stop();
  ask();
  expect(seen).toHaveLength(3);
});

test('each change can be had alone by its weight, and one that nobody knows is refused', () => {
  const { blow } = stormy(5);
  const only = Object.fromEntries(STORM_CHANGES.map((name) => [name, name === 'contacts.move_client' ? 1 : 0]));
  expect(new Set(blow({ count: 20, weights: only }).map(({ name }) => name))).toEqual(
    new Set(['contacts.move_client']),
  );
  expect(() => blow({ weights: { weather: 2 } })).toThrow('weather');
});

test('the same seed makes the same storm, and calm ends what ticks', () => {
  const [one, two] = [stormy(6), stormy(6)];
  expect(one.blow({ count: 300 })).toEqual(two.blow({ count: 300 }));
  expect(rowsOf(one.simulator)).toEqual(rowsOf(two.simulator));
  one.simulator.data.company.invoice_feature = false;
  calm(one.simulator);
  const before = rowsOf(one.simulator).get('time_entries');
  one.simulator.advance(5000);
  expect(rowsOf(one.simulator).get('time_entries')).toEqual(before);
  expect(one.simulator.data.company.invoice_feature).toBe(true);
});
