// Records move from one place to another: dates, projects, clients. Each leaves one report row or list and enters another.
import { addDays } from '../calendar.ts';
import type { Dice } from '../random.ts';
import { anyOf, type Change, freshOf, told } from './change.ts';
import { openPlace } from './tracking.ts';

/** Either way: mostly by days, sometimes across years. */
function anotherDay(date: string, dice: Dice): string {
  const days = dice.between(1, dice.chance(0.7) ? 40 : 800);
  return addDays(date, dice.chance(0.6) ? -days : days);
}

export const MOVES: readonly Change[] = [
  [
    'time_entries.move_date',
    8,
    (account, dice) => {
      const entry = anyOf(account.time_entries, dice);
      if (!entry || entry.timer_started_at !== null) return null;
      const spent_date = anotherDay(entry.spent_date, dice);
      return told('edit', 'time_entries', account.time_entries.update(entry.id, { spent_date }), `now ${spent_date}`);
    },
  ],
  [
    'time_entries.move_project',
    5,
    (account, dice) => {
      const entry = freshOf(account.time_entries, dice);
      const place = openPlace(account, dice);
      if (!entry || !place) return null;
      const { project_id, task_id } = place;
      account.time_entries.update(entry.id, { project_id, task_id });
      return told('edit', 'time_entries', entry, `moved to project ${project_id}`);
    },
  ],
  [
    'time_entries.billable',
    2,
    (account, dice) => {
      const entry = anyOf(account.time_entries, dice);
      if (!entry) return null;
      account.time_entries.update(entry.id, { billable: !entry.billable });
      return told('edit', 'time_entries', entry, entry.billable ? 'billable' : 'not billable');
    },
  ],
  [
    'time_entries.late',
    3,
    (account, dice) => {
      const place = openPlace(account, dice);
      if (!place) return null;
      const spent_date = addDays(account.today(), dice.between(-1000, 40));
      const entry = account.time_entries.create({ ...place, spent_date, hours: dice.between(1, 800) / 100 });
      return told('create', 'time_entries', entry, `tracked for ${spent_date}`);
    },
  ],
  [
    'expenses.move_date',
    4,
    (account, dice) => {
      const expense = anyOf(account.expenses, dice);
      if (!expense) return null;
      const spent_date = anotherDay(expense.spent_date, dice);
      return told('edit', 'expenses', account.expenses.update(expense.id, { spent_date }), `now ${spent_date}`);
    },
  ],
  [
    'expenses.move_project',
    3,
    (account, dice) => {
      const expense = anyOf(account.expenses, dice);
      const project = anyOf(account.projects, dice);
      const category = anyOf(account.expense_categories, dice);
      if (!expense || !project || !category) return null;
      account.expenses.update(expense.id, { project_id: project.id, expense_category_id: category.id });
      return told('edit', 'expenses', expense, `moved to project ${project.id}`);
    },
  ],
  [
    'invoices.move_date',
    2,
    (account, dice) => {
      const invoice = anyOf(account.invoices, dice);
      if (!invoice) return null;
      const issue_date = anotherDay(invoice.issue_date, dice);
      return told('edit', 'invoices', account.invoices.update(invoice.id, { issue_date }), `now ${issue_date}`);
    },
  ],
  [
    'estimates.move_date',
    2,
    (account, dice) => {
      const estimate = anyOf(account.estimates, dice);
      if (!estimate) return null;
      // Old estimates have been seen without a date.
      const issue_date = dice.chance(0.1) ? null : anotherDay(estimate.issue_date ?? account.today(), dice);
      return told('edit', 'estimates', account.estimates.update(estimate.id, { issue_date }), `now ${issue_date}`);
    },
  ],
  [
    'contacts.move_client',
    1,
    (account, dice) => {
      const contact = anyOf(account.contacts, dice);
      const client = anyOf(account.clients, dice);
      if (!contact || !client) return null;
      account.contacts.update(contact.id, { client_id: client.id });
      return told('edit', 'contacts', contact, `now with client ${client.id}`);
    },
  ],
  [
    'projects.move_client',
    0.5,
    (account, dice) => {
      const project = anyOf(account.projects, dice);
      const client = anyOf(account.clients, dice);
      if (!project || !client) return null;
      account.projects.update(project.id, { client_id: client.id });
      return told('edit', 'projects', project, `now for client ${client.id}`);
    },
  ],
];
