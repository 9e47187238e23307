// The 32 streams. To add one: a row here, `avro/<name>.avsc`, and a recorded sample in `test/samples/<name>.json`.
import { child, list, report, whole } from './definition.js';
const ADMIN = 'Administrator';
const CLIENTS = 'Administrator, or Manager allowed to create and edit clients';
const INVOICES = 'Administrator, or Manager with invoice permission';
const ESTIMATES = 'Administrator, or Manager with estimate permission';
const ANYONE = 'any role sees its own rows; an Administrator sees all';
const PROJECT = { stream: 'projects', member: 'project' };
const invoice = { feature: 'invoice_feature', permission: INVOICES };
const estimate = { feature: 'estimate_feature', permission: ESTIMATES };
const expense = { feature: 'expense_feature', permission: ANYONE };
export const catalog = [
    whole('company', '/company', { rows: null, paging: 'none', permission: ADMIN }),
    list('clients', { permission: CLIENTS }),
    list('contacts', { belongsTo: { stream: 'clients', member: 'client' }, permission: CLIENTS }),
    list('users', { permission: 'Administrator, or Manager with assigned teammates' }),
    whole('roles', '/roles', { single: '/roles/{id}', permission: ADMIN }),
    list('tasks', { permission: 'Administrator, or Manager allowed to create and edit tasks' }),
    list('projects', { permission: 'Administrator, or Manager with managed projects' }),
    list('user_assignments', {
        single: '/projects/{parent}/user_assignments/{id}',
        belongsTo: PROJECT,
        permission: 'Administrator, or Manager with teammates or managed projects',
    }),
    list('task_assignments', {
        single: '/projects/{parent}/task_assignments/{id}',
        belongsTo: PROJECT,
        permission: 'Administrator, or Manager with managed projects',
    }),
    list('time_entries', { paging: 'page', dated: 'spent_date', belongsTo: PROJECT, permission: ANYONE }),
    list('expenses', { ...expense, paging: 'page', dated: 'spent_date', belongsTo: PROJECT }),
    list('expense_categories', { feature: 'expense_feature', permission: ADMIN }),
    list('invoices', { ...invoice, paging: 'page', dated: 'issue_date' }),
    list('invoice_item_categories', { feature: 'invoice_feature', permission: ADMIN }),
    list('estimates', { ...estimate, paging: 'page', dated: 'issue_date' }),
    list('estimate_item_categories', { feature: 'estimate_feature', permission: ADMIN }),
    child('invoice_messages', 'invoices', 'invoice_id', 'messages', invoice),
    child('invoice_payments', 'invoices', 'invoice_id', 'payments', invoice),
    child('estimate_messages', 'estimates', 'estimate_id', 'messages', estimate),
    child('billable_rates', 'users', 'user_id', 'billable_rates', {
        permission: 'Administrator, or Manager with the billable-rates permission',
    }),
    child('cost_rates', 'users', 'user_id', 'cost_rates', { permission: ADMIN }),
    child('project_assignments', 'users', 'user_id', 'project_assignments', {
        permission: 'Administrator, or Manager with assigned teammates',
    }),
    report('expenses_clients', 'expenses/clients', 'client_id', expense),
    report('expenses_projects', 'expenses/projects', 'project_id', expense),
    report('expenses_categories', 'expenses/categories', 'expense_category_id', expense),
    report('expenses_team', 'expenses/team', 'user_id', expense),
    report('uninvoiced', 'uninvoiced', 'project_id', invoice),
    report('time_clients', 'time/clients', 'client_id', { permission: ANYONE }),
    report('time_projects', 'time/projects', 'project_id', { permission: ANYONE }),
    report('time_tasks', 'time/tasks', 'task_id', { permission: ANYONE }),
    report('time_team', 'time/team', 'user_id', { permission: ANYONE }),
    whole('project_budget', '/reports/project_budget', {
        rows: 'results',
        paging: 'page',
        budget: 'reports',
        key: [{ name: 'project_id', type: 'long' }],
        permission: ANYONE,
    }),
];
const byName = new Map(catalog.map((row) => [row.name, row]));
/** The row of that name, or undefined: names from configuration and from topics are not ours to trust. */
export function findStream(name) {
    return byName.get(name);
}
