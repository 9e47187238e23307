// Hours, timers, expenses.
import { addDays, dateOfDay, dayOfDate } from '../calendar.ts';
import { NOTES } from '../dataset/words.ts';
import type { Account } from '../model/account.ts';
import { money } from '../model/noun.ts';
import type { UserAssignmentRow } from '../model/rows.ts';
import type { Dice } from '../random.ts';
import { anyOf, type Change, freshOf, told } from './change.ts';

export const TRACKING_CHANGES: readonly Change[] = [
  [
    'time_entries.create',
    30,
    (account, dice) => {
      const place = openPlace(account, dice);
      if (!place) return null;
      const hours = dice.between(1, 800) / 100;
      const entry = account.time_entries.create({ ...place, ...dayAndNotes(account, dice), hours });
      return told('create', 'time_entries', entry, `${hours} h tracked`);
    },
  ],
  [
    'time_entries.start',
    8,
    (account, dice) => {
      const place = openPlace(account, dice);
      if (!place) return null;
      const entry = account.time_entries.create({ ...place, spent_date: account.today() });
      return told('create', 'time_entries', entry, 'timer started');
    },
  ],
  [
    'time_entries.stop',
    8,
    (account) => {
      const running = account.time_entries.all().find(({ timer_started_at }) => timer_started_at !== null);
      return running ? told('edit', 'time_entries', account.time_entries.stop(running.id), 'timer stopped') : null;
    },
  ],
  [
    'time_entries.restart',
    3,
    (account, dice) => {
      const entry = freshOf(account.time_entries, dice);
      if (!entry) return null;
      return told('edit', 'time_entries', account.time_entries.restart(entry.id), 'timer restarted');
    },
  ],
  [
    'time_entries.edit',
    20,
    (account, dice) => {
      const entry = freshOf(account.time_entries, dice);
      if (!entry) return null;
      const running = entry.timer_started_at !== null;
      account.time_entries.update(entry.id, {
        notes: dice.pick(NOTES),
        ...(!running && { hours: dice.between(1, 800) / 100 }),
      });
      return told('edit', 'time_entries', entry, 'hours and notes corrected');
    },
  ],
  [
    'time_entries.edit_old',
    4,
    (account, dice) => {
      const entry = anyOf(account.time_entries, dice);
      if (!entry) return null;
      account.time_entries.update(entry.id, { notes: `Checked again: ${dice.pick(NOTES)}` });
      return told('edit', 'time_entries', entry, 'an old entry was edited');
    },
  ],
  [
    'time_entries.move_back',
    6,
    (account, dice) => {
      const entry = freshOf(account.time_entries, dice);
      if (!entry || entry.timer_started_at !== null) return null;
      const spent_date = addDays(entry.spent_date, -dice.between(1, 60));
      account.time_entries.update(entry.id, { spent_date });
      return told('edit', 'time_entries', entry, `moved to ${spent_date}`);
    },
  ],
  [
    'time_entries.approve',
    3,
    (account, dice) => {
      const entry = freshOf(account.time_entries, dice);
      if (!entry) return null;
      const approval_status = dice.pick(['submitted', 'approved', 'unsubmitted'] as const);
      account.time_entries.update(entry.id, { approval_status });
      return told('edit', 'time_entries', entry, `now ${approval_status}`);
    },
  ],
  [
    'time_entries.delete',
    7,
    (account, dice) => {
      const entry = dice.chance(0.7) ? freshOf(account.time_entries, dice) : anyOf(account.time_entries, dice);
      return entry ? told('delete', 'time_entries', account.time_entries.delete(entry.id), 'hours deleted') : null;
    },
  ],
  [
    'expenses.create',
    8,
    (account, dice) => {
      const place = openPlace(account, dice);
      const category = anyOf(account.expense_categories, dice);
      if (!place || !category) return null;
      const expense = account.expenses.create({
        ...{ project_id: place.project_id, user_id: place.user_id, expense_category_id: category.id },
        ...dayAndNotes(account, dice),
        total_cost: money(dice.below(90_000) / 100 + 1),
        billable: dice.chance(0.7),
      });
      return told('create', 'expenses', expense, `spent ${expense.total_cost}`);
    },
  ],
  [
    'expenses.edit',
    5,
    (account, dice) => {
      const expense = freshOf(account.expenses, dice);
      if (!expense) return null;
      const moved = dice.chance(0.4) && { spent_date: addDays(expense.spent_date, -dice.between(1, 40)) };
      account.expenses.update(expense.id, { total_cost: money(dice.below(90_000) / 100), ...moved });
      return told('edit', 'expenses', expense, 'expense corrected');
    },
  ],
  [
    'expenses.delete',
    3,
    (account, dice) => {
      const expense = anyOf(account.expenses, dice);
      return expense ? told('delete', 'expenses', account.expenses.delete(expense.id), 'expense deleted') : null;
    },
  ],
];

/** Somebody, on something, doing something: where time can be tracked now. */
export function openPlace(account: Account, dice: Dice) {
  const { projects, users, user_assignments, task_assignments, tasks } = account;
  const usable = (each: UserAssignmentRow | undefined): each is UserAssignmentRow =>
    each?.is_active === true && projects.expect(each.project_id).is_active && users.expect(each.user_id).is_active;
  for (let attempt = 0; attempt < 20; attempt++) {
    const person = anyOf(user_assignments, dice);
    if (!usable(person)) continue;
    const open = task_assignments.byProject
      .of(person.project_id)
      .filter(({ is_active, task_id }) => is_active && tasks.expect(task_id).is_active);
    if (open.length > 0) {
      return { project_id: person.project_id, user_id: person.user_id, task_id: dice.pick(open).task_id };
    }
  }
  return null;
}

function dayAndNotes(account: Account, dice: Dice) {
  const today = dayOfDate(account.today());
  return { spent_date: dateOfDay(today - (dice.chance(0.8) ? 0 : dice.below(30))), notes: dice.pick(NOTES) };
}
