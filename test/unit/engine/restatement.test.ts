// Reports are restated by what changed in the lists they are made from: the real engine against the simulator in process.
import { describe, expect, test } from 'vitest';
import { calm, type Simulator } from '../../../lab/simulator/index.ts';
import type { Grain } from '../../../src/streams/windows.ts';
import { account, benchAccount, falseChanges, viewDifferences } from '../../support/account.ts';
import { dayAt } from '../../support/epoch.ts';
import { freeEntries } from '../../support/free-entries.ts';
import { MemoryLog } from '../../support/memory-log.ts';

const WINDOWED = ['time_clients', 'time_projects', 'time_tasks', 'time_team', 'uninvoiced'];

async function synced(options: Parameters<typeof account>[0] = {}) {
  const { simulator, pass } = account({ years: 3, ...options });
  calm(simulator);
  const log = new MemoryLog();
  await benchAccount(simulator, log).catchUp();
  pass(1_000);
  const asked = simulator.log.all().length;
  const windows = () => windowsAskedSince(simulator, asked);
  return { simulator, pass, log, windows };
}

/** The windows that were asked for, by report: `20251101`, oldest first. */
function windowsAskedSince(simulator: Simulator, from: number): Record<string, string[]> {
  const windows: Record<string, string[]> = {};
  for (const { target, stream } of simulator.log.all().slice(from)) {
    const day = /[?&]from=(\d{8})/.exec(target)?.[1];
    if (!target.includes('/reports/') || !day || !stream) continue;
    windows[stream] = [...new Set([...(windows[stream] ?? []), day])].sort();
  }
  return windows;
}

const LONG_AGO = '2020-01-01T00:00:00Z';

const firstOf = (date: string) => `${date.slice(0, 7).replace('-', '')}01`;

describe('a time entry of long ago', () => {
  test('that is edited, moved or deleted has exactly its windows read again, the old one and the new one [P1]', async () => {
    const { simulator, pass, log, windows } = await synced();
    const { time_entries } = simulator.data;
    const old = freeEntries(simulator);
    const [edited, moved, deleted] = [old[0]!, old[1]!, old[2]!];
    const today = firstOf(simulator.data.today());
    const from = firstOf(moved.spent_date);
    time_entries.update(edited.id, { hours: 7.77 });
    const elsewhere = dayAt(-600);
    time_entries.update(moved.id, { spent_date: elsewhere });
    time_entries.delete(deleted.id);
    await benchAccount(simulator, log).catchUp();
    const expected = [
      ...new Set([firstOf(edited.spent_date), from, firstOf(elsewhere), firstOf(deleted.spent_date), today]),
    ];
    for (const report of WINDOWED) expect(windows()[report], report).toEqual(expected.sort());
    expect(windows().expenses_team).toEqual([today]);
    expect(await viewDifferences(simulator, log)).toEqual([]);

    // Nothing moved: nothing but the current window is read again.
    pass(1_000);
    const asked = simulator.log.all().length;
    await benchAccount(simulator, log).catchUp();
    expect(windowsAskedSince(simulator, asked).time_team).toEqual([today]);
    expect(falseChanges(log)).toEqual([]);
  });
});

