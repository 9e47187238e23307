// The door for oracles: what the API would answer now, whole and unpaged, without a request.
import { type Grain, type Window, windowAround } from './calendar.ts';
import { recordLists, type Scope } from './lists.ts';
import type { Account } from './model/account.ts';
import { inSight } from './permissions.ts';
import type { JsonObject } from './render/json.ts';
import { company } from './render/people.ts';
import { reports } from './reports/index.ts';
import { finish } from './routes.ts';

export interface TruthScope {
  /** For child streams: the id of the record above. */
  readonly parentId?: number;
  /** For reports: the window; for lists by date: bounds. */
  readonly from?: string;
  readonly to?: string;
  readonly includeFixedFee?: boolean;
}

/** Every record of a stream, in list order. Throws when a child stream is asked without parent. */
export function truth(account: Account, stream: string, scope: TruthScope = {}): JsonObject[] {
  if (stream === 'company') return [finish(account, company(account))];
  const report = reports.find((candidate) => candidate.stream === stream);
  if (report) return report.rows(account, scope).map((row) => finish(account, row));
  const list = recordLists.find((candidate) => candidate.stream === stream);
  if (!list) throw new Error(`no stream is called ${stream}`);
  const { parentId, ...bounds } = scope;
  if (list.parents && parentId === undefined) throw new Error(`${stream} lies below a parent: give parentId`);
  const place: Scope = parentId === undefined ? bounds : { ...bounds, parent: parentId };
  return list.rows(account, place).map((row) => finish(account, list.render(account, row)));
}

/** Ids of all records that a child stream can lie below; empty for other streams. */
export function parentIds(account: Account, stream: string): number[] {
  const parents = recordLists.find((candidate) => candidate.stream === stream)?.parents?.(account);
  return parents ? inSight(account, parents.stream, parents.all()).map(({ id }) => id) : [];
}

/** The calendar windows in which time or expenses are tracked, and that of today. */
export function windows(account: Account, grain: Grain): Window[] {
  const tracked = [account.time_entries, account.expenses].flatMap(({ byDate }) => byDate.days());
  const found = new Map<string, Window>();
  let last: Window | null = null;
  for (const date of [...new Set([account.today(), ...tracked])].sort()) {
    if (last !== null && date <= last.to) continue;
    last = windowAround(date, grain, account.company.week_start_day);
    found.set(last.from, last);
  }
  return [...found.values()];
}

/** Every scope in which a stream has to be asked, so that nothing of it is left out. */
export function scopes(account: Account, stream: string, grain: Grain): TruthScope[] {
  if (reports.find((report) => report.stream === stream)?.parameters.includes('from')) return windows(account, grain);
  const isBelow = recordLists.find((list) => list.stream === stream)?.parents !== undefined;
  return isBelow ? parentIds(account, stream).map((parentId) => ({ parentId })) : [{}];
}

/** Names of all 32 streams. */
export const streamNames: readonly string[] = [
  ...new Set(['company', ...recordLists.map(({ stream }) => stream), ...reports.map(({ stream }) => stream)]),
];
