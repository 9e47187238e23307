// The door for oracles: what the API would answer now, whole and unpaged, without a request.
import { addDays, windowAround } from './calendar.js';
import { recordLists } from './lists.js';
import { inSight } from './permissions.js';
import { company } from './render/people.js';
import { reports } from './reports/index.js';
import { finish } from './routes.js';
/** Every record of a stream, in list order. Throws when a child stream is asked without parent. */
export function truth(account, stream, scope = {}) {
    if (stream === 'company')
        return [finish(account, company(account))];
    const report = reports.find((candidate) => candidate.stream === stream);
    if (report)
        return report.rows(account, scope).map((row) => finish(account, row));
    const list = recordLists.find((candidate) => candidate.stream === stream);
    if (!list)
        throw new Error(`no stream is called ${stream}`);
    const { parentId, ...bounds } = scope;
    if (list.parents && parentId === undefined)
        throw new Error(`${stream} lies below a parent: give parentId`);
    const place = parentId === undefined ? bounds : { ...bounds, parent: parentId };
    return list.rows(account, place).map((row) => finish(account, list.render(account, row)));
}
/** Ids of all records that a child stream can lie below; empty for other streams. */
export function parentIds(account, stream) {
    const parents = recordLists.find((candidate) => candidate.stream === stream)?.parents?.(account);
    return parents ? inSight(account, parents.stream, parents.all()).map(({ id }) => id) : [];
}
/** The calendar windows from the oldest time entry or expense to today, or to the newest when that lies ahead. */
export function windows(account, grain) {
    const today = account.today();
    const tracked = [account.time_entries, account.expenses].map(({ byDate }) => byDate);
    const oldest = tracked.map((dates) => dates.oldest() ?? today).sort()[0];
    const newest = [today, ...tracked.map((dates) => dates.newest() ?? today)].sort().at(-1);
    const found = [];
    for (let date = oldest; date <= newest; date = addDays(found.at(-1).to, 1)) {
        found.push(windowAround(date, grain, account.company.week_start_day));
    }
    return found;
}
/** Every scope in which a stream has to be asked, so that nothing of it is left out. */
export function scopes(account, stream, grain) {
    if (reports.find((report) => report.stream === stream)?.parameters.includes('from'))
        return windows(account, grain);
    const isBelow = recordLists.find((list) => list.stream === stream)?.parents !== undefined;
    return isBelow ? parentIds(account, stream).map((parentId) => ({ parentId })) : [{}];
}
/** Names of all 32 streams. */
export const streamNames = [
    ...new Set(['company', ...recordLists.map(({ stream }) => stream), ...reports.map(({ stream }) => stream)]),
];
