// Which projects the two reports per project list, in their order.
import type { Account } from '../model/account.ts';
import type { ProjectRow } from '../model/rows.ts';
import { inSight, sight } from '../permissions.ts';
import { compareText } from './report.ts';

/** Managers see what they manage; everybody also what they work on with a budget shown to all. By client, then name. */
export function projectsWithBudgetInSight(account: Account): ProjectRow[] {
  const sees = sight(account, 'projects');
  const me = account.me().id;
  const shared = ({ id, show_budget_to_all }: ProjectRow) =>
    show_budget_to_all && account.user_assignments.between(id, me) !== undefined;
  return sorted(
    account,
    account.projects.all().filter((project) => !sees || sees(project) || shared(project)),
  );
}

/** Projects that the owner may invoice; managers, those that they manage. By client, then name. */
export function projectsToInvoice(account: Account): ProjectRow[] {
  return sorted(account, inSight(account, 'projects', account.projects.all()));
}

function sorted(account: Account, projects: readonly ProjectRow[]): ProjectRow[] {
  return projects
    .map((project) => ({ project, client: account.clients.expect(project.client_id).name }))
    .sort((a, b) => compareText(a.client, b.client) || compareText(a.project.name, b.project.name))
    .map(({ project }) => project);
}

/** The members that name the project, without its code. */
export function projectMembers(account: Account, project: ProjectRow) {
  const client = account.clients.expect(project.client_id);
  return { client_id: client.id, client_name: client.name, project_id: project.id, project_name: project.name };
}
