// Every list of records: where it lives, what it holds, how it is sorted, filtered and paged (HARVEST-API,
// Pagination). Reports are in reports/index.ts; pages are cut in pages.ts.
import type { Account } from './model/account.ts';
import type { Noun } from './model/noun.ts';
import type { Row } from './model/rows.ts';
import type { Table } from './model/table.ts';
import { inSight } from './permissions.ts';
import * as documents from './render/documents.ts';
import type { JsonObject } from './render/json.ts';
import * as people from './render/people.ts';
import * as projects from './render/projects.ts';
import * as tracking from './render/tracking.ts';

export type FilterName =
  | 'is_active'
  | 'client_id'
  | 'project_id'
  | 'user_id'
  | 'task_id'
  | 'external_reference_id'
  | 'is_running'
  | 'is_billed'
  | 'approval_status'
  | 'state'
  | 'updated_since'
  | 'from'
  | 'to';

export interface Scope {
  /** Id in the path, for lists below a record. */
  readonly parent?: number;
  readonly from?: string;
  readonly to?: string;
}

export interface RecordList {
  /** The stream's name; nested forms of a stream share it. */
  readonly stream: string;
  readonly path: string;
  /** Member of the envelope that holds the records. */
  readonly key: string;
  readonly paging: 'cursor' | 'page';
  readonly filters: readonly FilterName[];
  /** Where the parent of the path must exist. */
  parents?(account: Account): Noun<Row>;
  /** In list order, restricted to the scope and to what the token's owner may see. */
  rows(account: Account, scope: Scope): readonly Row[];
  render(account: Account, row: Row): JsonObject;
  /** Keyset of a cursor; the id, unless the list is not sorted by id. */
  position?(row: Row): JsonObject;
}

/** The nouns of an account that are lists of their own. */
type ListedNoun = {
  [N in keyof Account]: Account[N] extends Table<never> ? N : Account[N] extends { newestFirst(): Row[] } ? N : never;
}[keyof Account];

const SINCE = 'updated_since';
const WINDOW = ['from', 'to'] as const;
const OF_PEOPLE = ['user_id', 'client_id', 'project_id', 'is_billed', 'approval_status', SINCE, ...WINDOW] as const;

export const recordLists: readonly RecordList[] = [
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

  below('invoice_messages', 'invoices', 'messages', documents.invoiceMessage, [SINCE], (account, invoice) =>
    account.invoice_messages.byInvoice.of(invoice).toReversed(),
  ),
  below('invoice_payments', 'invoices', 'payments', documents.payment, [SINCE], (account, invoice) =>
    account.invoice_payments.byInvoice.of(invoice).toReversed(),
  ),
  below('estimate_messages', 'estimates', 'messages', documents.estimateMessage, [SINCE], (account, estimate) =>
    account.estimate_messages.byEstimate.of(estimate).toReversed(),
  ),
  ratesBelow('billable_rates'),
  ratesBelow('cost_rates'),
  below('project_assignments', 'users', 'project_assignments', projects.projectAssignment, [SINCE], ofPerson),
  {
    ...below(
      'user_assignments',
      'projects',
      'user_assignments',
      projects.userAssignment,
      ['user_id', 'is_active', SINCE],
      (account, project) =>
        inSight(account, 'user_assignments', account.user_assignments.byProject.of(project)).toReversed(),
    ),
    paging: 'page',
  },
  {
    ...below(
      'task_assignments',
      'projects',
      'task_assignments',
      projects.taskAssignment,
      ['is_active', SINCE],
      (account, project) =>
        inSight(account, 'task_assignments', account.task_assignments.byProject.of(project)).toReversed(),
    ),
    paging: 'page',
  },
  {
    stream: 'project_assignments',
    path: '/users/me/project_assignments',
    key: 'project_assignments',
    paging: 'page',
    filters: [],
    rows: (account) => ofPerson(account, account.me().id),
    render: projects.projectAssignment as RecordList['render'],
  },
];

/** Only active assignments of active projects: archiving either makes the record vanish. */
function ofPerson(account: Account, user: number) {
  return account.user_assignments.byUser
    .of(user)
    .filter((assignment) => assignment.is_active && account.projects.expect(assignment.project_id).is_active)
    .toReversed();
}

function list<R extends Row>(
  noun: ListedNoun,
  render: (account: Account, row: R) => JsonObject,
  filters: readonly FilterName[],
): RecordList {
  return {
    stream: noun,
    path: `/${noun}`,
    key: noun,
    paging: 'cursor',
    filters,
    rows: (account) => inSight<Row>(account, noun, account[noun].newestFirst()),
    render: render as RecordList['render'],
  };
}

/** Sorted by a date that people edit, so pages shift while they are walked. */
function dated<R extends Row>(
  noun: 'time_entries' | 'expenses' | 'invoices' | 'estimates',
  render: (account: Account, row: R) => JsonObject,
  filters: readonly FilterName[],
): RecordList {
  return {
    ...list(noun, render, filters),
    paging: 'page',
    rows(account, { from, to }) {
      return inSight<Row>(account, noun, account[noun].byDate.newestFirst(from, to));
    },
  };
}

function below<R extends Row>(
  stream: string,
  noun: 'invoices' | 'estimates' | 'users' | 'projects',
  segment: string,
  render: (account: Account, row: R) => JsonObject,
  filters: readonly FilterName[],
  rows: (account: Account, parent: number) => readonly R[],
): RecordList {
  return {
    stream,
    path: `/${noun}/:parent/${segment}`,
    key: stream,
    paging: 'cursor',
    filters,
    parents: (account) => account[noun] as unknown as Noun<Row>,
    rows: (account, { parent }) => rows(account, parent as number),
    render: render as RecordList['render'],
  };
}

/** Sorted by start_date, so the cursor holds that too. */
function ratesBelow(noun: 'billable_rates' | 'cost_rates'): RecordList {
  return {
    ...below(noun, 'users', noun, people.rate, [], (account, user) => account[noun].ofUser(user)),
    position: (row) => ({ start_date: (row as Row & { start_date: string | null }).start_date, id: row.id }),
  };
}
