// The reports against sums made here from the records themselves: nothing is shared with the simulator's own sums.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { windowOf } from '../../../src/streams/windows.ts';
import { dayAt } from '../../support/epoch.ts';
import { openHarvest, type SimulatedHarvest } from '../../support/simulated-harvest.ts';

let harvest: SimulatedHarvest;
beforeAll(async () => {
  harvest = await openHarvest({ timeEntries: 1500 });
});
afterAll(() => harvest.close());

interface Named {
  readonly id: number;
  readonly name: string;
}
interface Tracked {
  readonly spent_date: string;
  readonly client: Named & { readonly currency: string };
  readonly project: Named & { readonly code: string | null };
  readonly user: Named;
  readonly billable: boolean;
  readonly is_billed: boolean;
}
interface Entry extends Tracked {
  readonly task: Named;
  readonly rounded_hours: number;
  readonly billable_rate: number | null;
}
interface Expense extends Tracked {
  readonly expense_category: Named;
  readonly total_cost: number;
}
interface Window {
  readonly from: string;
  readonly to: string;
}
type Row = Record<string, unknown>;

const within = <T extends Tracked>(records: readonly T[], { from, to }: Window) =>
  records.filter(({ spent_date }) => spent_date >= from && spent_date <= to);
const entriesIn = (window: Window) => within(harvest.simulator.truth('time_entries') as unknown as Entry[], window);
const expensesIn = (window: Window) => within(harvest.simulator.truth('expenses') as unknown as Expense[], window);
const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);

/** Sums of one member by key, as report rows should have them. */
function grouped<T>(records: readonly T[], keyOf: (record: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const record of records) groups.set(keyOf(record), [...(groups.get(keyOf(record)) ?? []), record]);
  return groups;
}

async function read(path: string, window: Window, more = ''): Promise<Row[]> {
  const { from, to } = window;
  const { status, json } = await harvest.ask(
    `/v2/reports/${path}?from=${from.replaceAll('-', '')}&to=${to.replaceAll('-', '')}${more}`,
  );
  expect(status).toBe(200);
  return json.results;
}

const YEAR: Window = windowOf(dayAt(-400), 'year');
const MONTH: Window = windowOf(dayAt(-250), 'month');

