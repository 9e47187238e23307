// Tasks, projects with every way of billing and budgeting, assignments, and the categories.
import { addDays } from '../calendar.ts';
import type { BudgetBy, ProjectRow } from '../model/rows.ts';
import { insertPast, type Making, spread, workingSecond } from './making.ts';
import { ESTIMATE_KINDS, EXPENSE_CATEGORIES, INVOICE_KINDS, PRICE_LEVEL, PROJECT_NAMES, TASK_NAMES } from './words.ts';

const BUDGETS: readonly BudgetBy[] = ['project', 'none', 'person', 'project_cost', 'task', 'task_fees'];
const BILLINGS: readonly ProjectRow['bill_by'][] = ['Project', 'People', 'Tasks', 'none'];

export function fillProjects(making: Making): void {
  fillCategories(making);
  fillTasks(making);
  const { account, dice, counts, start, today } = making;
  spread(dice, counts.projects, start, addDays(today, -20)).forEach((date, at) => {
    fillAssignments(making, fillProject(making, date, at), at === 0);
  });
  // Whoever is simulated as the caller works on something.
  const [me] = account.users.all();
  const [project] = account.projects.all();
  if (me && project && !account.user_assignments.between(project.id, me.id)) {
    insertAssignment(making, project, me.id);
  }
}

function fillCategories(making: Making): void {
  const { account, dice, start } = making;
  const when = () => workingSecond(dice, start);
  EXPENSE_CATEGORIES.forEach(([name, unit_name, unit_price], at) => {
    insertPast(making, account.expense_categories, when(), { name, unit_name, unit_price, is_active: at !== 5 });
  });
  INVOICE_KINDS.forEach((name) => {
    const uses = { use_as_service: name === 'Service', use_as_expense: name === 'Expense' };
    insertPast(making, account.invoice_item_categories, when(), { name, ...uses });
  });
  for (const name of ESTIMATE_KINDS) insertPast(making, account.estimate_item_categories, when(), { name });
}

function fillTasks(making: Making): void {
  const { account, dice, counts, start } = making;
  for (let at = 0; at < counts.tasks; at++) {
    const name = TASK_NAMES[at % TASK_NAMES.length] as string;
    const round = Math.floor(at / TASK_NAMES.length);
    insertPast(making, account.tasks, workingSecond(dice, start), {
      name: round === 0 ? name : `${name} ${round + 1}`,
      billable_by_default: !['Vacation', 'Sick leave', 'Business Development'].includes(name),
      default_hourly_rate: at % 3 === 0 ? null : at % 3 === 1 ? 100 : 0,
      is_default: at < 3,
      is_active: at % 8 !== 7,
    });
  }
}

function fillProject(making: Making, date: string, at: number): ProjectRow {
  const { account, dice } = making;
  const clients = account.clients.all();
  // The first projects belong to the first clients, so that every currency has hours.
  const client = clients[at < 6 ? at % clients.length : dice.below(clients.length)]!;
  const level = PRICE_LEVEL[client.currency] ?? 1;
  const is_billable = at < 4 || dice.chance(0.85);
  const is_fixed_fee = is_billable && at % 7 === 3;
  const bill_by = is_billable ? (BILLINGS[at % 3] as ProjectRow['bill_by']) : 'none';
  const budget_by = BUDGETS[at % BUDGETS.length] as BudgetBy;
  const dated = dice.chance(0.5);
  const name = PROJECT_NAMES[at % PROJECT_NAMES.length] as string;
  const round = Math.floor(at / PROJECT_NAMES.length);
  return insertPast(making, account.projects, workingSecond(dice, date), {
    client_id: client.id,
    name: round === 0 ? name : `${name} ${round + 1}`,
    code: at % 4 === 0 ? null : at % 4 === 1 ? '' : `P${100 + at}`,
    is_active: at % 4 !== 3,
    is_billable,
    is_fixed_fee,
    bill_by,
    hourly_rate: bill_by === 'Project' ? dice.between(80, 180) * level : null,
    budget_by,
    budget_is_monthly: at % 4 === 2,
    budget: budget_by === 'project' ? dice.between(20, 2000) : null,
    cost_budget: budget_by === 'project_cost' ? dice.between(1000, 90_000) * level + 0.5 : null,
    cost_budget_include_expenses: budget_by === 'project_cost' && dice.chance(0.5),
    notify_when_over_budget: budget_by !== 'none' && dice.chance(0.5),
    over_budget_notification_percentage: dice.chance(0.9) ? 80 : null,
    over_budget_notification_date: dice.chance(0.1) ? addDays(date, 40) : null,
    show_budget_to_all: dice.chance(0.4),
    fee: is_fixed_fee ? dice.between(2000, 40_000) * level : null,
    notes: dice.chance(0.3) ? 'Kick-off was great – “go!”\nKeep an eye on scope.' : dice.chance(0.5) ? null : '',
    starts_on: dated ? date : null,
    ends_on: dated && dice.chance(0.6) ? addDays(date, dice.between(60, 500)) : null,
  });
}

function fillAssignments(making: Making, project: ProjectRow, everyTask: boolean): void {
  const { account, dice } = making;
  const level = PRICE_LEVEL[account.clients.expect(project.client_id).currency] ?? 1;
  for (const user of dice.some(account.users.all(), dice.between(3, 7))) insertAssignment(making, project, user.id);
  const tasks = account.tasks.all();
  for (const task of everyTask ? tasks : dice.some(tasks, dice.between(3, 6))) {
    const byTask = project.budget_by === 'task' || project.budget_by === 'task_fees';
    insertPast(making, account.task_assignments, project.created_at + dice.below(3600), {
      project_id: project.id,
      task_id: task.id,
      is_active: task.is_active && !dice.chance(0.08),
      billable: task.billable_by_default,
      hourly_rate: project.bill_by === 'Tasks' ? dice.between(70, 150) * level : null,
      budget: byTask && dice.chance(0.8) ? dice.between(10, 300) * (project.budget_by === 'task' ? 1 : level) : null,
    });
  }
}

function insertAssignment(making: Making, project: ProjectRow, user_id: number): void {
  const { account, dice } = making;
  const level = PRICE_LEVEL[account.clients.expect(project.client_id).currency] ?? 1;
  const own = dice.chance(0.3);
  insertPast(making, account.user_assignments, project.created_at + dice.below(3600), {
    project_id: project.id,
    user_id,
    is_active: account.users.expect(user_id).is_active && !dice.chance(0.08),
    is_project_manager: dice.chance(0.2),
    use_default_rates: !own,
    hourly_rate: own ? dice.between(60, 200) * level + 0.25 : null,
    budget: project.budget_by === 'person' && dice.chance(0.8) ? dice.between(10, 400) : null,
  });
}