describe('a change that moves no entry', () => {
  test.each<[string, (simulator: Simulator) => void]>([
    ['a client is renamed', ({ data }) => data.clients.update(data.clients.all()[0]!.id, { name: 'Renamed' })],
    ['a project is renamed', ({ data }) => data.projects.update(data.projects.all()[0]!.id, { name: 'Renamed' })],
    ['a task is renamed', ({ data }) => data.tasks.update(data.tasks.all()[0]!.id, { name: 'Renamed' })],
    ['a person is renamed', ({ data }) => data.users.update(data.users.all()[0]!.id, { last_name: 'Renamed' })],
    [
      'a category is renamed',
      ({ data }) => data.expense_categories.update(data.expense_categories.all()[0]!.id, { name: 'Renamed' }),
    ],
    [
      'a project is made',
      ({ data }) =>
        data.projects.create({
          client_id: data.clients.all()[0]!.id,
          name: 'New',
          bill_by: 'Project',
          budget_by: 'none',
          hourly_rate: 90,
        }),
    ],
  ])('reaches every window that shows it: %s [P1]', async (_, change) => {
    const { simulator, log } = await synced();
    change(simulator);
    await benchAccount(simulator, log).catchUp();
    const reports = [...WINDOWED, 'expenses_clients', 'expenses_projects', 'expenses_categories', 'expenses_team'];
    expect(await viewDifferences(simulator, log, reports)).toEqual([]);
  });

  test('reaches every window also while the report that would tell which ones may not be read [P1]', async () => {
    const { simulator, pass } = account({ years: 1 });
    const log = new MemoryLog();
    simulator.faults.add({ match: { stream: 'time_clients' }, do: { kind: 'status', status: 403 } });
    await benchAccount(simulator, log).catchUp();
    pass(1_000);
    expect(log.rows.get('time_projects')?.complete).toBe(true);
    simulator.data.clients.update(simulator.data.clients.all()[0]!.id, { name: 'Renamed' });
    await benchAccount(simulator, log).catchUp();
    expect(await viewDifferences(simulator, log, ['time_projects'])).toEqual([]);
  });

  test('reaches every window that was read before the list in which it is told [P1]', async () => {
    const { simulator, pass } = account({ years: 1 });
    calm(simulator);
    const log = new MemoryLog();
    const restore = simulator.faults.add({ match: { stream: 'clients' }, do: { kind: 'status', status: 403 } });
    await benchAccount(simulator, log).catchUp();
    expect(log.rows.get('uninvoiced')?.complete).toBe(true);
    pass(1_000);
    simulator.data.clients.update(simulator.data.clients.all()[0]!.id, { name: 'Renamed' });
    restore();
    await benchAccount(simulator, log).catchUp();
    expect(log.rows.get('clients')?.complete).toBe(true);
    expect(await viewDifferences(simulator, log, ['uninvoiced', 'time_clients', 'time_projects'])).toEqual([]);
  });

  test('and that nothing tells, such as rounding, is found by the round over all windows [P1]', async () => {
    const { simulator, log } = await synced();
    simulator.settings.rounding = { minutes: 30, direction: 'up' };
    for (const [name, row] of log.rows) {
      const position = row.position as { kind: string } | undefined;
      if (position?.kind === 'report') log.rows.set(name, { ...row, position: { ...position, round_at: LONG_AGO } });
      else if (position) log.rows.set(name, { ...row, reconciled_at: LONG_AGO });
    }
    await benchAccount(simulator, log).catchUp();
    expect(await viewDifferences(simulator, log)).toEqual([]);
  });
});

test.each<Grain>(['day', 'week', 'month', 'quarter', 'year'])(
  'windows of a %s are kept, leap day included [P1]',
  async (grain) => {
    const { simulator, pass } = account({ timeEntries: 60, years: grain === 'day' ? 1 : 3 });
    const log = new MemoryLog();
    const settings = { grain };
    await benchAccount(simulator, log, { settings }).catchUp();
    pass(1_000);
    const { time_entries } = simulator.data;
    const [entry] = time_entries.all().filter(({ invoice_id }) => invoice_id === null);
    if (grain !== 'day') time_entries.update(entry!.id, { spent_date: '2024-02-29' });
    else time_entries.update(entry!.id, { hours: 3.21 });
    await benchAccount(simulator, log, { settings }).catchUp();
    expect(await viewDifferences(simulator, log, undefined, grain)).toEqual([]);
    const spans = simulator.log.all().flatMap(({ target }) => {
      const [, from, to] = /from=(\d{8})&to=(\d{8})/.exec(target) ?? [];
      return from && to ? [[from, to]] : [];
    });
    expect(spans.length).toBeGreaterThan(0);
    for (const [from, to] of spans) expect(daysBetween(from!, to!)).toBeLessThanOrEqual(365);
  },
);

function daysBetween(from: string, to: string): number {
  const day = (text: string) => Date.UTC(+text.slice(0, 4), +text.slice(4, 6) - 1, +text.slice(6)) / 86_400_000;
  return day(to) - day(from);
}
