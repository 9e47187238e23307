// Which projects the two reports per project list, in their order.
import type { Account } from '../model/account.ts';
import type { ProjectRow } from '../model/rows.ts';
import { managedProjects } from '../permissions.ts';
import { compareText } from './report.ts';

/** By client, then name. Managers see what they manage; members what they work on with a budget shown to all. */
export function projectsInSight(account: Account): ProjectRow[] {
  const managed = managedProjects(account);
  const me = account.me().id;
  return account.projects
    .all()
    .filter(
      ({ id, show_budget_to_all }) =>
        account.settings.role === 'administrator' ||
        managed.has(id) ||
        (show_budget_to_all && account.user_assignments.between(id, me) !== undefined),
    )
    .map((project) => ({ project, client: account.clients.expect(project.client_id).name }))
    .sort((a, b) => compareText(a.client, b.client) || compareText(a.project.name, b.project.name))
    .map(({ project }) => project);
}

/** The members that name the project, without its code. */
export function projectMembers(account: Account, project: ProjectRow) {
  const client = account.clients.expect(project.client_id);
  return { client_id: client.id, client_name: client.name, project_id: project.id, project_name: project.name };
}
