// The uninvoiced report: every billable project, also those without anything in the window (HARVEST-API, Reports).
import type { Account } from '../model/account.ts';
import { money } from '../model/noun.ts';
import type { ProjectRow } from '../model/rows.ts';
import { projectMembers, projectsToInvoice } from './projects-in-sight.ts';
import type { Report, ReportRequest } from './report.ts';

interface Open {
  totalHours: number;
  hours: number;
  amount: number;
  expenses: number;
}

export const uninvoiced: Report = {
  stream: 'uninvoiced',
  path: '/reports/uninvoiced',
  parameters: ['from', 'to', 'include_fixed_fee'],
  rows(account, request) {
    const projects = projectsToInvoice(account).filter(
      (project) => project.is_billable && (request.includeFixedFee !== false || !project.is_fixed_fee),
    );
    const open = openByProject(account, projects, request);
    const invoiced = invoicedByProject(account);
    return projects.map((project) => {
      const { totalHours, hours, amount, expenses } = open.get(project.id) as Open;
      // A fixed fee ignores the window, and what was invoiced beyond it makes it negative.
      const time = project.is_fixed_fee ? (project.fee ?? 0) - (invoiced.get(project.id) ?? 0) : amount;
      return {
        ...projectMembers(account, project),
        currency: account.clients.expect(project.client_id).currency,
        total_hours: money(totalHours),
        uninvoiced_hours: money(hours),
        uninvoiced_expenses: money(expenses),
        uninvoiced_amount: money(time + expenses),
      };
    });
  },
};

function openByProject(account: Account, projects: readonly ProjectRow[], { from, to }: ReportRequest) {
  const sums = new Map<number, Open>();
  for (const { id } of projects) sums.set(id, { totalHours: 0, hours: 0, amount: 0, expenses: 0 });
  for (const entry of account.time_entries.byDate.newestFirst(from, to)) {
    const sum = sums.get(entry.project_id);
    if (!sum) continue;
    const hours = account.time_entries.roundedHours(entry);
    sum.totalHours += hours;
    if (!entry.billable || entry.invoice_id !== null) continue;
    sum.hours += hours;
    sum.amount += hours * (entry.billable_rate ?? 0);
  }
  for (const expense of account.expenses.byDate.newestFirst(from, to)) {
    const sum = sums.get(expense.project_id);
    if (sum && expense.billable && expense.invoice_id === null) sum.expenses += expense.total_cost;
  }
  return sums;
}

function invoicedByProject(account: Account): Map<number, number> {
  const amounts = new Map<number, number>();
  for (const invoice of account.invoices.all()) {
    for (const { project_id, quantity, unit_price } of invoice.line_items) {
      if (project_id !== null) amounts.set(project_id, (amounts.get(project_id) ?? 0) + quantity * unit_price);
    }
  }
  return amounts;
}
