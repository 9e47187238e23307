// Every address of API v2 and what answers there. Paths are without their prefix; ids are digits.
import { type Call, htmlPage, type Reply } from './answer.ts';
import { readFields, typedFields } from './body.ts';
import { readFilters } from './filters.ts';
import { type RecordList, recordLists } from './lists.ts';
import type { Account } from './model/account.ts';
import type { Row } from './model/rows.ts';
import { cursorPage, numberedPage, type PageRequest } from './pages.ts';
import { authorize, isSilentlyOff, reveal } from './permissions.ts';
import { invalid, Refusal } from './refusal.ts';
import type { JsonObject } from './render/json.ts';
import * as people from './render/people.ts';
import { reports } from './reports/index.ts';
import { type Report, readReportRequest } from './reports/report.ts';
import { create, find, type Resource, remove, resources, update } from './writes.ts';

/** Ids of the path, in order: that of the parent first when there is one. */
type Run = (account: Account, call: Call, ids: readonly number[]) => Reply;

interface Route {
  readonly method: string;
  readonly pattern: RegExp;
  readonly stream: string;
  readonly budget: 'general' | 'reports';
  readonly run: Run;
}

export interface Found {
  readonly route: Route;
  readonly ids: readonly number[];
}

/** The route of a call; null for an address that Harvest does not have. */
export function findRoute(call: Call): Found | null {
  if (call.prefix === '') return null;
  for (const candidate of routes) {
    if (candidate.method !== call.method) continue;
    const match = candidate.pattern.exec(call.path);
    if (match) return { route: candidate, ids: match.slice(1).map(Number) };
  }
  return null;
}

export const unknownRoute = (): Refusal => new Refusal(404, htmlPage(404, 'Page not found'));

const renderers = new Map(recordLists.map((list) => [list.stream, list.render]));

const routes: readonly Route[] = [
  route('GET', '/company', 'company', (account) => ok(account, people.company(account))),
  route('PATCH', '/company', 'company', updateCompany),
  route('GET', '/users/me', 'me', (account) => ok(account, people.user(account, account.me()))),
  route('GET', '/users/:id/teammates', 'teammates', (account, call, [id]) => teammates(account, call, id as number)),
  ...recordLists.map((list) => route('GET', list.path, list.stream, listRun(list))),
  ...reports.map((report) => ({
    ...route('GET', report.path, report.stream, reportRun(report)),
    budget: 'reports' as const,
  })),
  ...resources.flatMap(resourceRoutes),
  route('PATCH', '/time_entries/:id/stop', 'time_entries', (account, _call, [id]) =>
    ok(account, render(account, 'time_entries', account.time_entries.stop(id as number))),
  ),
  route('PATCH', '/time_entries/:id/restart', 'time_entries', (account, _call, [id]) =>
    ok(account, render(account, 'time_entries', account.time_entries.restart(id as number))),
  ),
  route('DELETE', '/time_entries/:id/external_reference', 'time_entries', (account, _call, [id]) =>
    ok(
      account,
      render(account, 'time_entries', account.time_entries.update(id as number, { external_reference: null })),
    ),
  ),
];

function route(method: string, path: string, stream: string, run: Run): Route {
  const pattern = new RegExp(`^${path.replace(/:\w+/g, '(\\d{1,15})')}/?$`);
  return {
    method,
    pattern,
    stream,
    budget: 'general',
    run(account, call, ids) {
      const own = path.startsWith('/users/me') || (stream === 'project_assignments' && ids[0] === account.me().id);
      if (!own) authorize(account, stream);
      return run(account, call, ids);
    },
  };
}

function listRun(list: RecordList): Run {
  return (account, call, [parent]) => {
    const parents = list.parents?.(account);
    if (parents) reveal(account, parents.stream, parents.find(parent as number));
    const { scope, tests } = readFilters(account, list, call.query);
    const rows = isSilentlyOff(account, list.stream) ? [] : list.rows(account, { ...scope, ...(parent && { parent }) });
    const matching =
      tests.length === 0 ? rows : rows.filter((row) => tests.every((passes) => passes(row as Row & JsonObject)));
    const request = pageRequest(call, list.filters);
    const { items, envelope } =
      list.paging === 'page'
        ? numberedPage(matching, request)
        : cursorPage(matching, request, keysetOf(list), account.settings.totalsOnMiddlePages);
    const records = items.map((row) => finish(account, list.render(account, row)));
    return { status: 200, body: { [list.key]: records, ...withTotals(envelope, account.settings.totals) } };
  };
}