describe.each([YEAR, MONTH])('from $from to $to', (window) => {
  test.each([
    ['clients', 'client_id', 'client_name', (entry: Entry) => entry.client],
    ['projects', 'project_id', 'project_name', (entry: Entry) => entry.project],
    ['tasks', 'task_id', 'task_name', (entry: Entry) => entry.task],
    ['team', 'user_id', 'user_name', (entry: Entry) => entry.user],
  ] as const)('time by %s adds up the hours', async (path, idMember, nameMember, dimension) => {
    const rows = await read(`time/${path}`, window, '&include_fixed_fee=true');
    const groups = grouped(entriesIn(window), (entry) => `${dimension(entry).id} ${entry.client.currency}`);
    expect(rows.map((row) => `${row[idMember]} ${row.currency}`).toSorted()).toEqual([...groups.keys()].toSorted());
    for (const row of rows) {
      const entries = groups.get(`${row[idMember]} ${row.currency}`)!;
      const billable = entries.filter((entry) => entry.billable);
      expect(row.total_hours).toBeCloseTo(sum(entries.map((entry) => entry.rounded_hours)), 2);
      expect(row.billable_hours).toBeCloseTo(sum(billable.map((entry) => entry.rounded_hours)), 2);
      const amount = sum(billable.map((entry) => entry.rounded_hours * (entry.billable_rate ?? 0)));
      expect(Math.abs((row.billable_amount as number) - amount)).toBeLessThan(0.006);
    }
    const names = rows.map((row) => row[nameMember] as string);
    expect(names).toEqual(names.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)));
  });

  test.each([
    ['clients', 'client_id', (expense: Expense) => expense.client],
    ['projects', 'project_id', (expense: Expense) => expense.project],
    ['categories', 'expense_category_id', (expense: Expense) => expense.expense_category],
    ['team', 'user_id', (expense: Expense) => expense.user],
  ] as const)('expenses by %s add up the costs', async (path, idMember, dimension) => {
    const rows = await read(`expenses/${path}`, window);
    const groups = grouped(expensesIn(window), (expense) => `${dimension(expense).id} ${expense.client.currency}`);
    expect(rows.map((row) => `${row[idMember]} ${row.currency}`).toSorted()).toEqual([...groups.keys()].toSorted());
    for (const row of rows) {
      const expenses = groups.get(`${row[idMember]} ${row.currency}`)!;
      expect(row.total_amount).toBeCloseTo(sum(expenses.map(({ total_cost }) => total_cost)), 2);
      const billable = expenses.filter((expense) => expense.billable);
      expect(row.billable_amount).toBeCloseTo(sum(billable.map(({ total_cost }) => total_cost)), 2);
    }
  });

  test('uninvoiced lists every billable project, zeros included, and what is open', async () => {
    const rows = await read('uninvoiced', window);
    const projects = harvest.simulator.truth('projects').filter(({ is_billable }) => is_billable);
    expect(rows.map(({ project_id }) => project_id).toSorted()).toEqual(projects.map(({ id }) => id).toSorted());
    expect(rows.some(({ total_hours }) => total_hours === 0)).toBe(true);
    for (const row of rows) {
      const project = projects.find(({ id }) => id === row.project_id)!;
      const entries = entriesIn(window).filter((entry) => entry.project.id === row.project_id);
      const open = entries.filter((entry) => entry.billable && !entry.is_billed);
      const costs = expensesIn(window).filter(
        (expense) => expense.project.id === row.project_id && expense.billable && !expense.is_billed,
      );
      const expenses = sum(costs.map(({ total_cost }) => total_cost));
      expect(row.project_name).toBe(project.name);
      expect(row.total_hours).toBeCloseTo(sum(entries.map((entry) => entry.rounded_hours)), 2);
      expect(row.uninvoiced_hours).toBeCloseTo(sum(open.map((entry) => entry.rounded_hours)), 2);
      expect(row.uninvoiced_expenses).toBeCloseTo(expenses, 2);
      if (project.is_fixed_fee) continue;
      const amount = sum(open.map((entry) => entry.rounded_hours * (entry.billable_rate ?? 0)));
      expect(Math.abs((row.uninvoiced_amount as number) - amount - expenses)).toBeLessThan(0.01);
    }
  });
});

test('project names carry their code in time and expenses, not in uninvoiced', async () => {
  const coded = harvest.simulator.truth('projects').filter(({ code, is_billable }) => code && is_billable);
  const byTime = await read('time/projects', YEAR);
  const { id, name, code } = coded.find((project) => byTime.some(({ project_id }) => project_id === project.id))!;
  expect(byTime.find(({ project_id }) => project_id === id)!.project_name).toBe(`[${code}] ${name}`);
  const uninvoiced = await read('uninvoiced', YEAR);
  expect(uninvoiced.find(({ project_id }) => project_id === id)!.project_name).toBe(name);
});

test('amounts of fixed-fee projects are left out of time reports unless asked for', async () => {
  const fixed = harvest.simulator.truth('projects').filter(({ is_fixed_fee }) => is_fixed_fee);
  const amounts = async (more: string) =>
    (await read('time/projects', YEAR, more))
      .filter(({ project_id }) => fixed.some(({ id }) => id === project_id))
      .map(({ billable_amount }) => billable_amount as number);
  expect(sum(await amounts(''))).toBe(0);
  expect(sum(await amounts('&include_fixed_fee=true'))).toBeGreaterThan(0);
});

