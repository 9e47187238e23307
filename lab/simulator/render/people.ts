// Company, clients, contacts, users, roles and rates as JSON (HARVEST-STREAMS, Lists).
import type { Account } from '../model/account.ts';
import type { ClientRow, ContactRow, RateRow, RoleRow, UserRow } from '../model/rows.ts';
import { clientOf, type JsonObject, rates, stamps } from './json.ts';

export function company(account: Account): JsonObject {
  return { ...account.company, ...(account.settings.legacyMembers && { approval_required: false }) };
}

export function client(_account: Account, row: ClientRow): JsonObject {
  const { id, name, is_active, address, statement_key, currency } = row;
  return { id, name, is_active, address, statement_key, currency, ...stamps(row) };
}

export function contact(account: Account, row: ContactRow): JsonObject {
  const { id, title, first_name, last_name, email, phone_office, phone_mobile, fax } = row;
  const who = { id, title, first_name, last_name, email, phone_office, phone_mobile, fax };
  return { ...who, client: clientOf(account, row.client_id), ...stamps(row) };
}

/** default_hourly_rate and cost_rate are the current ones: they change by the calendar alone. */
export function user(account: Account, row: UserRow): JsonObject {
  const today = account.today();
  return {
    id: row.id,
    first_name: row.first_name,
    last_name: row.last_name,
    email: row.email,
    telephone: row.telephone,
    timezone: row.timezone,
    weekly_capacity: row.weekly_capacity,
    has_access_to_all_future_projects: row.has_access_to_all_future_projects,
    is_contractor: row.is_contractor,
    is_active: row.is_active,
    calendar_integration_enabled: row.calendar_integration_enabled,
    calendar_integration_source: row.calendar_integration_source,
    employee_id: row.employee_id,
    can_create_projects: row.access_roles.includes('project_creator') || row.access_roles.includes('administrator'),
    ...rates(account, {
      default_hourly_rate: account.billable_rates.amountOn(row.id, today),
      cost_rate: account.cost_rates.amountOn(row.id, today),
    }),
    roles: account.roles.namesOf(row.id),
    access_roles: row.access_roles,
    permissions_claims: ['expenses:read:own', 'expenses:write:own', 'timers:read:own', 'timers:write:own'],
    avatar_url: row.avatar_url,
    ...(account.settings.legacyMembers && legacyFlags(row)),
    ...stamps(row),
  };
}

/** Gone since March 2022, still in old recordings. */
function legacyFlags(row: UserRow): JsonObject {
  const administrator = row.access_roles.includes('administrator');
  return {
    is_admin: administrator,
    is_project_manager: row.access_roles.includes('manager'),
    can_see_rates: administrator,
    can_create_invoices: administrator,
  };
}

export function role(_account: Account, row: RoleRow): JsonObject {
  return { id: row.id, name: row.name, user_ids: row.user_ids, ...stamps(row) };
}

export function rate(_account: Account, row: RateRow): JsonObject {
  const { id, amount, start_date, end_date } = row;
  return { id, amount, start_date, end_date, ...stamps(row) };
}
