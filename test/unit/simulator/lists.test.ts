import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { dayAt } from '../../support/epoch.ts';
import { openHarvest, type SimulatedHarvest } from '../../support/simulated-harvest.ts';

let harvest: SimulatedHarvest;
beforeAll(async () => {
  harvest = await openHarvest();
});
beforeEach(() => harvest.advance(60));
afterAll(() => harvest.close());

const idsOf = (records: readonly { id?: unknown }[]) => records.map(({ id }) => id);

describe('cursor lists', () => {
  test('a walk reads every record once, newest first, and ends where links.next is null', async () => {
    const { records, pages } = await harvest.walk('/v2/task_assignments?per_page=20');
    expect(records).toEqual(harvest.simulator.truth('task_assignments'));
    expect(idsOf(records)).toEqual(idsOf(records).toSorted((a, b) => Number(b) - Number(a)));
    expect(pages.length).toBeGreaterThan(3);
  });

  test('the cursor is unpadded base64url of the last id, and links name filters in alphabetical order', async () => {
    const since = '2020-01-01T00:00:00Z';
    const { json } = await harvest.ask(`/v2/user_assignments?updated_since=${since}&per_page=7&is_active=true`);
    const next = new URL(json.links.next);
    const cursor = next.searchParams.get('cursor') as string;
    expect(cursor).not.toContain('=');
    expect(JSON.parse(Buffer.from(cursor, 'base64url').toString())).toEqual({
      after: { id: json.user_assignments.at(-1).id },
    });
    expect([...next.searchParams.keys()]).toEqual(['cursor', 'is_active', 'per_page', 'ref', 'updated_since']);
    expect(next.searchParams.get('ref')).toBe('next_cursor');
    expect(next.origin).toBe(harvest.url);
    expect(new URL(json.links.first).searchParams.get('ref')).toBe('first');
  });

  test('page numbers are null on middle pages and shown on the first and the last', async () => {
    const { pages } = await harvest.walk('/v2/task_assignments?per_page=20');
    const numbers = pages.map(({ page, next_page, previous_page }) => ({ page, next_page, previous_page }));
    expect(numbers[0]).toEqual({ page: 1, next_page: 2, previous_page: null });
    for (const middle of numbers.slice(1, -1)) {
      expect(middle).toEqual({ page: null, next_page: null, previous_page: null });
    }
    expect(numbers.at(-1)).toEqual({ page: pages.length, next_page: null, previous_page: pages.length - 1 });
  });

  test('links.previous leads back to the page before', async () => {
    const first = await harvest.ask('/v2/task_assignments?per_page=5');
    const second = await harvest.ask(first.json.links.next);
    const back = await harvest.ask(second.json.links.previous);
    expect(back.json.task_assignments).toEqual(first.json.task_assignments);
  });

  test('rows that come and go during a walk shift nothing', async () => {
    const { simulator } = harvest;
    const before = idsOf(simulator.truth('contacts'));
    const contact = simulator.data.contacts.create({
      client_id: simulator.data.clients.all()[0]!.id,
      first_name: 'Old',
    });
    const first = await harvest.ask('/v2/contacts?per_page=1');
    simulator.data.contacts.create({ client_id: contact.client_id, first_name: 'Behind the walk' });
    simulator.data.contacts.delete(contact.id);
    const rest = await harvest.walk(first.json.links.next);
    expect(idsOf(rest.records)).toEqual(before);
  });

  test('rates are walked by start_date, the one from the beginning first', async () => {
    const { data } = harvest.simulator;
    const user = data.me();
    data.billable_rates.create({ user_id: user.id, amount: 10 });
    data.billable_rates.create({ user_id: user.id, amount: 20, start_date: '2024-01-01' });
    data.billable_rates.create({ user_id: user.id, amount: 30, start_date: '2030-01-01' });
    const { records, pages } = await harvest.walk(`/v2/users/${user.id}/billable_rates?per_page=1`);
    expect(records.map(({ amount, start_date, end_date }) => [amount, start_date, end_date])).toEqual([
      [10, null, '2023-12-31'],
      [20, '2024-01-01', '2029-12-31'],
      [30, '2030-01-01', null],
    ]);
    expect(pages).toHaveLength(3);
  });
});

describe('page-number lists', () => {
  test('a walk reads every record, newest date first and then newest id', async () => {
    const { records, pages } = await harvest.walk('/v2/time_entries?per_page=33');
    expect(idsOf(records)).toEqual(idsOf(harvest.simulator.truth('time_entries')));
    const places = records.map(({ spent_date, id }) => `${spent_date} ${String(id).padStart(12, '0')}`);
    expect(places).toEqual(places.toSorted().reverse());
    expect(pages.map(({ page }) => page)).toEqual(pages.map((_, at) => at + 1));
    expect(pages[0].total_entries).toBe(records.length);
  });

  test('an insert in front repeats a row on the next page', async () => {
    const { data } = harvest.simulator;
    const first = await harvest.ask('/v2/time_entries?per_page=10');
    const { project_id, task_id, user_id } = data.time_entries.all().find((entry) => {
      const open = data.projects.expect(entry.project_id).is_active;
      const task = data.task_assignments.between(entry.project_id, entry.task_id);
      return open && task?.is_active && data.user_assignments.between(entry.project_id, entry.user_id)?.is_active;
    })!;
    data.time_entries.create({ project_id, task_id, user_id, spent_date: dayAt(0), hours: 1 });
    const second = await harvest.ask(first.json.links.next);
    expect(second.json.time_entries[0].id).toBe(first.json.time_entries[9].id);
    expect(second.json.total_entries).toBe(first.json.total_entries + 1);
  });

  test('a date moved back in front of the walk makes a row skip a page', async () => {
    const { data } = harvest.simulator;
    const first = await harvest.ask('/v2/expenses?per_page=10');
    const wouldBeNext = data.expenses.byDate.newestFirst()[10]!.id;
    data.expenses.update(first.json.expenses[0].id, { spent_date: '2015-01-01' });
    const second = await harvest.ask(first.json.links.next);
    expect(idsOf(second.json.expenses)).not.toContain(wouldBeNext);
  });

  test('estimates without issue_date come last', async () => {
    const dates = harvest.simulator.truth('estimates').map(({ issue_date }) => issue_date);
    expect(dates).toContain(null);
    expect(dates.slice(dates.indexOf(null)).every((date) => date === null)).toBe(true);
  });
});

