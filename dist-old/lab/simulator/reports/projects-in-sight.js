import { inSight, sight } from '../permissions.js';
import { compareText } from './report.js';
/** Managers see what they manage; everybody also what they work on with a budget shown to all. By client, then name. */
export function projectsWithBudgetInSight(account) {
    const sees = sight(account, 'projects');
    const me = account.me().id;
    const shared = ({ id, show_budget_to_all }) => show_budget_to_all && account.user_assignments.between(id, me) !== undefined;
    return sorted(account, account.projects.all().filter((project) => !sees || sees(project) || shared(project)));
}
/** What the owner may invoice: managers what they manage. By client, then name. */
export function projectsToInvoice(account) {
    return sorted(account, inSight(account, 'projects', account.projects.all()));
}
function sorted(account, projects) {
    return projects
        .map((project) => ({ project, client: account.clients.expect(project.client_id).name }))
        .sort((a, b) => compareText(a.client, b.client) || compareText(a.project.name, b.project.name))
        .map(({ project }) => project);
}
/** The members that name the project, without its code. */
export function projectMembers(account, project) {
    const client = account.clients.expect(project.client_id);
    return { client_id: client.id, client_name: client.name, project_id: project.id, project_name: project.name };
}
