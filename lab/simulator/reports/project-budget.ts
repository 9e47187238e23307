// The project budget report: every project that has a budget, as of now (HARVEST-API, Reports).
import type { Account } from '../model/account.ts';
import { money } from '../model/noun.ts';
import type { ProjectRow } from '../model/rows.ts';
import { rates } from '../render/json.ts';
import { projectMembers, projectsWithBudgetInSight } from './projects-in-sight.ts';
import type { Report } from './report.ts';

interface Spent {
  hours: number;
  amount: number;
}

export const projectBudget: Report = {
  stream: 'project_budget',
  path: '/reports/project_budget',
  parameters: ['is_active'],
  rows(account, { isActive }) {
    const projects = projectsWithBudgetInSight(account).filter(
      (project) => project.budget_by !== 'none' && (isActive === undefined || project.is_active === isActive),
    );
    const spent = spentByProject(account, projects);
    return projects.map((project) => {
      const budget = budgetOf(account, project);
      const { hours, amount } = spent.get(project.id) as Spent;
      const inMoney = project.budget_by === 'project_cost' || project.budget_by === 'task_fees';
      const budget_spent = money(inMoney ? amount : hours);
      const budget_remaining = budget === null ? null : money(budget - budget_spent);
      const figures = { budget, budget_spent, budget_remaining };
      return {
        ...projectMembers(account, project),
        budget_is_monthly: project.budget_is_monthly,
        budget_by: project.budget_by,
        is_active: project.is_active,
        ...(inMoney ? rates(account, figures) : figures),
      };
    });
  },
};

function budgetOf(account: Account, project: ProjectRow): number | null {
  if (project.budget_by === 'project') return project.budget;
  if (project.budget_by === 'project_cost') return project.cost_budget;
  const assignments: readonly { budget: number | null }[] =
    project.budget_by === 'person'
      ? account.user_assignments.byProject.of(project.id)
      : account.task_assignments.byProject.of(project.id);
  return money(assignments.reduce((sum, { budget }) => sum + (budget ?? 0), 0));
}

/** Monthly budgets count this month only, so they start again by the calendar alone. */
function spentByProject(account: Account, projects: readonly ProjectRow[]): Map<number, Spent> {
  const month = `${account.today().slice(0, 7)}-01`;
  const sums = new Map<number, Spent>();
  for (const { id } of projects) sums.set(id, { hours: 0, amount: 0 });
  const sumOf = ({ project_id, spent_date }: { project_id: number; spent_date: string }) =>
    account.projects.expect(project_id).budget_is_monthly && spent_date < month ? undefined : sums.get(project_id);
  for (const entry of account.time_entries.all()) {
    const sum = sumOf(entry);
    if (!sum) continue;
    const hours = account.time_entries.roundedHours(entry);
    sum.hours += hours;
    sum.amount += hours * (entry.billable_rate ?? 0);
  }
  for (const expense of account.expenses.all()) {
    if (!account.projects.expect(expense.project_id).cost_budget_include_expenses) continue;
    const sum = sumOf(expense);
    if (sum) sum.amount += expense.total_cost;
  }
  return sums;
}
