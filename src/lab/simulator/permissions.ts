// Who may read and write what (harvest-api section 11): refusals by role, and modules that are switched off.
import type { Account } from './model/account.ts';
import { notAuthorized } from './refusal.ts';

/** What a member reads: never refused, only narrowed to what is theirs. */
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
  if (role === 'manager' && ADMINISTRATORS_ONLY.has(stream)) throw notAuthorized();
  if (role === 'member' && !OPEN_TO_MEMBERS.has(stream)) throw notAuthorized();
}

export function managedProjects(account: Account): ReadonlySet<number> {
  if (account.settings.role !== 'manager') return new Set();
  const assignments = account.user_assignments.byUser.of(account.me().id);
  return new Set(assignments.filter((each) => each.is_project_manager).map((each) => each.project_id));
}
