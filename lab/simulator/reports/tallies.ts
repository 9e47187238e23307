// The eight reports that add up time or expenses by one dimension and currency.
import type { Account } from '../model/account.ts';
import { money } from '../model/noun.ts';
import type { ExpenseRow, TimeEntryRow } from '../model/rows.ts';
import { inSight } from '../permissions.ts';
import { type JsonObject, rates } from '../render/json.ts';
import { compareText, type Report } from './report.ts';

/** By what a report adds up. */
interface Dimension<R> {
  id(account: Account, row: R): number;
  /** The members of the report's row that name it. */
  members(account: Account, id: number): JsonObject;
  /** The member by which rows are sorted. */
  readonly name: string;
}

type Tracked = TimeEntryRow | ExpenseRow;

const byClient: Dimension<Tracked> = {
  id: (account, row) => account.projects.expect(row.project_id).client_id,
  members: (account, id) => ({ client_id: id, client_name: account.clients.expect(id).name }),
  name: 'client_name',
};

/** '[CODE] Name' here, plain in uninvoiced and project_budget. */
const byProject: Dimension<Tracked> = {
  id: (_account, row) => row.project_id,
  members(account, id) {
    const { name, code, client_id } = account.projects.expect(id);
    const project_name = code ? `[${code}] ${name}` : name;
    return { client_id, client_name: account.clients.expect(client_id).name, project_id: id, project_name };
  },
  name: 'project_name',
};

const byCategory: Dimension<ExpenseRow> = {
  id: (_account, row) => row.expense_category_id,
  members(account, id) {
    return { expense_category_id: id, expense_category_name: account.expense_categories.expect(id).name };
  },
  name: 'expense_category_name',
};

const byTask: Dimension<TimeEntryRow> = {
  id: (_account, row) => row.task_id,
  members: (account, id) => ({ task_id: id, task_name: account.tasks.expect(id).name }),
  name: 'task_name',
};

const byPerson: Dimension<Tracked> = {
  id: (_account, row) => row.user_id,
  members(account, id) {
    const user = account.users.expect(id);
    return { user_id: id, user_name: `${user.first_name} ${user.last_name}`, is_contractor: user.is_contractor };
  },
  name: 'user_name',
};

const byPersonWithCapacity: Dimension<TimeEntryRow> = {
  ...byPerson,
  members(account, id) {
    const { weekly_capacity, avatar_url } = account.users.expect(id);
    return { ...byPerson.members(account, id), weekly_capacity, avatar_url };
  },
};

export const timeReports: readonly Report[] = [
  timeReport('time_clients', 'clients', byClient),
  timeReport('time_projects', 'projects', byProject),
  timeReport('time_tasks', 'tasks', byTask),
  timeReport('time_team', 'team', byPersonWithCapacity),
];

export const expenseReports: readonly Report[] = [
  expenseReport('expenses_clients', 'clients', byClient),
  expenseReport('expenses_projects', 'projects', byProject),
  expenseReport('expenses_categories', 'categories', byCategory),
  expenseReport('expenses_team', 'team', byPerson),
];

function timeReport(stream: string, segment: string, dimension: Dimension<TimeEntryRow>): Report {
  return {
    stream,
    path: `/reports/time/${segment}`,
    parameters: ['from', 'to', 'include_fixed_fee'],
    rows(account, request) {
      const entries = inSight(
        account,
        'time_entries',
        account.time_entries.byDate.newestFirst(request.from, request.to),
      );
      const tallies = tally(account, entries, dimension, (sum, entry) => {
        const hours = account.time_entries.roundedHours(entry);
        sum.total += hours;
        if (!entry.billable) return;
        sum.billable += hours;
        // Amounts of fixed-fee projects are left out unless they are asked for.
        const counts = request.includeFixedFee || !account.projects.expect(entry.project_id).is_fixed_fee;
        if (counts) sum.amount += hours * (entry.billable_rate ?? 0);
      });
      return tallies.map(({ members, currency, total, billable, amount }) => ({
        ...members,
        total_hours: money(total),
        billable_hours: money(billable),
        ...rates(account, { currency, billable_amount: money(amount) }),
      }));
    },
  };
}

function expenseReport(stream: string, segment: string, dimension: Dimension<ExpenseRow>): Report {
  return {
    stream,
    path: `/reports/expenses/${segment}`,
    parameters: ['from', 'to'],
    rows(account, request) {
      const expenses = inSight(account, 'expenses', account.expenses.byDate.newestFirst(request.from, request.to));
      const tallies = tally(account, expenses, dimension, (sum, expense) => {
        sum.total += expense.total_cost;
        if (expense.billable) sum.billable += expense.total_cost;
      });
      return tallies.map(({ members, currency, total, billable }) => ({
        ...members,
        total_amount: money(total),
        billable_amount: money(billable),
        currency,
      }));
    },
  };
}

interface Tally {
  readonly members: JsonObject;
  readonly currency: string;
  total: number;
  billable: number;
  amount: number;
}

/** One tally per value of the dimension and currency of the client, sorted by name, then currency. */
function tally<R extends Tracked>(
  account: Account,
  rows: readonly R[],
  dimension: Dimension<R>,
  count: (sum: Tally, row: R) => void,
): Tally[] {
  const tallies = new Map<string, Tally>();
  for (const row of rows) {
    const { currency } = account.clients.expect(account.projects.expect(row.project_id).client_id);
    const id = dimension.id(account, row);
    const key = `${id} ${currency}`;
    let sum = tallies.get(key);
    if (!sum) {
      sum = { members: dimension.members(account, id), currency, total: 0, billable: 0, amount: 0 };
      tallies.set(key, sum);
    }
    count(sum, row);
  }
  const nameOf = ({ members }: Tally) => members[dimension.name] as string;
  return [...tallies.values()].sort((a, b) => compareText(nameOf(a), nameOf(b)) || compareText(a.currency, b.currency));
}
