// Tasks, projects, assignments and categories as JSON (HARVEST-STREAMS, Lists).
import { dateTime } from '../calendar.ts';
import type { Account } from '../model/account.ts';
import type {
  EstimateItemCategoryRow,
  ExpenseCategoryRow,
  InvoiceItemCategoryRow,
  ProjectRow,
  TaskAssignmentRow,
  TaskRow,
  UserAssignmentRow,
} from '../model/rows.ts';
import { clientWithCurrency, type JsonObject, projectOf, stamps, taskOf, userOf } from './json.ts';

export function task(_account: Account, row: TaskRow): JsonObject {
  const { id, name, billable_by_default, default_hourly_rate, is_default, is_active } = row;
  return { id, name, billable_by_default, default_hourly_rate, is_default, is_active, ...stamps(row) };
}

export function project(account: Account, row: ProjectRow): JsonObject {
  const { client_id, created_at, updated_at, ...members } = row;
  return { ...members, ...stamps(row), client: clientWithCurrency(account, client_id) };
}

/** The assignment as time entries and expenses embed it. Flat, like every literal that fills the longest pages. */
export function embeddedUserAssignment(row: UserAssignmentRow) {
  return {
    id: row.id,
    is_project_manager: row.is_project_manager,
    is_active: row.is_active,
    use_default_rates: row.use_default_rates,
    budget: row.budget,
    created_at: dateTime(row.created_at),
    updated_at: dateTime(row.updated_at),
    hourly_rate: row.hourly_rate,
  };
}

/** The assignment as time entries and project assignments embed it. */
export function embeddedTaskAssignment(row: TaskAssignmentRow) {
  return {
    id: row.id,
    billable: row.billable,
    is_active: row.is_active,
    created_at: dateTime(row.created_at),
    updated_at: dateTime(row.updated_at),
    hourly_rate: row.hourly_rate,
    budget: row.budget,
  };
}

export function userAssignment(account: Account, row: UserAssignmentRow): JsonObject {
  return {
    ...embeddedUserAssignment(row),
    project: projectOf(account, row.project_id),
    user: userOf(account, row.user_id),
  };
}

export function taskAssignment(account: Account, row: TaskAssignmentRow): JsonObject {
  return {
    ...embeddedTaskAssignment(row),
    project: projectOf(account, row.project_id),
    task: taskOf(account, row.task_id),
  };
}

/** The same assignment seen from its person: with the client and the project's active tasks. */
export function projectAssignment(account: Account, row: UserAssignmentRow): JsonObject {
  const owner = account.projects.expect(row.project_id);
  return {
    ...embeddedUserAssignment(row),
    project: { ...projectOf(account, owner.id), is_billable: owner.is_billable },
    client: clientWithCurrency(account, owner.client_id),
    task_assignments: account.task_assignments.byProject
      .of(owner.id)
      .filter((assignment) => assignment.is_active)
      .map((assignment) => ({ ...embeddedTaskAssignment(assignment), task: taskOf(account, assignment.task_id) })),
  };
}

export function expenseCategory(_account: Account, row: ExpenseCategoryRow): JsonObject {
  const { id, name, unit_name, unit_price, is_active } = row;
  return { id, name, unit_name, unit_price, is_active, ...stamps(row) };
}

export function invoiceItemCategory(_account: Account, row: InvoiceItemCategoryRow): JsonObject {
  const { id, name, use_as_service, use_as_expense } = row;
  return { id, name, use_as_service, use_as_expense, ...stamps(row) };
}

export function estimateItemCategory(_account: Account, row: EstimateItemCategoryRow): JsonObject {
  return { id: row.id, name: row.name, ...stamps(row) };
}
