// How soon the history of reports is there, and edits in their rows: the default configuration, Harvest's own budgets.
import { describe, expect, test } from 'vitest';
import { calm } from '../../../lab/simulator/index.ts';
import type { Intervals } from '../../../src/engine/pace/polling.ts';
import { catalog } from '../../../src/streams/catalog.ts';
import type { StreamDefinition } from '../../../src/streams/definition.ts';
import { viewDifferences } from '../../support/account.ts';
import { freeEntries } from '../../support/free-entries.ts';
import { busiest, defaults, MINUTE, type Request, running, SECOND } from '../../support/living-account.ts';

/** Lists often enough for reports, which are what is looked at. */
const SLOW_LISTS = (stream: StreamDefinition): Intervals => ({
  ...{ countMs: 10 * MINUTE, reconcileMs: 1_440 * MINUTE },
  pollMs: stream.kind === 'report' || stream.budget === 'reports' ? defaults(stream).pollMs : MINUTE,
});
const REPORTS = catalog.filter(({ kind }) => kind === 'report').map(({ name }) => name);
const BELOW = ['company', 'clients', 'projects', 'tasks', 'users', 'time_entries', 'expenses', 'expense_categories'];
const SUMMED = { intervals: SLOW_LISTS, streams: [...BELOW, 'invoices', ...REPORTS, 'project_budget'] };

/** How long each edit waited until the first reading after it; infinite when there was none. */
function lateness(edits: readonly number[], readings: readonly Request[]): number[] {
  return edits.map((edit) => (readings.find(({ at }) => at > edit)?.at ?? Number.POSITIVE_INFINITY) - edit);
}

/** Minutes until all reports have read every window, while an entry of this month and one of the past are edited every minute. */
async function historyMinutes(
  years: number,
  isEdited: boolean,
): Promise<{ minutes: number; windows: number; asked: Request[] }> {
  const { clock, simulator, log, requests, end } = await running(years, SUMMED);
  const from = clock.now();
  const isRead = () => REPORTS.every((report) => log.rows.get(report)?.complete);
  for (let minute = 0; !isRead(); minute++) {
    if (isEdited) {
      const entries = simulator.data.time_entries.all();
      for (const { id } of [entries.at(-1)!, entries[(minute * 13) % entries.length]!]) {
        simulator.data.time_entries.update(id, { notes: `edited ${minute}` });
      }
    }
    await clock.pass(MINUTE);
  }
  const minutes = (clock.now() - from) / MINUTE;
  await end();
  const asked = requests.filter(({ isReport }) => isReport);
  return { minutes, windows: asked.length, asked };
}

test('a year of report history is read within 20 minutes although entries are edited all the time, and never above budget [P6]', async () => {
  const { minutes, windows, asked } = await historyMinutes(1, true);
  expect(windows).toBeGreaterThan(100);
  expect(minutes).toBeLessThanOrEqual(20);
  expect(busiest(asked, 15 * MINUTE)).toBeLessThanOrEqual(95);
}, 300_000);

// HISTORY_YEARS=10 makes it four hours of an account, and half a minute of computing.
const YEARS = Number(process.env.HISTORY_YEARS ?? 2);

test.each([
  { kind: 'quiet', minutesPerYear: 20 },
  { kind: 'edited all the time', minutesPerYear: 24 },
])(
  'the history of reports takes $minutesPerYear minutes a year, of an account that is $kind [P6]',
  async ({ kind, minutesPerYear }) => {
    const { minutes, windows, asked } = await historyMinutes(YEARS, kind !== 'quiet');
    expect(windows).toBeGreaterThan(YEARS * 100);
    // Requests come back a quarter of an hour after they were made.
    expect(minutes).toBeLessThanOrEqual(Math.ceil((YEARS * minutesPerYear) / 15) * 15);
    expect(busiest(asked, 15 * MINUTE)).toBeLessThanOrEqual(95);
  },
  900_000,
);

test('an edit in the current month is in its report rows within 6 minutes while entries are edited all the time', async () => {
  const { clock, simulator, log, end } = await running(1, SUMMED);
  while (!REPORTS.every((report) => log.rows.get(report)?.complete)) await clock.pass(MINUTE);
  const entry = freeEntries(simulator).findLast(({ billable }) => billable)!;
  // On the first of a month there is nothing in it yet.
  simulator.data.time_entries.update(entry.id, { spent_date: new Date(clock.now()).toISOString().slice(0, 10) });
  await clock.pass(15 * MINUTE);
  const waits: number[] = [];
  for (let edit = 0; edit < 20; edit++) {
    const at = clock.now();
    simulator.data.time_entries.update(entry.id, { hours: 1 + edit / 10 });
    for (let left = 0; left < 3; left++) {
      await clock.pass(30 * SECOND);
    }
    waits.push(at);
  }
  await clock.pass(6 * MINUTE);
  const ids = log.arrived.filter(({ stream }) => stream === 'time_clients');
  const late = waits.map((at) => (ids.find((each) => each.at >= at)?.at ?? Number.POSITIVE_INFINITY) - at);
  expect(Math.max(...late)).toBeLessThanOrEqual(6 * MINUTE);
  await end();
}, 300_000);

