// Permissions to read and write (HARVEST-API, Permissions): refusals by role, and modules that are switched off.
import type { Account } from './model/account.ts';
import type { InvoiceRow, Row, UserAssignmentRow } from './model/rows.ts';
import { notAuthorized, notFound } from './refusal.ts';

/** Lists that a member reads: never refused, only narrowed to the member's own. */
const OPEN_TO_MEMBERS: ReadonlySet<string> = new Set([
  'company',
  'time_entries',
  'expenses',
  'expenses_clients',
  'expenses_projects',
  'expenses_categories',
  'expenses_team',
  'time_clients',
  'time_projects',
  'time_tasks',
  'time_team',
  'project_budget',
]);

const ADMINISTRATORS_ONLY: ReadonlySet<string> = new Set([
  'roles',
  'cost_rates',
  'billable_rates',
  'expense_categories',
  'invoice_item_categories',
  'estimate_item_categories',
]);

type Module = 'expense_feature' | 'invoice_feature' | 'estimate_feature';

/** The module a stream belongs to, by its name; undefined for those that are always on. */
function moduleOf(stream: string): Module | undefined {
  if (stream.startsWith('expense')) return 'expense_feature';
  if (stream.startsWith('invoice') || stream === 'uninvoiced') return 'invoice_feature';
  return stream.startsWith('estimate') ? 'estimate_feature' : undefined;
}

/** Whether the stream's module is off and such endpoints answer as if there were nothing. */
export function isSilentlyOff(account: Account, stream: string): boolean {
  const owner = moduleOf(stream);
  return owner !== undefined && !account.company[owner] && account.settings.moduleOff === 'empty';
}

/** Throws Harvest's 403 when the token's owner may not use endpoints of that stream. */
export function authorize(account: Account, stream: string): void {
  const owner = moduleOf(stream);
  if (owner !== undefined && !account.company[owner] && account.settings.moduleOff === 'forbidden') {
    throw notAuthorized();
  }
  const { role } = account.settings;
  if (role === 'manager' && (ADMINISTRATORS_ONLY.has(stream) || !hasReason(account, stream))) throw notAuthorized();
  if (role === 'member' && !OPEN_TO_MEMBERS.has(stream)) throw notAuthorized();
}

/** Whether a manager has anybody or anything for which that list is there. */
function hasReason(account: Account, stream: string): boolean {
  const { teammates } = account.settings;
  if (stream === 'users' || stream === 'project_assignments') return teammates.length > 0;
  if (stream === 'user_assignments') return teammates.length > 0 || managedProjects(account).size > 0;
  return (stream !== 'projects' && stream !== 'task_assignments') || managedProjects(account).size > 0;
}

/** Projects that the token's owner manages, as a manager; none for any other role. */
export function managedProjects(account: Account): ReadonlySet<number> {
  if (account.settings.role !== 'manager') return new Set();
  const assignments = account.user_assignments.byUser.of(account.me().id);
  return new Set(assignments.filter((each) => each.is_project_manager).map((each) => each.project_id));
}

/**
 * Which rows of a stream the token's owner sees; null when it is all of them. Members see what is theirs; managers also
 * what their teammates track, and what belongs to the projects that they manage.
 */
export function sight(account: Account, stream: string): ((row: Row) => boolean) | null {
  const { role } = account.settings;
  if (role === 'administrator') return null;
  const me = account.me().id;
  const managed = managedProjects(account);
  const people = new Set(role === 'manager' ? [me, ...account.settings.teammates] : [me]);
  const ofProject = (row: Row) => managed.has((row as UserAssignmentRow).project_id);
  const ofPerson = (row: Row) => people.has((row as UserAssignmentRow).user_id);
  switch (stream) {
    case 'time_entries':
    case 'expenses':
    case 'user_assignments':
      return (row) => ofPerson(row) || ofProject(row);
    case 'task_assignments':
      return ofProject;
    case 'projects':
      return ({ id }) => managed.has(id);
    case 'users':
      return ({ id }) => people.has(id);
    case 'invoices':
      return (row) => (row as InvoiceRow).line_items.some(({ project_id }) => managed.has(project_id ?? -1));
    default:
      return null;
  }
}

/** The rows that the token's owner sees. */
export function inSight<R extends Row>(account: Account, stream: string, rows: readonly R[]): readonly R[] {
  const sees = sight(account, stream);
  return sees ? rows.filter(sees) : rows;
}

/** Throws what Harvest answers for a record that is there, but not for this caller's eyes. */
export function reveal(account: Account, stream: string, row: Row): void {
  if (sight(account, stream)?.(row) === false)
    throw account.settings.hiddenRecord === 'forbidden' ? notAuthorized() : notFound();
}
