// The door for programs that run the simulator as a process: storms, bulk deletions, time, the whole truth.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dayAt } from '../../support/epoch.ts';
import { openHarvest, type SimulatedHarvest } from '../../support/simulated-harvest.ts';
import { harvestStreams } from '../../support/truth.ts';

let harvest: SimulatedHarvest;
beforeEach(async () => {
  harvest = await openHarvest({ control: true });
});
afterEach(() => harvest.close());

const post = async (path: string, body: object) =>
  (await harvest.ask(`/_control/${path}`, { method: 'POST', body })).json;

test('rows are deleted by number, by share, or by name with all that hangs on them', async () => {
  const { data } = harvest.simulator;
  const entries = data.time_entries.size;
  const some = await post('delete', { stream: 'time_entries', count: 7, seed: 1 });
  expect(some.removed).toHaveLength(7);
  expect(data.time_entries.size).toBe(entries - 7);

  const invoices = data.invoices.size;
  await post('delete', { stream: 'invoices', share: 0.5, seed: 1 });
  expect(data.invoices.size).toBe(invoices - Math.round(invoices / 2));

  const project = data.projects
    .all()
    .find(({ id }) => data.time_entries.all().some((entry) => entry.project_id === id))!;
  const { removed } = await post('delete', { stream: 'projects', ids: [project.id] });
  expect(new Set(removed.map(({ stream }: { stream: string }) => stream))).toEqual(
    new Set(['projects', 'time_entries', 'expenses', 'user_assignments', 'task_assignments']),
  );
  expect((await harvest.ask(`/v2/projects/${project.id}`)).status).toBe(404);
  expect((await post('delete', { stream: 'weather' })).error).toContain('weather');
});

test('a storm is told, ages the account when it is given pauses, and can be told again from its seed', async () => {
  const before = harvest.simulator.data.seconds();
  const storm = { count: 60, seed: 3, lateSeconds: 60, pauseSeconds: 30, weights: { delete: 3 } };
  const { mutations } = await post('storm', storm);
  expect(mutations).toHaveLength(60);
  expect(mutations[0]).toMatchObject({ name: expect.any(String), removed: expect.any(Array) });
  expect(harvest.simulator.data.seconds()).toBeGreaterThan(before + 60);
  const other = await openHarvest({ control: true });
  const again = await other.ask('/_control/storm', { method: 'POST', body: storm });
  await other.close();
  expect(again.json.mutations).toEqual(mutations);
  await post('calm', {});
  expect(harvest.simulator.truth('time_entries').filter(({ is_running }) => is_running)).toEqual([]);
});

test('the clock moves: a rate of the future becomes current without its person being touched', async () => {
  const { data } = harvest.simulator;
  const { id, updated_at } = data.users.all().at(-1)!;
  data.billable_rates.create({ user_id: id, amount: 333, start_date: dayAt(10) });
  const { now } = await post('clock', { advanceSeconds: 20 * 86_400 });
  expect(now).toBe(data.seconds() * 1000);
  const { json, headers } = await harvest.ask(`/v2/users/${id}`);
  expect(json.default_hourly_rate).toBe(333);
  expect(Date.parse(json.updated_at)).toBe(updated_at * 1000);
  expect(Date.parse(headers.get('date')!)).toBe(now);
});

test('the whole truth comes in one answer: every stream below all its parents and windows', async () => {
  const { simulator } = harvest;
  const { json } = await harvest.ask('/_control/truth?grain=quarter');
  expect(Object.keys(json.streams).toSorted()).toEqual(harvestStreams.map(({ name }) => name).toSorted());
  expect(json.streams.clients).toEqual([{ records: simulator.truth('clients') }]);
  expect(json.streams.cost_rates.map(({ parentId }: { parentId: number }) => parentId)).toEqual(
    simulator.parentIds('cost_rates'),
  );
  const windows = json.streams.time_team as { from: string; to: string; records: object[] }[];
  expect(windows.map(({ from, to }) => ({ from, to }))).toEqual(simulator.windows('quarter'));
  for (const { records, ...window } of windows) expect(records).toEqual(simulator.truth('time_team', window));
});