test('fixed-fee projects can be left out of uninvoiced, and their amount ignores the window', async () => {
  const fixed = harvest.simulator.truth('projects').find(({ is_fixed_fee }) => is_fixed_fee)!;
  const of = (rows: readonly Row[]) => rows.find(({ project_id }) => project_id === fixed.id);
  expect(of(await read('uninvoiced', YEAR, '&include_fixed_fee=false'))).toBeUndefined();
  const net = (row: Row) => (row.uninvoiced_amount as number) - (row.uninvoiced_expenses as number);
  expect(net(of(await read('uninvoiced', YEAR))!)).toBeCloseTo(net(of(await read('uninvoiced', MONTH))!), 2);
});

test('project_budget lists projects with a budget, and monthly ones count this month only', async () => {
  const { json } = await harvest.ask('/v2/reports/project_budget');
  const projects = harvest.simulator.truth('projects').filter(({ budget_by }) => budget_by !== 'none');
  const rows = json.results as Row[];
  expect(rows.map(({ project_id }) => project_id).toSorted()).toEqual(projects.map(({ id }) => id).toSorted());
  const everything = { from: '1990-01-01', to: '2100-01-01' };
  const thisMonth = { from: windowOf(dayAt(0), 'month').from, to: '2100-01-01' };
  const byHours = projects.filter(({ budget_by }) => budget_by === 'project' || budget_by === 'person');
  expect(byHours.some(({ budget_is_monthly }) => budget_is_monthly)).toBe(true);
  for (const { id, budget_is_monthly, budget_by, budget } of byHours) {
    const row = rows.find(({ project_id }) => project_id === id)!;
    const entries = entriesIn(budget_is_monthly ? thisMonth : everything).filter(({ project }) => project.id === id);
    expect(row.budget_spent).toBeCloseTo(sum(entries.map(({ rounded_hours }) => rounded_hours)), 2);
    expect(row.budget_remaining).toBeCloseTo((row.budget as number) - (row.budget_spent as number), 2);
    if (budget_by === 'project') expect(row.budget).toBe(budget);
  }
  const archived = await harvest.ask('/v2/reports/project_budget?is_active=false');
  expect(archived.json.results.map(({ project_id }: Row) => project_id)).toEqual(
    rows.filter(({ is_active }) => is_active === false).map(({ project_id }) => project_id),
  );
});

test('the hours of all months together are all hours', () => {
  const { simulator } = harvest;
  const hours = (rows: readonly Row[]) => sum(rows.map(({ total_hours }) => total_hours as number));
  const months = simulator.windows().map((window) => hours(simulator.truth('time_clients', window)));
  const all = simulator.truth('time_entries').map(({ rounded_hours }) => rounded_hours as number);
  expect(sum(months)).toBeCloseTo(sum(all), 1);
});

describe('the window', () => {
  test.each([
    ['20200102', '20210101', 200],
    ['20210101', '20220101', 200],
    ['20200101', '20201231', 200],
    ['20200101', '20210101', 400],
    ['20200101', '20230101', 400],
  ])('from %s to %s answers %i', async (from, to, status) => {
    const answer = await harvest.ask(`/v2/reports/time/clients?from=${from}&to=${to}`);
    expect(answer.status).toBe(status);
    if (status === 400) expect(answer.json).toEqual({ message: 'Invalid timeframe: must not exceed 1 year' });
  });

  test('is refused exactly when it is longer than 365 days', async () => {
    const day = (offset: number) => new Date(Date.UTC(2019, 0, 1 + offset)).toISOString().slice(0, 10);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 2000 }), fc.integer({ min: 360, max: 370 }), async (start, length) => {
        const { status } = await harvest.ask(`/v2/reports/time/team?from=${day(start)}&to=${day(start + length)}`);
        expect(status).toBe(length > 365 ? 400 : 200);
      }),
      { numRuns: 50 },
    );
  });

  test('has to be given', async () => {
    expect((await harvest.ask('/v2/reports/time/clients?from=20250101')).status).toBe(400);
    expect((await harvest.ask('/v2/reports/expenses/team')).status).toBe(400);
  });
});
