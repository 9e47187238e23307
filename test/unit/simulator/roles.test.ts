// A role change alters what the token's owner is shown: refusals, silent narrowing, records that hide.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openHarvest, type SimulatedHarvest } from '../../support/simulated-harvest.ts';
import { harvestStreams } from '../../support/truth.ts';

let harvest: SimulatedHarvest;
beforeEach(async () => {
  harvest = await openHarvest({ control: true });
});
afterEach(() => harvest.close());

const become = (settings: object) => harvest.ask('/_control/settings', { method: 'POST', body: settings });
const total = async (path: string) => (await harvest.ask(`/v2/${path}?per_page=1`)).json.total_entries as number;

/** Makes the owner manager of that many projects and of no other, and gives their ids. */
function manage(count: number): number[] {
  const { data } = harvest.simulator;
  const me = data.me().id;
  for (const { id } of data.user_assignments.byUser.of(me))
    data.user_assignments.update(id, { is_project_manager: false });
  return data.projects
    .all()
    .slice(0, count)
    .map(({ id }) => {
      const fields = { project_id: id, user_id: me };
      const assignment = data.user_assignments.between(id, me) ?? data.user_assignments.create(fields);
      data.user_assignments.update(assignment.id, { is_project_manager: true });
      return id;
    });
}

test('a member loses most rows of hours, expenses and every report in silence, and has them back as administrator', async () => {
  const { simulator } = harvest;
  const rows = (stream: string) => simulator.scopes(stream).flatMap((scope) => simulator.truth(stream, scope));
  const narrowing = [
    'time_entries',
    'expenses',
    ...harvestStreams.filter(({ kind }) => kind === 'report').map((s) => s.name),
  ];
  const before = new Map(narrowing.map((stream) => [stream, rows(stream)]));
  await become({ role: 'member' });
  for (const stream of narrowing.filter((each) => each !== 'uninvoiced')) {
    const { path } = harvestStreams.find(({ name }) => name === stream)!;
    const { status } = await harvest.ask(`/v2${path}?from=20251101&to=20251130`);
    expect(status, stream).toBe(200);
    expect(rows(stream).length, stream).toBeLessThan(before.get(stream)!.length);
  }
  expect((await harvest.ask('/v2/reports/uninvoiced?from=20251101&to=20251130')).status).toBe(403);
  await become({ role: 'administrator' });
  for (const stream of narrowing) expect(rows(stream)).toEqual(before.get(stream));
});

test('a hidden record is not found, or forbidden when the account is set so; a visible one is shown', async () => {
  const { data } = harvest.simulator;
  const me = data.me().id;
  const entries = data.time_entries.all();
  const [own, other] = [entries.find(({ user_id }) => user_id === me)!, entries.find(({ user_id }) => user_id !== me)!];
  await become({ role: 'member' });
  expect((await harvest.ask(`/v2/time_entries/${own.id}`)).status).toBe(200);
  const hidden = await harvest.ask(`/v2/time_entries/${other.id}`);
  expect([hidden.status, hidden.json]).toEqual([404, { status: 404, error: 'Not Found' }]);
  await become({ hiddenRecord: 'forbidden' });
  expect((await harvest.ask(`/v2/time_entries/${other.id}`)).status).toBe(403);
});

test('a manager sees the projects managed, what belongs to them, and what teammates track', async () => {
  const { data } = harvest.simulator;
  const managed = manage(2);
  const mate = data.users
    .all()
    .find(({ id }) => data.time_entries.all().some((entry) => entry.user_id === id && id !== data.me().id))!;
  await become({ role: 'manager', teammates: [mate.id] });
  const idsOf = async (path: string) => (await harvest.walk(`/v2/${path}`)).records.map(({ id }) => id as number);
  expect((await idsOf('projects')).toSorted()).toEqual(managed.toSorted());
  expect(new Set(await idsOf('users'))).toEqual(new Set([data.me().id, mate.id]));
  const expected = data.time_entries
    .all()
    .filter(({ user_id, project_id }) => [data.me().id, mate.id].includes(user_id) || managed.includes(project_id));
  expect(new Set(await idsOf('time_entries'))).toEqual(new Set(expected.map(({ id }) => id)));
  expect(expected.length).toBeLessThan(data.time_entries.size);
  const elsewhere = data.projects.all().find(({ id }) => !managed.includes(id))!;
  expect((await harvest.ask(`/v2/projects/${elsewhere.id}`)).status).toBe(404);
  expect((await harvest.ask(`/v2/projects/${elsewhere.id}/user_assignments`)).status).toBe(404);
  expect((await harvest.ask(`/v2/projects/${managed[0]}/user_assignments`)).status).toBe(200);
});

test('a manager who loses a project sees less; with the last one the list itself is refused', async () => {
  const { data } = harvest.simulator;
  const [first, second] = manage(2) as [number, number];
  await become({ role: 'manager' });
  const lose = (project: number) => {
    const { id } = data.user_assignments.between(project, data.me().id)!;
    data.user_assignments.update(id, { is_project_manager: false });
  };
  const [projects, assignments, entries] = [
    await total('projects'),
    await total('task_assignments'),
    await total('time_entries'),
  ];
  lose(first);
  expect(await total('projects')).toBe(projects - 1);
  expect(await total('task_assignments')).toBeLessThan(assignments);
  lose(second);
  expect(await total('time_entries')).toBeLessThan(entries);
  for (const path of ['projects', 'task_assignments', 'user_assignments', 'users']) {
    expect((await harvest.ask(`/v2/${path}`)).status, path).toBe(403);
  }
});
