// The door for oracles: what the API would answer now, whole and unpaged, without a request.
import { addDays } from './calendar.ts';
import { recordLists, type Scope } from './lists.ts';
import type { Account } from './model/account.ts';
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
  const list = recordLists.find((candidate) => candidate.stream === stream);
  return list?.parents
    ? list
        .parents(account)
        .all()
        .map(({ id }) => id)
    : [];
}

export interface Window {
  readonly from: string;
  readonly to: string;
}

/** The calendar months from the oldest time entry or expense to today. */
export function months(account: Account): Window[] {
  const today = account.today();
  const oldest = [account.time_entries, account.expenses]
    .map(({ byDate }) => byDate.oldest() ?? today)
    .sort()[0] as string;
  const windows: Window[] = [];
  for (let from = `${oldest.slice(0, 7)}-01`; from <= today; ) {
    const next = `${addDays(from, 31).slice(0, 7)}-01`;
    windows.push({ from, to: addDays(next, -1) });
    from = next;
  }
  return windows;
}
