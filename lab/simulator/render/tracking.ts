// Time entries and expenses as JSON (HARVEST-STREAMS, Lists).
import { dateTime, dateTimeOrNull, timeOfDay } from '../calendar.ts';
import type { Account } from '../model/account.ts';
import type { ExpenseRow, TimeEntryRow } from '../model/rows.ts';
import { clientWithCurrency, type JsonObject, projectOf, rates, seesRates, taskOf, userOf } from './json.ts';
import { embeddedTaskAssignment, embeddedUserAssignment } from './projects.ts';

/** One flat literal: pages hold two thousand of these, and spreading costs more than everything else here. */
export function timeEntry(account: Account, row: TimeEntryRow): JsonObject {
  const { clock } = account.company;
  const userAssignment = account.user_assignments.get(row.user_assignment_id);
  const taskAssignment = account.task_assignments.get(row.task_assignment_id);
  const lockedReason = account.time_entries.lockedReason(row);
  const record: JsonObject = {
    id: row.id,
    spent_date: row.spent_date,
    hours: account.time_entries.hoursNow(row),
    hours_without_timer: row.hours,
    rounded_hours: account.time_entries.roundedHours(row),
    notes: row.notes,
    is_locked: lockedReason !== null,
    locked_reason: lockedReason,
    is_explicitly_locked: row.is_explicitly_locked,
    is_closed: row.approval_status === 'approved',
    approval_status: row.approval_status,
    is_billed: row.invoice_id !== null,
    timer_started_at: dateTimeOrNull(row.timer_started_at),
    started_time: row.started_time === null ? null : timeOfDay(row.started_time, clock),
    ended_time: row.ended_time === null ? null : timeOfDay(row.ended_time, clock),
    is_running: row.timer_started_at !== null,
    billable: row.billable,
    budgeted: row.budgeted,
    billable_rate: row.billable_rate,
    cost_rate: row.cost_rate,
    created_at: dateTime(row.created_at),
    updated_at: dateTime(row.updated_at),
    user: userOf(account, row.user_id),
    client: clientWithCurrency(account, account.projects.expect(row.project_id).client_id),
    project: projectOf(account, row.project_id),
    task: taskOf(account, row.task_id),
    user_assignment: userAssignment ? embeddedUserAssignment(userAssignment) : null,
    task_assignment: taskAssignment ? embeddedTaskAssignment(taskAssignment) : null,
    invoice: invoiceOf(account, row.invoice_id),
    external_reference: row.external_reference && { ...row.external_reference },
  };
  if (seesRates(account)) return record;
  const { billable_rate, cost_rate, ...visible } = record;
  return { ...visible, ...rates(account, { billable_rate: billable_rate ?? null, cost_rate: cost_rate ?? null }) };
}

export function expense(account: Account, row: ExpenseRow): JsonObject {
  const category = account.expense_categories.expect(row.expense_category_id);
  const assignment = account.user_assignments.get(row.user_assignment_id);
  const lockedReason = account.expenses.lockedReason(row);
  const { id: categoryId, name, unit_price, unit_name } = category;
  return {
    id: row.id,
    notes: row.notes,
    units: row.units,
    total_cost: row.total_cost,
    billable: row.billable,
    is_closed: row.approval_status === 'approved',
    approval_status: row.approval_status,
    is_locked: lockedReason !== null,
    locked_reason: lockedReason,
    is_explicitly_locked: row.is_explicitly_locked,
    is_billed: row.invoice_id !== null,
    spent_date: row.spent_date,
    created_at: dateTime(row.created_at),
    updated_at: dateTime(row.updated_at),
    receipt: receiptOf(account, row),
    user: userOf(account, row.user_id),
    user_assignment: assignment ? embeddedUserAssignment(assignment) : null,
    project: projectOf(account, row.project_id),
    client: clientWithCurrency(account, account.projects.expect(row.project_id).client_id),
    expense_category: { id: categoryId, name, unit_price, unit_name },
    invoice: invoiceOf(account, row.invoice_id),
  };
}

function invoiceOf(account: Account, id: number | null) {
  const invoice = account.invoices.get(id);
  return invoice ? { id: invoice.id, number: invoice.number } : null;
}

/** Without a receipt the object is there with empty members. */
function receiptOf(account: Account, row: ExpenseRow): JsonObject {
  if (!row.receipt) return { url: null, file_name: null, file_size: null, content_type: null };
  const { file_name, file_size, content_type } = row.receipt;
  return { url: `${account.company.base_uri}/expenses/${row.id}/receipt`, file_name, file_size, content_type };
}