function withTotals(envelope: JsonObject, totals: Account['settings']['totals']): JsonObject {
  if (totals === 'given') return envelope;
  const { total_entries, total_pages, ...rest } = envelope;
  return totals === 'absent' ? rest : { ...rest, total_entries: null, total_pages: null };
}

/** Newest id first, unless the list says by what else it is sorted. */
function keysetOf({ position }: RecordList) {
  if (!position) {
    return {
      of: (row: Row): JsonObject => ({ id: row.id }),
      compare: (a: JsonObject, b: JsonObject) => (b.id as number) - (a.id as number),
    };
  }
  const text = (place: JsonObject) => (place.start_date ?? '') as string;
  return {
    of: position,
    compare: (a: JsonObject, b: JsonObject) =>
      text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : (a.id as number) - (b.id as number),
  };
}

function reportRun(report: Report): Run {
  return (account, call) => {
    const request = readReportRequest(report, call.query);
    const rows = isSilentlyOff(account, report.stream) ? [] : report.rows(account, request);
    const { items, envelope } = numberedPage(rows, pageRequest(call, report.parameters));
    return {
      status: 200,
      body: { results: items.map((row) => finish(account, row)), ...withTotals(envelope, account.settings.totals) },
    };
  };
}

function resourceRoutes(resource: Resource): Route[] {
  const { stream, path, methods, parent: parentMember } = resource;
  const one = `${path}/:id`;
  const idsOf = (ids: readonly number[]) =>
    parentMember ? { parent: ids[0], id: ids[1] as number } : { parent: undefined, id: ids[0] as number };
  const shown = (account: Account, ids: readonly number[]) => {
    const { parent, id } = idsOf(ids);
    const row = find(account, resource, id, parent);
    reveal(account, stream, row);
    return { id, row };
  };
  const ways: Readonly<Record<'POST' | 'PATCH' | 'DELETE', Route>> = {
    POST: route('POST', path, stream, (account, call, [parent]) => {
      const row = create(account, resource, call, parent);
      const location = `${call.origin}/api/v2${path.replace(':parent', String(parent))}/${row.id}`;
      return { ...ok(account, render(account, stream, row)), status: 201, headers: { location } };
    }),
    PATCH: route('PATCH', one, stream, (account, call, ids) => {
      const { id } = shown(account, ids);
      return ok(account, render(account, stream, update(account, resource, call, id)));
    }),
    DELETE: route('DELETE', one, stream, (account, _call, ids) => {
      const { id, row } = shown(account, ids);
      // Rendered before it goes, as what it shows may go along; only a project answers as it became.
      const before = render(account, stream, row);
      const removed = remove(account, resource, id);
      return ok(account, stream === 'projects' ? render(account, stream, removed) : before);
    }),
  };
  const read = route('GET', one, stream, (account, _call, ids) => {
    return ok(account, render(account, stream, shown(account, ids).row));
  });
  // Messages and payments have no address of their own to read.
  const readable = !path.endsWith('/messages') && !path.endsWith('/payments');
  return [...(readable ? [read] : []), ...methods.map((method) => ways[method])];
}

function updateCompany(account: Account, call: Call): Reply {
  const kinds = { wants_timestamp_timers: 'boolean', weekly_capacity: 'integer' } as const;
  Object.assign(account.company, typedFields(readFields(call), kinds));
  return ok(account, people.company(account));
}

/** Teammates exist for managers only. */
function teammates(account: Account, call: Call, id: number): Reply {
  const user = account.users.find(id);
  if (!user.access_roles.includes('manager')) throw invalid('User is not a Manager');
  const { envelope } = numberedPage([], pageRequest(call, []));
  return { status: 200, body: { teammates: [], ...envelope } };
}

const pageRequest = (call: Call, kept: readonly string[]): PageRequest => ({
  address: `${call.origin}${call.prefix}${call.path}`,
  query: call.query,
  kept,
});

function render(account: Account, stream: string, row: Row): JsonObject {
  return (renderers.get(stream) as RecordList['render'])(account, row);
}

const ok = (account: Account, record: JsonObject): Reply => ({ status: 200, body: finish(account, record) });

/** The record with the members that no documentation knows, when the account is set to have them. */
export function finish(account: Account, record: JsonObject): JsonObject {
  const { unknownMembers } = account.settings;
  return unknownMembers ? { ...record, ...(unknownMembers as JsonObject) } : record;
}