test('an edit in the current month is in its report rows within 6 minutes also while history is read, whatever else is edited', async () => {
  const { clock, simulator, requests, log, end } = await running(3, SUMMED);
  const month = new Date(clock.now()).toISOString().slice(0, 7);
  const { time_entries, expenses } = simulator.data;
  const edits: number[] = [];
  const isCurrent = ({ spent_date }: { spent_date: string }) => spent_date.startsWith(month);
  // Something of this month and of the past, so that all reports want their current window and others all the time.
  for (let n = 0; n < 180; n++) {
    for (const table of [time_entries, expenses]) {
      const rows = table.all() as readonly { id: number; spent_date: string }[];
      const current = rows.filter(isCurrent);
      for (const { id } of [current[n % current.length]!, rows[(n * 13) % rows.length]!]) {
        table.update(id, { notes: `edited ${n}` });
      }
    }
    edits.push(clock.monotonic());
    await clock.pass(20 * SECOND);
  }
  expect(REPORTS.every((report) => log.rows.get(report)?.complete)).toBe(false);
  const from = `from=${month.replace('-', '')}01`;
  const paths = ['time/clients', 'time/projects', 'time/tasks', 'time/team', 'expenses/clients', 'expenses/team'];
  const late = paths.flatMap((path) => {
    const read = requests.filter(({ url }) => url.includes(`/reports/${path}?`) && url.includes(from));
    // Of the first ones the window was not read yet, of the last ones it will be.
    return lateness(edits.slice(6, -18), read);
  });
  expect(Math.max(...late)).toBeLessThanOrEqual(6 * MINUTE);
  await end();
}, 300_000);

test('rows that leave a window of the past hold up no report while history is read', async () => {
  const { clock, simulator, requests, log, end } = await running(4, SUMMED);
  const { time_entries, projects } = simulator.data;
  await clock.pass(6 * MINUTE);
  const [month, last] = [0, 1].map((ago) =>
    new Date(clock.now() - ago * 30 * 24 * 60 * MINUTE).toISOString().slice(0, 7),
  );
  const clientOf = (project: number) => projects.all().find(({ id }) => id === project)!.client_id;
  const free = freeEntries(simulator);
  const current = free.find(({ spent_date }) => spent_date.startsWith(month!))!;
  const leaving = free.filter(({ spent_date }) => spent_date.startsWith(last!));
  const client = clientOf(leaving[0]!.project_id);
  const edits: number[] = [];
  for (let n = 0; n < 90; n++) {
    if (n === 6) {
      for (const { id, project_id } of time_entries.all().filter(({ spent_date }) => spent_date.startsWith(last!))) {
        if (clientOf(project_id) === client) time_entries.update(id, { spent_date: `${month}-01` });
      }
    }
    time_entries.update(current.id, { notes: `edited ${n}` });
    edits.push(clock.monotonic());
    await clock.pass(20 * SECOND);
  }
  expect(log.rows.get('time_clients')?.complete).toBe(false);
  const from = `from=${month!.replace('-', '')}01`;
  const read = requests.filter(({ url }) => url.includes('/reports/time/clients?') && url.includes(from));
  expect(Math.max(...lateness(edits.slice(6, -18), read))).toBeLessThanOrEqual(6 * MINUTE);
  await end();
}, 300_000);

