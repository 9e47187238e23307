// Rare changes that are easily missed: preferences that no record tells of, modules that go and come back, a
// parent that does not show that its child is new, a record that goes and another that comes within one second.
import type { Dice } from '../random.ts';
import { removeRows } from '../removal.ts';
import { anyOf, type Change, told } from './change.ts';

const MODULES = ['expense_feature', 'invoice_feature', 'estimate_feature'] as const;

export const WHIMS: readonly Change[] = [
  [
    'company.rounding',
    0.3,
    (account, dice) => {
      const directions = ['up', 'nearest', 'down'] as const;
      const rounding = dice.chance(0.4) ? null : { minutes: dice.pick([6, 15, 30]), direction: dice.pick(directions) };
      account.settings.rounding = rounding;
      return told('edit', 'company', account, rounding ? `rounds to ${rounding.minutes} min` : 'rounds no more');
    },
  ],
  [
    'company.module_off',
    0.05,
    (account, dice) => {
      if (MODULES.some((module) => !account.company[module])) return null;
      const module = dice.pick(MODULES);
      account.company[module] = false;
      return told('edit', 'company', account, `${module} is off`);
    },
  ],
  [
    'company.module_on',
    4,
    (account) => {
      const module = MODULES.find((each) => !account.company[each]);
      if (!module) return null;
      account.company[module] = true;
      return told('edit', 'company', account, `${module} is on again`);
    },
  ],
  [
    'users.edit',
    1,
    (account, dice) => {
      const user = anyOf(account.users, dice);
      if (!user) return null;
      const { access_roles } = user;
      account.users.update(user.id, {
        weekly_capacity: dice.pick([126_000, 144_000, 72_000]),
        is_contractor: dice.chance(0.2),
        access_roles: user.id === account.me().id ? access_roles : [dice.pick(['member', 'manager'])],
      });
      return told('edit', 'users', user, 'role and capacity edited');
    },
  ],
  [
    'projects.edit',
    1,
    (account, dice) => {
      const project = anyOf(account.projects, dice);
      if (!project) return null;
      account.projects.update(project.id, {
        code: dice.pick(['', `P-${dice.below(1000)}`]),
        is_billable: dice.chance(0.8),
        is_fixed_fee: dice.chance(0.2),
        budget_by: dice.pick(['project', 'project_cost', 'none']),
        budget_is_monthly: dice.chance(0.3),
      });
      return told('edit', 'projects', project, 'code, billing and budget edited');
    },
  ],
  [
    'invoices.number',
    1,
    (account, dice) => {
      const invoice = anyOf(account.invoices, dice);
      if (!invoice) return null;
      account.invoices.update(invoice.id, { number: `R-${dice.below(100_000)}` });
      return told('edit', 'invoices', invoice, 'numbered anew: shown by what it billed');
    },
  ],
  [
    'estimate_messages.ordinary',
    2,
    (account, dice) => {
      const estimate = anyOf(account.estimates, dice);
      if (!estimate) return null;
      const recipients = [{ name: 'Zoë', email: 'zoe@example.com' }];
      const message = account.estimate_messages.create({ estimate_id: estimate.id, body: 'As agreed.', recipients });
      return told('create', 'estimate_messages', message, `on a ${estimate.state} estimate`);
    },
  ],
  [
    'unused.delete',
    3,
    (account, dice) => {
      const stream = dice.pick(['clients', 'users', 'tasks', 'expense_categories', 'invoice_item_categories']);
      const [row] = removeRows(account, { stream, count: 1 }, dice).filter((gone) => gone.stream === stream);
      return row ? told('delete', stream, row, 'deleted, as nothing hung on it') : null;
    },
  ],
  [
    'time_entries.replace',
    2,
    (account, dice) => {
      const entry = anyOf(account.time_entries, dice);
      if (!entry) return null;
      const { spent_date, user_id, project_id, task_id, hours, notes } = entry;
      account.time_entries.delete(entry.id);
      const again = { spent_date, user_id, project_id, task_id, hours, notes };
      return told('create', 'time_entries', account.time_entries.create(again), `instead of ${entry.id}`);
    },
  ],
  [
    'expenses.replace',
    1,
    (account, dice) => {
      const expense = anyOf(account.expenses, dice);
      if (!expense) return null;
      const { spent_date, user_id, project_id, expense_category_id, total_cost } = expense;
      account.expenses.delete(expense.id);
      const again = { spent_date, user_id, project_id, expense_category_id, total_cost };
      return told('create', 'expenses', account.expenses.create(again), `instead of ${expense.id}`);
    },
  ],
  [
    'invoices.replace',
    0.3,
    (account, dice) => {
      const invoice = anyOf(account.invoices, dice);
      if (!invoice) return null;
      const { client_id, issue_date, subject } = account.invoices.delete(invoice.id);
      const line_items = [{ kind: 'Service', quantity: 1, unit_price: price(dice) }];
      const again = account.invoices.create({ client_id, issue_date, subject, line_items });
      return told('create', 'invoices', again, `instead of ${invoice.id}`);
    },
  ],
];

const price = (dice: Dice): number => dice.between(10, 2000) + 0.5;
