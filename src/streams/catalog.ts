// The 32 streams of Harvest's, and those derived from them. To add one: a row here, `avro/<name>.avsc`, and a recorded sample in
// `test/samples/<name>.json`.
import {
  ANYONE,
  child,
  derived,
  EVERYWHERE,
  list,
  report,
  type StreamDefinition,
  whereOwnerIsSeenIn,
  whereSeenIn,
  whole,
} from './definition.ts';

const ADMIN = 'Administrator';
const CLIENTS = 'Administrator, or Manager allowed to create and edit clients';
const INVOICES = 'Administrator, or Manager with invoice permission';
const ESTIMATES = 'Administrator, or Manager with estimate permission';

const RECIPIENT = [
  { name: 'message_id', type: 'long' },
  { name: 'position', type: 'long' },
] as const;

const PROJECT = { stream: 'projects', member: 'project' } as const;

const invoice = { feature: 'invoice_feature', permission: INVOICES } as const;
const estimate = { feature: 'estimate_feature', permission: ESTIMATES } as const;
const expense = { feature: 'expense_feature', permission: ANYONE } as const;

// Reports show names and currencies, and reckon with rates: nothing tells that one changed (HARVEST-API, Reports).
const rates = {
  tasks: whereSeenIn('time_tasks'),
  users: whereSeenIn('time_team'),
  user_assignments: whereOwnerIsSeenIn('time_projects'),
  task_assignments: whereOwnerIsSeenIn('time_projects'),
  billable_rates: whereOwnerIsSeenIn('time_team'),
};
const time = {
  sources: ['time_entries'],
  restatedBy: {
    ...rates,
    company: EVERYWHERE,
    clients: whereSeenIn('time_clients'),
    projects: whereSeenIn('time_projects'),
    cost_rates: whereOwnerIsSeenIn('time_team'),
  },
  permission: ANYONE,
};
const spending = {
  ...expense,
  sources: ['expenses'],
  restatedBy: {
    company: EVERYWHERE,
    clients: whereSeenIn('expenses_clients'),
    projects: whereSeenIn('expenses_projects'),
    users: whereSeenIn('expenses_team'),
    expense_categories: whereSeenIn('expenses_categories'),
  },
};
// Every billable project is in every window, and so is what invoices of fixed fees leave open.
const uninvoiced = {
  ...invoice,
  sources: ['time_entries', 'expenses'],
  restatedBy: { ...rates, company: EVERYWHERE, clients: EVERYWHERE, projects: EVERYWHERE, invoices: EVERYWHERE },
};

export const catalog: readonly StreamDefinition[] = [
  whole('company', '/company', { rows: null, paging: 'none', isSettings: true, permission: ADMIN }),
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
  list('time_entries', {
    paging: 'page',
    dated: 'spent_date',
    belongsTo: PROJECT,
    hasTimers: true,
    permission: ANYONE,
  }),
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

  report('expenses_clients', 'expenses/clients', 'client_id', spending),
  report('expenses_projects', 'expenses/projects', 'project_id', spending),
  report('expenses_categories', 'expenses/categories', 'expense_category_id', spending),
  report('expenses_team', 'expenses/team', 'user_id', spending),
  report('uninvoiced', 'uninvoiced', 'project_id', uninvoiced),
  report('time_clients', 'time/clients', 'client_id', time),
  report('time_projects', 'time/projects', 'project_id', time),
  report('time_tasks', 'time/tasks', 'task_id', time),
  report('time_team', 'time/team', 'user_id', time),
  whole('project_budget', '/reports/project_budget', {
    rows: 'results',
    paging: 'page',
    budget: 'reports',
    key: [{ name: 'project_id', type: 'long' }],
    sources: ['projects', 'time_entries'],
    permission: ANYONE,
  }),

  derived('invoice_line_items', 'invoices', 'invoice_id', 'line_items', invoice),
  derived('estimate_line_items', 'estimates', 'estimate_id', 'line_items', estimate),
  derived('invoice_message_recipients', 'invoice_messages', 'message_id', 'recipients', { ...invoice, key: RECIPIENT }),
  derived('estimate_message_recipients', 'estimate_messages', 'message_id', 'recipients', {
    ...estimate,
    key: RECIPIENT,
  }),
];

const byName = new Map(catalog.map((row) => [row.name, row]));

/** The row of that name, or undefined: names from configuration and from topics are not ours to trust. */
export function findStream(name: string): StreamDefinition | undefined {
  return byName.get(name);
}

/** The stream of the account's settings. */
export const company = catalog.find(({ isSettings }) => isSettings)!;
