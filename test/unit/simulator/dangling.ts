// Finds what an account may never hold, whatever happened to it.
import type { Simulator } from '../../../lab/simulator/index.ts';

/** Every reference of every row that leads nowhere. */
export function dangling({ data }: Simulator): string[] {
  const found: string[] = [];
  const check = (from: string, id: number | null, table: { get(id: number | null): unknown }) => {
    if (id !== null && !table.get(id)) found.push(`${from} → ${id}`);
  };
  for (const row of data.contacts.all()) check(`contact ${row.id} client`, row.client_id, data.clients);
  for (const row of data.projects.all()) check(`project ${row.id} client`, row.client_id, data.clients);
  for (const row of data.roles.all()) for (const id of row.user_ids) check(`role ${row.id} user`, id, data.users);
  for (const noun of [data.billable_rates, data.cost_rates]) {
    for (const row of noun.all()) check(`rate ${row.id} user`, row.user_id, data.users);
  }
  for (const row of data.user_assignments.all()) {
    check(`user assignment ${row.id} user`, row.user_id, data.users);
    check(`user assignment ${row.id} project`, row.project_id, data.projects);
  }
  for (const row of data.task_assignments.all()) {
    check(`task assignment ${row.id} task`, row.task_id, data.tasks);
    check(`task assignment ${row.id} project`, row.project_id, data.projects);
  }
  for (const row of [...data.time_entries.all(), ...data.expenses.all()]) {
    check(`tracked ${row.id} user`, row.user_id, data.users);
    check(`tracked ${row.id} project`, row.project_id, data.projects);
    check(`tracked ${row.id} user assignment`, row.user_assignment_id, data.user_assignments);
    check(`tracked ${row.id} invoice`, row.invoice_id, data.invoices);
  }
  for (const row of data.time_entries.all()) {
    check(`entry ${row.id} task`, row.task_id, data.tasks);
    check(`entry ${row.id} task assignment`, row.task_assignment_id, data.task_assignments);
  }
  for (const row of data.expenses.all()) {
    check(`expense ${row.id} category`, row.expense_category_id, data.expense_categories);
  }
  for (const row of [...data.invoices.all(), ...data.estimates.all()]) {
    check(`document ${row.id} client`, row.client_id, data.clients);
    check(`document ${row.id} creator`, row.creator_id, data.users);
    for (const line of row.line_items) check(`line ${line.id} project`, line.project_id, data.projects);
  }
  for (const row of data.invoices.all()) check(`invoice ${row.id} estimate`, row.estimate_id, data.estimates);
  for (const row of data.invoice_messages.all()) check(`message ${row.id}`, row.invoice_id, data.invoices);
  for (const row of data.invoice_payments.all()) check(`payment ${row.id}`, row.invoice_id, data.invoices);
  for (const row of data.estimate_messages.all()) check(`message ${row.id}`, row.estimate_id, data.estimates);
  return found;
}
