// Every address of API v2 and what answers there. Paths are without their prefix; ids are digits.
import { htmlPage } from './answer.js';
import { readFields, typedFields } from './body.js';
import { readFilters } from './filters.js';
import { recordLists } from './lists.js';
import { cursorPage, numberedPage } from './pages.js';
import { authorize, isSilentlyOff, reveal } from './permissions.js';
import { invalid, Refusal } from './refusal.js';
import * as people from './render/people.js';
import { reports } from './reports/index.js';
import { readReportRequest } from './reports/report.js';
import { create, find, remove, resources, update } from './writes.js';
/** The route of a call; null for an address that Harvest does not have. */
export function findRoute(call) {
    if (call.prefix === '')
        return null;
    for (const candidate of routes) {
        if (candidate.method !== call.method)
            continue;
        const match = candidate.pattern.exec(call.path);
        if (match)
            return { route: candidate, ids: match.slice(1).map(Number) };
    }
    return null;
}
export const unknownRoute = () => new Refusal(404, htmlPage(404, 'Page not found'));
const renderers = new Map(recordLists.map((list) => [list.stream, list.render]));
const routes = [
    route('GET', '/company', 'company', (account) => ok(account, people.company(account))),
    route('PATCH', '/company', 'company', updateCompany),
    route('GET', '/users/me', 'me', (account) => ok(account, people.user(account, account.me()))),
    route('GET', '/users/:id/teammates', 'teammates', (account, call, [id]) => teammates(account, call, id)),
    ...recordLists.map((list) => route('GET', list.path, list.stream, listRun(list))),
    ...reports.map((report) => ({
        ...route('GET', report.path, report.stream, reportRun(report)),
        budget: 'reports',
    })),
    ...resources.flatMap(resourceRoutes),
    route('PATCH', '/time_entries/:id/stop', 'time_entries', (account, _call, [id]) => ok(account, render(account, 'time_entries', account.time_entries.stop(id)))),
    route('PATCH', '/time_entries/:id/restart', 'time_entries', (account, _call, [id]) => ok(account, render(account, 'time_entries', account.time_entries.restart(id)))),
    route('DELETE', '/time_entries/:id/external_reference', 'time_entries', (account, _call, [id]) => ok(account, render(account, 'time_entries', account.time_entries.update(id, { external_reference: null })))),
];
function route(method, path, stream, run) {
    const pattern = new RegExp(`^${path.replace(/:\w+/g, '(\\d{1,15})')}/?$`);
    return {
        method,
        pattern,
        stream,
        budget: 'general',
        run(account, call, ids) {
            const own = path.startsWith('/users/me') || (stream === 'project_assignments' && ids[0] === account.me().id);
            if (!own)
                authorize(account, stream);
            return run(account, call, ids);
        },
    };
}
function listRun(list) {
    return (account, call, [parent]) => {
        const parents = list.parents?.(account);
        if (parents)
            reveal(account, parents.stream, parents.find(parent));
        const { scope, tests } = readFilters(account, list, call.query);
        const rows = isSilentlyOff(account, list.stream) ? [] : list.rows(account, { ...scope, ...(parent && { parent }) });
        const matching = tests.length === 0 ? rows : rows.filter((row) => tests.every((passes) => passes(row)));
        const request = pageRequest(call, list.filters);
        const { items, envelope } = list.paging === 'page'
            ? numberedPage(matching, request)
            : cursorPage(matching, request, keysetOf(list), account.settings.totalsOnMiddlePages);
        const records = items.map((row) => finish(account, list.render(account, row)));
        return { status: 200, body: { [list.key]: records, ...envelope } };
    };
}
/** Newest id first, unless the list says by what else it is sorted. */
function keysetOf({ position }) {
    if (!position) {
        return {
            of: (row) => ({ id: row.id }),
            compare: (a, b) => b.id - a.id,
        };
    }
    const text = (place) => (place.start_date ?? '');
    return {
        of: position,
        compare: (a, b) => text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : a.id - b.id,
    };
}
function reportRun(report) {
    return (account, call) => {
        const request = readReportRequest(report, call.query);
        const rows = isSilentlyOff(account, report.stream) ? [] : report.rows(account, request);
        const { items, envelope } = numberedPage(rows, pageRequest(call, report.parameters));
        return { status: 200, body: { results: items.map((row) => finish(account, row)), ...envelope } };
    };
}
function resourceRoutes(resource) {
    const { stream, path, methods, parent: parentMember } = resource;
    const one = `${path}/:id`;
    const idsOf = (ids) => parentMember ? { parent: ids[0], id: ids[1] } : { parent: undefined, id: ids[0] };
    const shown = (account, ids) => {
        const { parent, id } = idsOf(ids);
        const row = find(account, resource, id, parent);
        reveal(account, stream, row);
        return { id, row };
    };
    const ways = {
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
function updateCompany(account, call) {
    const kinds = { wants_timestamp_timers: 'boolean', weekly_capacity: 'integer' };
    Object.assign(account.company, typedFields(readFields(call), kinds));
    return ok(account, people.company(account));
}
/** Teammates exist for managers only. */
function teammates(account, call, id) {
    const user = account.users.find(id);
    if (!user.access_roles.includes('manager'))
        throw invalid('User is not a Manager');
    const { envelope } = numberedPage([], pageRequest(call, []));
    return { status: 200, body: { teammates: [], ...envelope } };
}
const pageRequest = (call, kept) => ({
    address: `${call.origin}${call.prefix}${call.path}`,
    query: call.query,
    kept,
});
function render(account, stream, row) {
    return renderers.get(stream)(account, row);
}
const ok = (account, record) => ({ status: 200, body: finish(account, record) });
/** The record with the members that no documentation knows, when the account is set to have them. */
export function finish(account, record) {
    const { unknownMembers } = account.settings;
    return unknownMembers ? { ...record, ...unknownMembers } : record;
}