test('an entry that is edited while its window is read for another reason is in its report rows within 6 minutes', async () => {
  const streams = ['company', 'clients', 'projects', 'tasks', 'users', 'time_entries', 'time_clients'];
  const { clock, simulator, log, requests, end } = await running(1, { streams, reportMs: 20 * SECOND });
  while (!log.rows.get('time_clients')?.complete) await clock.pass(MINUTE);
  await clock.pass(10 * MINUTE);
  const entry = freeEntries(simulator)[0]!;
  const from = `from=${entry.spent_date.slice(0, 7).replace('-', '')}01`;
  const readings = () => requests.filter(({ url }) => url.includes('/reports/time/clients?') && url.includes(from));
  // Another name reaches all windows in which the client has rows, none of which is dirty.
  const { client_id } = simulator.data.projects.all().find(({ id }) => id === entry.project_id)!;
  const before = readings().length;
  simulator.data.clients.update(client_id, { name: 'Renamed' });
  while (readings().length === before) await clock.pass(SECOND);
  const editedAt = clock.monotonic();
  simulator.data.time_entries.update(entry.id, { hours: entry.hours + 1 });
  await clock.pass(6 * MINUTE);
  expect(readings().filter(({ at }) => at > editedAt)).not.toEqual([]);
  await end();
}, 300_000);

describe('a rename that may be in every window of a report', () => {
  const STREAMS = [...BELOW, 'invoices', 'uninvoiced'];
  /** Clients every few seconds, reports answered after half a minute with what was so when they were asked. */
  const begun = async () => {
    const intervals = (stream: StreamDefinition): Intervals => ({
      ...SLOW_LISTS(stream),
      ...(stream.name === 'clients' && { pollMs: 10 * SECOND }),
    });
    const account = await running(1, { streams: STREAMS, intervals, reportMs: 30 * SECOND, timeEntries: 300 });
    const { simulator, requests, log } = account;
    // Hours of a timer grow.
    calm(simulator);
    const entry = freeEntries(simulator).find(({ billable }) => billable)!;
    const { client_id } = simulator.data.projects.all().find(({ id }) => id === entry.project_id)!;
    return {
      ...account,
      entry,
      rename: () => simulator.data.clients.update(client_id, { name: 'Renamed' }),
      readings: (of = '') =>
        requests.filter(({ url }) => url.includes('/reports/uninvoiced?') && url.includes(of)).length,
      isRead: () => log.rows.get('uninvoiced')?.complete === true,
      differences: () => viewDifferences(simulator, log, ['uninvoiced']),
    };
  };

  test('is in the first window of a round that was being read just then', async () => {
    const { clock, simulator, log, entry, rename, readings, isRead, differences, end } = await begun();
    while (!isRead()) await clock.pass(MINUTE);
    // A round begins with the newest window, which nothing else reads when it lies ahead.
    const nextMonth = new Date(clock.now() + 31 * 24 * 60 * MINUTE).toISOString().slice(0, 7);
    simulator.data.time_entries.update(entry.id, { spent_date: `${nextMonth}-02` });
    await clock.pass(20 * MINUTE);
    const at = new Date(clock.now()).toISOString();
    log.signals.set('1', { id: '1', kind: 'reconcile', stream: 'uninvoiced', to: null, at, by: 'ann' });
    const newest = `from=${nextMonth.replace('-', '')}01`;
    const before = readings(newest);
    while (readings(newest) === before) await clock.pass(SECOND);
    rename();
    await clock.pass(60 * MINUTE);
    expect(await differences()).toEqual([]);
    await end();
  }, 300_000);

  test('is in a window that the report which would tell has not read, because it is refused by now', async () => {
    const streams = [...BELOW, 'time_clients', 'time_projects'];
    const { clock, simulator, log, end } = await running(1, { streams, intervals: SLOW_LISTS, timeEntries: 300 });
    const { time_entries, projects, clients } = simulator.data;
    calm(simulator);
    while (!streams.every((name) => log.rows.get(name)?.complete)) await clock.pass(MINUTE);
    simulator.faults.add({ match: { stream: 'time_clients' }, do: { kind: 'status', status: 403 } });
    await clock.pass(20 * MINUTE);
    expect(log.rows.get('time_clients')?.state).toBe('FORBIDDEN');
    const entry = freeEntries(simulator)[0]!;
    time_entries.update(entry.id, {
      spent_date: new Date(clock.now() + 60 * 24 * 60 * MINUTE).toISOString().slice(0, 10),
    });
    await clock.pass(20 * MINUTE);
    clients.update(projects.all().find(({ id }) => id === entry.project_id)!.client_id, { name: 'Renamed' });
    await clock.pass(60 * MINUTE);
    expect(await viewDifferences(simulator, log, ['time_projects'])).toEqual([]);
    await end();
  }, 300_000);

  test('is in the windows that were read before it when the others are read for the first time', async () => {
    const { clock, rename, readings, isRead, differences, end } = await begun();
    while (readings() < 8) await clock.pass(SECOND);
    expect(isRead()).toBe(false);
    rename();
    await clock.pass(60 * MINUTE);
    expect(await differences()).toEqual([]);
    await end();
  }, 300_000);
});
