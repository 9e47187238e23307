// A Harvest that does not say how many records a list has: that is unknown, not few. Nothing is held for it, deletions are
// found by reading.
import { describe, expect, test } from 'vitest';
import type { Simulator } from '../../../lab/simulator/index.ts';
import { account, benchAccount, falseChanges, named, viewDifferences } from '../../support/account.ts';
import { freeEntries } from '../../support/free-entries.ts';
import { MemoryLog } from '../../support/memory-log.ts';

const STREAMS = ['company', 'clients', 'projects', 'tasks', 'time_entries', 'time_clients'];

function silent(totals: 'null' | 'absent') {
  const { simulator, pass } = account({ timeEntries: 800, years: 0.3, settings: { totals } });
  for (const { id, timer_started_at } of simulator.data.time_entries.all()) {
    if (timer_started_at !== null) simulator.data.time_entries.stop(id);
  }
  const log = new MemoryLog();
  const run = async () => {
    pass(1_000);
    const bench = benchAccount(simulator, log, { streams: STREAMS });
    await bench.catchUp();
    return { events: bench.events, states: statesOf(bench.account.status().streams) };
  };
  return { simulator, log, run };
}

function statesOf(streams: readonly { readonly stream: string; readonly state: string }[]): string[] {
  return streams.filter(({ state }) => state !== 'RUNNING').map(({ stream, state }) => `${stream} ${state}`);
}

function deleteEntries(simulator: Simulator, count: number): void {
  const deleted = freeEntries(simulator).slice(0, count);
  expect(deleted).toHaveLength(count);
  for (const { id } of deleted) simulator.data.time_entries.delete(id);
}

/** The day's reading of everything is due. */
function age(log: MemoryLog, stream = 'time_entries'): void {
  log.rows.set(stream, { ...log.rows.get(stream)!, reconciled_at: '2020-01-01T00:00:00Z' });
}

describe.each(['absent', 'null'] as const)('lists without totals (%s) [P1 P8]', (totals) => {
  test('are held for nothing, say so once each, and deletions arrive when the list is read whole', async () => {
    const { simulator, log, run } = silent(totals);
    const first = await run();
    expect(first.states).toEqual([]);
    expect(named(first.events, 'totals.absent').map(({ stream }) => stream)).toContain('time_entries');
    deleteEntries(simulator, 3);
    const second = await run();
    expect(second.states).toEqual([]);
    expect(named(second.events, 'totals.absent')).toEqual([]);
    age(log);
    expect((await run()).states).toEqual([]);
    expect(await viewDifferences(simulator, log, STREAMS)).toEqual([]);
    expect(falseChanges(log)).toEqual([]);
  });

  test('protect all the same: what a whole reading misses too much of is held, ends when it is back, or is released', async () => {
    const { simulator, log, run } = silent(totals);
    await run();
    const before = log.history.length;
    const deletions = () => log.history.slice(before).filter(({ op }) => op === 'd');
    simulator.settings.role = 'member';
    age(log);
    expect((await run()).states).toContain('time_entries HELD');
    expect(deletions()).toEqual([]);
    simulator.settings.role = 'administrator';
    age(log);
    for (const name of log.rows.keys()) log.rows.set(name, { ...log.rows.get(name)!, counted_at: null });
    await run();
    expect((await run()).states).toEqual([]);
    expect(deletions().filter(({ stream }) => stream === 'time_entries')).toEqual([]);
    expect(await viewDifferences(simulator, log, STREAMS)).toEqual([]);

    deleteEntries(simulator, 150);
    age(log);
    expect((await run()).states).toContain('time_entries HELD');
    const signal = { id: 'o', kind: 'release', stream: 'time_entries', to: null, at: '2026-11-21T06:30:00Z' } as const;
    log.signals.set('o', signal);
    expect((await run()).states).toEqual([]);
    expect(await viewDifferences(simulator, log, STREAMS)).toEqual([]);
  });
});

test('a list that is held for a count that Harvest never gave lets go when it is read', async () => {
  const { simulator, log, run } = silent('absent');
  await run();
  const hold = { kind: 'missing', reason: '799 of 0 rows', since: '2026-11-21T06:30:00Z', released: false };
  const { uncounted, ...row } = log.rows.get('time_entries')!;
  log.rows.set('time_entries', { ...row, hold, missing: 799, counted_at: null });
  expect((await run()).states).toEqual([]);
  expect(await viewDifferences(simulator, log, STREAMS)).toEqual([]);
});

test('totals that come back count again', async () => {
  const { simulator, log, run } = silent('null');
  await run();
  simulator.settings.totals = 'given';
  deleteEntries(simulator, 3);
  expect((await run()).states).toEqual([]);
  expect(log.rows.get('time_entries')).not.toHaveProperty('uncounted');
  expect(await viewDifferences(simulator, log, STREAMS)).toEqual([]);
});
