// Which windows of which reports a published change may restate. Nothing tells that a report changed (HARVEST-API, Reports):
// a time entry restates the windows of its old and its new day; a rename or a rate those in which the record has rows.
import type { StreamDefinition } from '../../streams/definition.ts';
import { type Grain, isoDay, type WeekStart, windowOf } from '../../streams/windows.ts';
import type { RowId } from '../ports.ts';
import type { Diff } from '../state/diff.ts';
import type { StreamRuntime } from '../state/stream-runtime.ts';

const TIME = ['time_clients', 'time_projects', 'time_tasks', 'time_team'];
const EXPENSES = ['expenses_clients', 'expenses_projects', 'expenses_categories', 'expenses_team'];
const UNINVOICED = ['uninvoiced'];

interface Cause {
  /** The report whose rows tell in which windows the record (or the one it belongs to, by `group`) occurs; null: in all. */
  readonly where: string | null;
  readonly reports: readonly string[];
  readonly by: 'id' | 'group';
}

/**
 * Streams whose records reports show or reckon with: names, currencies, rates, budgets. Uninvoiced lists every billable
 * project in every window, and counts what invoices of fixed fees leave open whatever the window.
 */
const CAUSES: Readonly<Record<string, readonly Cause[]>> = {
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
export function sourcesOf({ name, sums }: StreamDefinition): readonly string[] {
  return name === 'project_budget' ? ['projects', 'time_entries'] : sums;
}

/** Windows by report, as their first days: `dirty` by their entries, `touched` by anything else; `all`: every window. */
export interface Restated {
  readonly dirty: ReadonlyMap<StreamRuntime, readonly string[]>;
  readonly touched: ReadonlyMap<StreamRuntime, readonly string[]>;
  readonly all: ReadonlySet<StreamRuntime>;
}

/** What `diff` of `runtime` restates, among the windows that were read so far or are being read. */
export function restated(
  runtime: StreamRuntime,
  diff: Diff,
  streams: ReadonlyMap<string, StreamRuntime>,
  grain: Grain,
  weekStart: WeekStart,
): Restated {
  const dirty = new Map<StreamRuntime, readonly string[]>();
  const touched = new Map<StreamRuntime, readonly string[]>();
  const all = new Set<StreamRuntime>();
  const mark = (marks: typeof dirty, reports: readonly StreamRuntime[], windows: ReadonlySet<string>) => {
    for (const report of reports) {
      const marked = [...(marks.get(report) ?? []), ...windows].filter((window) => wasRead(report, window));
      if (marked.length > 0) marks.set(report, [...new Set(marked)]);
    }
  };

  const summing = [...streams.values()].filter(({ definition }) => definition.sums.includes(runtime.definition.name));
  if (summing.length > 0) mark(dirty, summing, windowsOfDays(daysOf(runtime, diff), grain, weekStart));
  for (const { where, reports, by } of diff.changes.size > 0 ? (CAUSES[runtime.definition.name] ?? []) : []) {
    const witness = where === null ? undefined : streams.get(where);
    if (witness) mark(touched, reportsOf(reports, streams), windowsWith(witness, subjects(runtime, diff, by)));
    else for (const report of reportsOf(reports, streams)) all.add(report);
  }
  return { dirty, touched, all };
}

function reportsOf(names: readonly string[], streams: ReadonlyMap<string, StreamRuntime>): StreamRuntime[] {
  return names.map((name) => streams.get(name)).filter((report) => report !== undefined);
}

/** The old and the new day of every row that changes. */
function daysOf({ index }: StreamRuntime, diff: Diff): Set<number> {
  const days = new Set<number>();
  for (const [id, row] of diff.changes) {
    for (const day of [index.get(id)?.day, row?.day]) if (day != null) days.add(day);
  }
  return days;
}

function windowsOfDays(days: ReadonlySet<number>, grain: Grain, weekStart: WeekStart): Set<string> {
  return new Set([...days].map((day) => windowOf(isoDay(day), grain, weekStart).from));
}

function subjects({ index }: StreamRuntime, diff: Diff, by: Cause['by']): Set<RowId> {
  const ids = [...diff.changes].map(([id, row]) => (by === 'id' ? id : (row ?? index.get(id))?.group));
  return new Set(ids.filter((id) => id != null));
}

/** Windows in which a report has rows of one of these dimension ids. */
function windowsWith({ index }: StreamRuntime, ids: ReadonlySet<RowId>): Set<string> {
  const windows = new Set<string>();
  for (const row of index.ids() as Iterable<string>) {
    const [from, , dimension] = row.split('|');
    if (ids.has(Number(dimension))) windows.add(from!);
  }
  return windows;
}

function wasRead({ row: { position }, takenWindows }: StreamRuntime, window: string): boolean {
  if (position.kind !== 'report') return false;
  const { covered } = position;
  return takenWindows.has(window) || (covered !== null && window >= covered.first && window <= covered.last);
}
