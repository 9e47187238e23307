import { isoDay, windowOf } from '../streams/windows.js';
const TIME = ['time_clients', 'time_projects', 'time_tasks', 'time_team'];
const EXPENSES = ['expenses_clients', 'expenses_projects', 'expenses_categories', 'expenses_team'];
const UNINVOICED = ['uninvoiced'];
/** Streams whose records are summed up in reports, by their day. */
const SUMMED = {
    time_entries: [...TIME, ...UNINVOICED],
    expenses: [...EXPENSES, ...UNINVOICED],
};
/**
 * Streams whose records reports show or reckon with: names, currencies, rates, budgets. Uninvoiced lists every billable
 * project in every window, and counts what invoices of fixed fees leave open whatever the window.
 */
const CAUSES = {
    company: [{ where: null, reports: [...TIME, ...EXPENSES, ...UNINVOICED], by: 'id' }],
    clients: [
        { where: 'time_clients', reports: TIME, by: 'id' },
        { where: 'expenses_clients', reports: EXPENSES, by: 'id' },
        { where: null, reports: UNINVOICED, by: 'id' },
    ],
    projects: [
        { where: 'time_projects', reports: TIME, by: 'id' },
        { where: 'expenses_projects', reports: EXPENSES, by: 'id' },
        { where: null, reports: UNINVOICED, by: 'id' },
    ],
    tasks: [{ where: 'time_tasks', reports: [...TIME, ...UNINVOICED], by: 'id' }],
    users: [
        { where: 'time_team', reports: [...TIME, ...UNINVOICED], by: 'id' },
        { where: 'expenses_team', reports: EXPENSES, by: 'id' },
    ],
    expense_categories: [{ where: 'expenses_categories', reports: EXPENSES, by: 'id' }],
    user_assignments: [{ where: 'time_projects', reports: [...TIME, ...UNINVOICED], by: 'group' }],
    task_assignments: [{ where: 'time_projects', reports: [...TIME, ...UNINVOICED], by: 'group' }],
    billable_rates: [{ where: 'time_team', reports: [...TIME, ...UNINVOICED], by: 'group' }],
    cost_rates: [{ where: 'time_team', reports: TIME, by: 'group' }],
    invoices: [{ where: null, reports: UNINVOICED, by: 'id' }],
};
/** The lists that a report is made from: if they are narrowed, so is the report. */
export function sourcesOf({ name }) {
    if (name === 'project_budget')
        return ['projects', 'time_entries'];
    return Object.keys(SUMMED).filter((source) => SUMMED[source].includes(name));
}
/** What `diff` of `live` restates, among the windows that were read so far or are being read. */
export function restated(live, diff, streams, grain, weekStart) {
    const dirty = new Map();
    const touched = new Map();
    const all = new Set();
    const mark = (marks, names, windows) => {
        for (const report of reportsOf(names, streams)) {
            const marked = [...(marks.get(report) ?? []), ...windows].filter((window) => wasRead(report, window));
            if (marked.length > 0)
                marks.set(report, [...new Set(marked)]);
        }
    };
    const summed = diff.changes.size > 0 ? SUMMED[live.definition.name] : undefined;
    if (summed)
        mark(dirty, summed, windowsOfDays(daysOf(live, diff), grain, weekStart));
    for (const { where, reports, by } of diff.changes.size > 0 ? (CAUSES[live.definition.name] ?? []) : []) {
        const witness = where === null ? undefined : streams.get(where);
        if (witness)
            mark(touched, reports, windowsWith(witness, subjects(live, diff, by)));
        else
            for (const report of reportsOf(reports, streams))
                all.add(report);
    }
    return { dirty, touched, all };
}
function reportsOf(names, streams) {
    return names.map((name) => streams.get(name)).filter((report) => report !== undefined);
}
/** The old and the new day of every row that changes. */
function daysOf({ index }, diff) {
    const days = new Set();
    for (const [id, row] of diff.changes) {
        for (const day of [index.get(id)?.day, row?.day])
            if (day != null)
                days.add(day);
    }
    return days;
}
function windowsOfDays(days, grain, weekStart) {
    return new Set([...days].map((day) => windowOf(isoDay(day), grain, weekStart).from));
}
function subjects({ index }, diff, by) {
    const ids = [...diff.changes].map(([id, row]) => (by === 'id' ? id : (row ?? index.get(id))?.group));
    return new Set(ids.filter((id) => id != null));
}
/** Windows in which a report has rows of one of these dimension ids. */
function windowsWith({ index }, ids) {
    const windows = new Set();
    for (const row of index.ids()) {
        const [from, , dimension] = row.split('|');
        if (ids.has(Number(dimension)))
            windows.add(from);
    }
    return windows;
}
function wasRead({ row: { position }, takenWindows }, window) {
    if (position.kind !== 'report')
        return false;
    const { covered } = position;
    return takenWindows.has(window) || (covered !== null && window >= covered.first && window <= covered.last);
}