describe('both kinds', () => {
  test.each(['/v2/clients', '/v2/expenses', '/api/v2/roles', '/v2/reports/time/team'])(
    '%s past the end is an empty list',
    async (path) => {
      const { status, json } = await harvest.ask(`${path}?page=5000&from=20250101&to=20250131`);
      expect(status).toBe(200);
      expect(Object.values(json)[0]).toEqual([]);
      expect(json.links.next).toBeNull();
    },
  );

  test('an empty list has one page', async () => {
    const { json } = await harvest.ask('/v2/time_entries?from=1999-01-01&to=1999-12-31');
    expect(json).toMatchObject({ time_entries: [], total_entries: 0, total_pages: 1, page: 1, next_page: null });
    expect(json.links.last).toEqual(expect.any(String));
  });

  test.each([0, 2001, 'many'])('per_page=%s is refused', async (perPage) => {
    const { status, json } = await harvest.ask(`/v2/clients?per_page=${perPage}`);
    expect(status).toBe(422);
    expect(json.message).toEqual(expect.any(String));
  });

  test('per_page is 2000 unless another is sent', async () => {
    expect((await harvest.ask('/v2/clients')).json.per_page).toBe(2000);
  });
});

describe('filters', () => {
  test('updated_since is strict: a record of that very second is left out', async () => {
    const client = harvest.simulator.data.clients.create({ name: 'Just now' });
    const at = new Date(client.updated_at * 1000).toISOString().replace('.000', '');
    const before = new Date((client.updated_at - 1) * 1000).toISOString();
    expect(idsOf((await harvest.ask(`/v2/clients?updated_since=${at}`)).json.clients)).not.toContain(client.id);
    expect(idsOf((await harvest.ask(`/v2/clients?updated_since=${before}`)).json.clients)).toContain(client.id);
  });

  test.each(['2010-01-01%2000:00:00+00:00', 'yesterday', '2010-13-01T00:00:00Z', '2010-01-01T00:00:00+00:00'])(
    'updated_since=%s is a bad request',
    async (value) => {
      expect((await harvest.ask(`/v2/clients?updated_since=${value}`)).status).toBe(400);
    },
  );

  test('roles and rates ignore updated_since', async () => {
    const all = await harvest.ask('/v2/roles');
    const since = await harvest.ask('/v2/roles?updated_since=2100-01-01T00:00:00Z');
    expect(since.json.roles).toEqual(all.json.roles);
  });

  test('from and to bound the date, both inclusive, dashed or compact', async () => {
    const dates = harvest.simulator.truth('time_entries').map(({ spent_date }) => spent_date as string);
    const [to, from] = [dates[40] as string, dates[80] as string];
    const expected = dates.filter((date) => date >= from && date <= to).length;
    expect((await harvest.ask(`/v2/time_entries?from=${from}&to=${to}`)).json.total_entries).toBe(expected);
    const compact = `from=${from.replaceAll('-', '')}&to=${to.replaceAll('-', '')}`;
    expect((await harvest.ask(`/v2/time_entries?${compact}`)).json.total_entries).toBe(expected);
  });

  test.each([
    ['clients', 'is_active', 'false'],
    ['expenses', 'is_billed', 'true'],
    ['time_entries', 'is_running', 'true'],
    ['time_entries', 'approval_status', 'approved'],
    ['invoices', 'state', 'paid'],
    ['estimates', 'state', 'draft'],
  ])('%s?%s=%s keeps those records only', async (stream, filter, value) => {
    const all = harvest.simulator.truth(stream);
    const expected = all.filter((record) => String(record[filter]) === value);
    expect(expected.length).toBeGreaterThan(0);
    expect(expected.length).toBeLessThan(all.length);
    const { json } = await harvest.ask(`/v2/${stream}?${filter}=${value}`);
    expect(idsOf(json[stream])).toEqual(idsOf(expected));
  });

  test.each([
    ['contacts', 'client'],
    ['projects', 'client'],
    ['invoices', 'client'],
    ['time_entries', 'client'],
    ['time_entries', 'task'],
    ['expenses', 'project'],
    ['user_assignments', 'user'],
  ])('%s can be asked for one %s', async (stream, member) => {
    const all = harvest.simulator.truth(stream) as unknown as Record<string, { id: number }>[];
    const wanted = all[0]![member]!.id;
    const expected = all.filter((record) => record[member]!.id === wanted);
    const { json } = await harvest.ask(`/v2/${stream}?${member}_id=${wanted}`);
    expect(idsOf(json[stream])).toEqual(idsOf(expected));
  });

  test('project assignments hold active assignments of active projects only', async () => {
    const { simulator } = harvest;
    for (const parentId of simulator.parentIds('project_assignments')) {
      for (const record of simulator.truth('project_assignments', { parentId })) {
        const project = record.project as { id: number };
        expect(record.is_active && simulator.data.projects.expect(project.id).is_active).toBe(true);
      }
    }
  });
});
