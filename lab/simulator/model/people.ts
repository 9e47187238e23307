// People, their roles and their rates (HARVEST-STREAMS, Life of a record).
import { addDays } from '../calendar.ts';
import { invalid, notRemovable } from '../refusal.ts';
import { type Fields, Noun, present } from './noun.ts';
import type { RateRow, RoleRow, UserRow } from './rows.ts';
import { Index } from './table.ts';

declare module './noun.ts' {
  interface Nouns {
    readonly users: Users;
    readonly roles: Roles;
    readonly billable_rates: Rates;
    readonly cost_rates: Rates;
  }
}

/** Rates are not members of a user's row: given here, they become the person's first rate. */
export type UserFields = Fields<UserRow> & { default_hourly_rate?: number; cost_rate?: number };

export class Users extends Noun<UserRow> {
  create(fields: UserFields): UserRow {
    present({ 'First name': fields.first_name, 'Last name': fields.last_name, Email: fields.email });
    if (this.all().some((user) => user.email === fields.email)) throw invalid('Email has already been taken');
    const user = this.add({
      first_name: fields.first_name as string,
      last_name: fields.last_name as string,
      email: fields.email as string,
      telephone: fields.telephone ?? '',
      timezone: fields.timezone ?? 'Eastern Time (US & Canada)',
      has_access_to_all_future_projects: fields.has_access_to_all_future_projects ?? false,
      is_contractor: fields.is_contractor ?? false,
      is_active: fields.is_active ?? true,
      weekly_capacity: fields.weekly_capacity ?? this.account.company.weekly_capacity,
      access_roles: fields.access_roles ?? ['member'],
      avatar_url: null,
      employee_id: fields.employee_id ?? null,
      calendar_integration_enabled: false,
      calendar_integration_source: null,
    });
    const { billable_rates, cost_rates } = this.account;
    if (fields.default_hourly_rate !== undefined) {
      billable_rates.create({ user_id: user.id, amount: fields.default_hourly_rate });
    }
    if (fields.cost_rate !== undefined) cost_rates.create({ user_id: user.id, amount: fields.cost_rate });
    return user;
  }

  override update(id: number, fields: Fields<UserRow>): UserRow {
    const user = this.find(id);
    const renamed = `${user.first_name} ${user.last_name}`;
    const wasActive = user.is_active;
    this.edit(user, fields);
    const { touches } = this.account.settings;
    const nameMoved = touches.renamed && renamed !== `${user.first_name} ${user.last_name}`;
    if (nameMoved || (touches.archived && wasActive !== user.is_active)) this.#touchTracked(user);
    return user;
  }

  /** Refused while time or expenses are tracked; assignments and rates go along. */
  override delete(id: number): UserRow {
    const user = this.find(id);
    const { time_entries, expenses, user_assignments, billable_rates, cost_rates, roles } = this.account;
    const tracked =
      time_entries.all().some((entry) => entry.user_id === id) ||
      expenses.all().some((expense) => expense.user_id === id);
    if (tracked) throw notRemovable('User is not removable. They have tracked time and/or expenses.');
    // Documents keep standing without the person who wrote them.
    for (const invoice of this.account.invoices.all()) if (invoice.creator_id === id) invoice.creator_id = null;
    for (const estimate of this.account.estimates.all()) if (estimate.creator_id === id) estimate.creator_id = null;
    for (const assignment of [...user_assignments.byUser.of(id)]) user_assignments.drop(assignment);
    for (const rates of [billable_rates, cost_rates]) for (const rate of [...rates.byUser.of(id)]) rates.drop(rate);
    for (const role of roles.all()) {
      if (role.user_ids.includes(id)) roles.assign(role, { user_ids: role.user_ids.filter((other) => other !== id) });
    }
    this.drop(user);
    return user;
  }

  #touchTracked(user: UserRow): void {
    const { time_entries, expenses } = this.account;
    for (const entry of time_entries.all()) if (entry.user_id === user.id) time_entries.touch(entry);
    for (const expense of expenses.all()) if (expense.user_id === user.id) expenses.touch(expense);
  }
}

export class Roles extends Noun<RoleRow> {
  create(fields: Fields<RoleRow>): RoleRow {
    present({ Name: fields.name });
    return this.add({ name: fields.name as string, user_ids: this.#known(fields.user_ids ?? []) });
  }

  override update(id: number, fields: Fields<RoleRow>): RoleRow {
    const role = this.find(id);
    return this.edit(role, { ...fields, user_ids: this.#known(fields.user_ids ?? role.user_ids) });
  }

  /** Role names of one person. */
  namesOf(userId: number): string[] {
    return this.all()
      .filter((role) => role.user_ids.includes(userId))
      .map((role) => role.name);
  }

  #known(userIds: readonly number[]): readonly number[] {
    return userIds.filter((id) => this.account.users.get(id));
  }
}

/** Billable rates or cost rates: both are a chain of periods per person. */
export class Rates extends Noun<RateRow> {
  readonly byUser = this.index(new Index((rate: RateRow) => rate.user_id));

  /** By start_date ascending; the one from the beginning first. */
  ofUser(userId: number): RateRow[] {
    return [...this.byUser.of(userId)].sort((a, b) => compareText(a.start_date ?? '', b.start_date ?? ''));
  }

  /** The rate that counts on that date; null when the person has none. */
  amountOn(userId: number, date: string): number | null {
    let current: RateRow | null = null;
    for (const rate of this.byUser.of(userId)) {
      const start = rate.start_date ?? '';
      if (start <= date && start >= (current?.start_date ?? '')) current = rate;
    }
    return current?.amount ?? null;
  }

  /**
   * Adds a rate. Without start_date it replaces every rate; otherwise those that start on it or later. The
   * predecessor then ends the day before.
   */
  create(fields: Fields<RateRow>): RateRow {
    present({ Amount: fields.amount, User: this.account.users.get(fields.user_id ?? null) });
    const userId = fields.user_id as number;
    const start = fields.start_date ?? null;
    for (const rate of this.ofUser(userId)) if ((rate.start_date ?? '') >= (start ?? '')) this.drop(rate);
    const predecessor = this.ofUser(userId).at(-1);
    if (predecessor && start !== null) this.edit(predecessor, { end_date: addDays(start, -1) });
    const { users, settings } = this.account;
    if (settings.touches.rate) users.touch(users.expect(userId));
    return this.add({ user_id: userId, amount: fields.amount as number, start_date: start, end_date: null });
  }
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
