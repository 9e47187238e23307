// Every renderer needs this: the shape of its result, timestamps, and references joined when read.
import { dateTime } from '../calendar.ts';
import type { Account } from '../model/account.ts';
import type { Row } from '../model/rows.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [member: string]: Json };
export type JsonObject = { [member: string]: Json };

export const stamps = (row: Row) => ({ created_at: dateTime(row.created_at), updated_at: dateTime(row.updated_at) });

export function clientOf(account: Account, id: number) {
  const client = account.clients.expect(id);
  return { id, name: client.name };
}

export function clientWithCurrency(account: Account, id: number) {
  const client = account.clients.expect(id);
  return { id, name: client.name, currency: client.currency };
}

export function projectOf(account: Account, id: number) {
  const project = account.projects.expect(id);
  return { id, name: project.name, code: project.code };
}

export function userOf(account: Account, id: number) {
  const user = account.users.expect(id);
  return { id, name: `${user.first_name} ${user.last_name}` };
}

export function taskOf(account: Account, id: number) {
  return { id, name: account.tasks.expect(id).name };
}

/** Whether the token's owner may see rates and amounts (HARVEST-API, Permissions). */
export const seesRates = (account: Account): boolean => account.settings.role === 'administrator';

/** Money members as this caller sees them: shown, null, or not there at all. */
export function rates(account: Account, members: Record<string, Json>): JsonObject {
  if (seesRates(account)) return members;
  if (account.settings.hiddenRates === 'omitted') return {};
  return Object.fromEntries(Object.keys(members).map((name) => [name, null]));
}
