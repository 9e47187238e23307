import { inSight } from './permissions.js';
import * as documents from './render/documents.js';
import * as people from './render/people.js';
import * as projects from './render/projects.js';
import * as tracking from './render/tracking.js';
const SINCE = 'updated_since';
const WINDOW = ['from', 'to'];
const OF_PEOPLE = ['user_id', 'client_id', 'project_id', 'is_billed', 'approval_status', SINCE, ...WINDOW];
export const recordLists = [
    list('clients', people.client, ['is_active', SINCE]),
    list('contacts', people.contact, ['client_id', SINCE]),
    list('users', people.user, ['is_active', SINCE]),
    list('roles', people.role, []),
    list('tasks', projects.task, ['is_active', SINCE]),
    list('projects', projects.project, ['is_active', 'client_id', SINCE]),
    list('user_assignments', projects.userAssignment, ['user_id', 'is_active', SINCE]),
    list('task_assignments', projects.taskAssignment, ['is_active', SINCE]),
    list('expense_categories', projects.expenseCategory, ['is_active', SINCE]),
    list('invoice_item_categories', projects.invoiceItemCategory, [SINCE]),
    list('estimate_item_categories', projects.estimateItemCategory, [SINCE]),
    dated('time_entries', tracking.timeEntry, [...OF_PEOPLE, 'task_id', 'external_reference_id', 'is_running']),
    dated('expenses', tracking.expense, OF_PEOPLE),
    dated('invoices', documents.invoice, ['client_id', 'project_id', 'state', SINCE, ...WINDOW]),
    dated('estimates', documents.estimate, ['client_id', 'state', SINCE, ...WINDOW]),
    below('invoice_messages', 'invoices', 'messages', documents.invoiceMessage, [SINCE], (account, invoice) => account.invoice_messages.byInvoice.of(invoice).toReversed()),
    below('invoice_payments', 'invoices', 'payments', documents.payment, [SINCE], (account, invoice) => account.invoice_payments.byInvoice.of(invoice).toReversed()),
    below('estimate_messages', 'estimates', 'messages', documents.estimateMessage, [SINCE], (account, estimate) => account.estimate_messages.byEstimate.of(estimate).toReversed()),
    ratesBelow('billable_rates'),
    ratesBelow('cost_rates'),
    below('project_assignments', 'users', 'project_assignments', projects.projectAssignment, [SINCE], ofPerson),
    {
        ...below('user_assignments', 'projects', 'user_assignments', projects.userAssignment, ['user_id', 'is_active', SINCE], (account, project) => inSight(account, 'user_assignments', account.user_assignments.byProject.of(project)).toReversed()),
        paging: 'page',
    },
    {
        ...below('task_assignments', 'projects', 'task_assignments', projects.taskAssignment, ['is_active', SINCE], (account, project) => inSight(account, 'task_assignments', account.task_assignments.byProject.of(project)).toReversed()),
        paging: 'page',
    },
    {
        stream: 'project_assignments',
        path: '/users/me/project_assignments',
        key: 'project_assignments',
        paging: 'page',
        filters: [],
        rows: (account) => ofPerson(account, account.me().id),
        render: projects.projectAssignment,
    },
];
/** Only active assignments of active projects: archiving either makes the record vanish. */
function ofPerson(account, user) {
    return account.user_assignments.byUser
        .of(user)
        .filter((assignment) => assignment.is_active && account.projects.expect(assignment.project_id).is_active)
        .toReversed();
}
function list(noun, render, filters) {
    return {
        stream: noun,
        path: `/${noun}`,
        key: noun,
        paging: 'cursor',
        filters,
        rows: (account) => inSight(account, noun, account[noun].newestFirst()),
        render: render,
    };
}
/** Sorted by a date that people edit, so pages shift while they are walked. */
function dated(noun, render, filters) {
    return {
        ...list(noun, render, filters),
        paging: 'page',
        rows(account, { from, to }) {
            return inSight(account, noun, account[noun].byDate.newestFirst(from, to));
        },
    };
}
function below(stream, noun, segment, render, filters, rows) {
    return {
        stream,
        path: `/${noun}/:parent/${segment}`,
        key: stream,
        paging: 'cursor',
        filters,
        parents: (account) => account[noun],
        rows: (account, { parent }) => rows(account, parent),
        render: render,
    };
}
/** Sorted by start_date, so the cursor holds that too. */
function ratesBelow(noun) {
    return {
        ...below(noun, 'users', noun, people.rate, [], (account, user) => account[noun].ofUser(user)),
        position: (row) => ({ start_date: row.start_date, id: row.id }),
    };
}
