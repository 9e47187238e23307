// Time entries and expenses: most of what an account holds, so made in one pass by date.
import { addDays, dateOf, dayOfDate } from '../calendar.ts';
import { money } from '../model/noun.ts';
import type {
  ApprovalStatus,
  ExternalReference,
  ProjectRow,
  TaskAssignmentRow,
  TimeEntryRow,
  UserAssignmentRow,
} from '../model/rows.ts';
import type { Draft } from '../model/table.ts';
import type { Dice } from '../random.ts';
import type { OpenInvoices } from './documents.ts';
import { insertPast, type Making, spread, underWay, workingSecond } from './making.ts';
import { NOTES, PRICE_LEVEL } from './words.ts';

/** A project with those who work on it and what they do. */
interface Workplace {
  readonly project: ProjectRow;
  readonly people: readonly UserAssignmentRow[];
  readonly tasks: readonly TaskAssignmentRow[];
}

export function fillTimeEntries(making: Making, invoices: OpenInvoices): void {
  const { account, dice, timeEntries, start, today } = making;
  const workplaceAt = underWay(dice, workplacesOf(making), ({ project }) => project);
  for (const workday of spread(dice, timeEntries, start, today)) {
    const { project, people, tasks } = workplaceAt(workday);
    // Some hours are written down days later: their ids are out of step with their dates.
    const spent_date = dice.chance(0.06) ? addDays(workday, -dice.between(1, 20)) : workday;
    const entry = timeEntry(making, project, dice.pick(people), dice.pick(tasks), spent_date);
    const row = insertPast(making, account.time_entries, workingSecond(dice, workday), entry);
    const billing = row.billable ? invoices.billing(project.id, spent_date.slice(0, 7)) : undefined;
    if (!billing) continue;
    billing.hours += row.hours;
    billing.amount += row.hours * (row.billable_rate ?? 0);
    row.invoice_id = billing.invoice.id;
    row.updated_at = Math.max(row.updated_at, billing.invoice.created_at);
  }
  startTimers(making);
}

function timeEntry(
  { account, dice, today }: Making,
  project: ProjectRow,
  person: UserAssignmentRow,
  task: TaskAssignmentRow,
  spent_date: string,
): Draft<TimeEntryRow> {
  const hours = Math.max(0.02, Math.round(dice.random() ** 1.5 * 800) / 100);
  const clocked = dice.chance(0.3);
  const started = dice.between(7 * 60, 15 * 60);
  // One flat literal: spreading would cost most of the time it takes to make a large account.
  const entry: Draft<TimeEntryRow> = {
    spent_date,
    user_id: person.user_id,
    project_id: project.id,
    task_id: task.task_id,
    // Both are null now and then in real data.
    user_assignment_id: dice.chance(0.005) ? null : person.id,
    task_assignment_id: dice.chance(0.005) ? null : task.id,
    hours,
    notes: dice.chance(0.8) ? dice.pick(NOTES) : dice.chance(0.5) ? null : '',
    budgeted: project.budget_by !== 'none',
    billable: project.is_billable && task.billable,
    billable_rate: null,
    cost_rate: account.cost_rates.amountOn(person.user_id, spent_date),
    invoice_id: null,
    approval_status: approvalOf(dice, spent_date, today),
    is_explicitly_locked: dice.chance(0.01),
    timer_started_at: null,
    started_time: clocked ? started : null,
    ended_time: clocked ? started + Math.round(hours * 60) : null,
    external_reference: dice.chance(0.08) ? externalReference(dice) : null,
  };
  entry.billable_rate = account.projects.billableRate(entry);
  return entry;
}

function workplacesOf({ account }: Making): Workplace[] {
  return account.projects.all().map((project) => ({
    project,
    people: account.user_assignments.byProject.of(project.id),
    tasks: account.task_assignments.byProject.of(project.id),
  }));
}

function approvalOf(dice: Dice, date: string, today: string): ApprovalStatus {
  const age = dayOfDate(today) - dayOfDate(date);
  if (age > 30) return dice.chance(0.6) ? 'approved' : 'unsubmitted';
  return age > 7 && dice.chance(0.4) ? 'submitted' : 'unsubmitted';
}

function externalReference(dice: Dice): ExternalReference {
  const full = dice.chance(0.7);
  const id = full ? String(dice.between(1000, 9_999_999)) : dice.hex(24);
  return {
    id,
    group_id: full ? String(dice.between(1, 999)) : null,
    account_id: full ? '12345' : null,
    permalink: full ? `https://trello.com/c/${id}` : null,
    service: full ? 'trello.com' : null,
    service_icon_url: full ? 'https://cache.harvestapp.com/assets/trello.png' : null,
  };
}

/** A few people have a timer running right now. */
function startTimers({ account, dice }: Making): void {
  const { time_entries, users, projects } = account;
  const running = new Set<number>();
  const recent = time_entries.newestFirst().slice(0, 200);
  for (const entry of recent) {
    if (running.size >= 3) return;
    const idle = !running.has(entry.user_id) && users.expect(entry.user_id).is_active;
    if (!idle || entry.invoice_id !== null || !projects.expect(entry.project_id).is_active) continue;
    running.add(entry.user_id);
    const startedAt = Math.max(entry.created_at, account.seconds() - dice.between(300, 7200));
    time_entries.assign(entry, {
      spent_date: dateOf(startedAt),
      timer_started_at: startedAt,
      started_time: Math.floor((startedAt % 86_400) / 60),
      ended_time: null,
      approval_status: 'unsubmitted',
      updated_at: startedAt,
    });
  }
}

export function fillExpenses(making: Making, invoices: OpenInvoices): void {
  const { account, dice, counts, start, today } = making;
  const workplaceAt = underWay(dice, workplacesOf(making), ({ project }) => project);
  const categories = account.expense_categories.all();
  spread(dice, counts.expenses, start, today).forEach((spent_date, at) => {
    const { project, people } = workplaceAt(spent_date);
    const person = dice.pick(people);
    const category = dice.pick(categories);
    const level = PRICE_LEVEL[account.clients.expect(project.client_id).currency] ?? 1;
    const billable = project.is_billable && dice.chance(0.8);
    const units = category.unit_price === null ? (dice.chance(0.9) ? 1 : null) : dice.between(1, 120);
    const total_cost = money(
      category.unit_price === null ? (dice.below(50_000) / 100 + 1) * level : category.unit_price * (units ?? 1),
    );
    const billing = billable ? invoices.billing(project.id, spent_date.slice(0, 7)) : undefined;
    if (billing) billing.expenses += total_cost;
    insertPast(making, account.expenses, workingSecond(dice, spent_date), {
      spent_date,
      user_id: person.user_id,
      project_id: project.id,
      expense_category_id: category.id,
      user_assignment_id: at % 100 === 7 ? null : person.id,
      receipt: dice.chance(0.4)
        ? { file_name: `Quittung ${at}.pdf`, file_size: dice.between(9000, 4_000_000), content_type: 'application/pdf' }
        : null,
      invoice_id: billing?.invoice.id ?? null,
      notes: dice.chance(0.6) ? dice.pick(['Lunch with client', 'Taxi → airport', 'Hôtel', 'Parking']) : null,
      units,
      total_cost,
      billable,
      approval_status: approvalOf(dice, spent_date, today),
      is_explicitly_locked: dice.chance(0.01),
    });
  });
}
