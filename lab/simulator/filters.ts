// The query parameters of lists (HARVEST-API, Filters): read strictly, applied to rows.
import { parseDate, parseDateTime } from './calendar.ts';
import type { FilterName, RecordList, Scope } from './lists.ts';
import type { Account } from './model/account.ts';
import type { LineItem, Row } from './model/rows.ts';
import { badRequest, invalid } from './refusal.ts';

type AnyRow = Row & Readonly<Record<string, unknown>>;
type Test = (row: AnyRow) => boolean;

/** Which rows of the list the query asks for. Unknown parameters are ignored, as Harvest does. */
export function readFilters(
  account: Account,
  list: RecordList,
  query: URLSearchParams,
): { scope: Scope; tests: Test[] } {
  const tests: Test[] = [];
  for (const name of list.filters) {
    const text = query.get(name);
    if (text !== null && name !== 'from' && name !== 'to') tests.push(testOf(account, name, text));
  }
  const from = list.filters.includes('from') ? readDate(query, 'from') : undefined;
  const to = list.filters.includes('to') ? readDate(query, 'to') : undefined;
  return { scope: { ...(from && { from }), ...(to && { to }) }, tests };
}

/** The date of that parameter; undefined when it is not there. */
export function readDate(query: URLSearchParams, name: string): string | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const date = parseDate(text);
  if (date === null) throw badRequest(`Invalid date: ${name}`);
  return date;
}

export function readBoolean(name: string, text: string): boolean {
  if (text !== 'true' && text !== 'false') throw badRequest(`Invalid boolean: ${name}`);
  return text === 'true';
}

function testOf(account: Account, name: Exclude<FilterName, 'from' | 'to'>, text: string): Test {
  switch (name) {
    case 'updated_since': {
      const since = parseDateTime(text);
      if (since === null) throw badRequest('Invalid updated_since');
      // Strict: a record changed in that very second is left out.
      return (row) => row.updated_at > since;
    }
    case 'is_active': {
      const wanted = readBoolean(name, text);
      return (row) => row.is_active === wanted;
    }
    case 'is_billed': {
      const wanted = readBoolean(name, text);
      return (row) => (row.invoice_id !== null) === wanted;
    }
    case 'is_running': {
      const wanted = readBoolean(name, text);
      return (row) => (row.timer_started_at !== null) === wanted;
    }
    case 'approval_status':
    case 'state':
      return (row) => row[name] === text;
    case 'external_reference_id':
      return (row) => (row.external_reference as { id: string } | null)?.id === text;
    case 'client_id': {
      const id = readId(name, text);
      return (row) => (row.client_id ?? account.projects.expect(row.project_id as number).client_id) === id;
    }
    case 'project_id': {
      const id = readId(name, text);
      return (row) =>
        row.line_items
          ? (row.line_items as readonly LineItem[]).some((line) => line.project_id === id)
          : row.project_id === id;
    }
    case 'user_id':
    case 'task_id': {
      const id = readId(name, text);
      return (row) => row[name] === id;
    }
  }
}

function readId(name: string, text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw invalid(`Invalid ${name}`);
  return Number(text);
}
