// Count check, reconciliation, hold: the rules by themselves, and what a reconciliation finds that nothing tells.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isoSeconds } from '../../../src/base/clock.ts';
import { afterAsking } from '../../../src/engine/deletions/confirm-step.ts';
import {
  afterCount,
  askedAgain,
  beginReconciliation,
  CANDIDATES_MAX,
  CONFIRMED_MAX,
  causeOf,
  counted,
  Histogram,
  halved,
  isFull,
  isPage,
  isSearched,
  isToBegin,
  parted,
} from '../../../src/engine/deletions/reconciliation.ts';
import { PER_PAGE } from '../../../src/engine/ports.ts';
import { limitOf } from '../../../src/engine/state/hold.ts';
import { freshRow, parseRow, type StreamRow } from '../../../src/engine/state/stream-row.ts';
import { encodeRow } from '../../../src/kafka/state-topic.ts';
import { catalog } from '../../../src/streams/catalog.ts';
import { neededFor } from '../../../src/streams/definition.ts';
import { account, benchAccount, named, viewDifferences } from '../../support/account.ts';
import { MemoryLog } from '../../support/memory-log.ts';

const NOW = Date.UTC(2026, 10, 21);
const tasks = catalog.find(({ name }) => name === 'tasks')!;
const row = (rest: Partial<StreamRow> = {}): StreamRow => ({ ...freshRow(tasks, 'month', NOW), rows: 1_000, ...rest });

describe('the ranges of a reconciliation [P8]', () => {
  const days = fc.dictionary(fc.integer({ min: -400, max: 400 }).map(String), fc.integer({ min: 1, max: 3_000 }), {
    minKeys: 1,
    maxKeys: 60,
  });
  const histogram = days.map(
    (given) => new Histogram(new Map(Object.entries(given).map(([day, n]) => [Number(day), n])), PER_PAGE),
  );

  test('cover every day once, from the beginning to the end of time', () => {
    fc.assert(
      fc.property(histogram, (rows) => {
        const ranges = parted(rows);
        expect(ranges[0]!.from).toBeNull();
        expect(ranges.at(-1)!.to).toBeNull();
        for (const [place, range] of ranges.slice(1).entries()) expect(range.from).toBe(ranges[place]!.to! + 1);
        const whole = rows.count({ from: null, to: null, total: null });
        expect(ranges.reduce((sum, range) => sum + rows.count(range), 0)).toBe(whole);
      }),
    );
  });

  test('halve until each is a page, in about as many steps as there are bits', () => {
    fc.assert(
      fc.property(histogram, (rows) => {
        let ranges = [{ from: null as number | null, to: null as number | null, total: null as number | null }];
        let depth = 0;
        while (ranges.some((range) => !isPage(range, rows))) {
          ranges = ranges.flatMap((range) => (isPage(range, rows) ? [range] : [...halved(range, rows)]));
          depth++;
        }
        expect(depth).toBeLessThanOrEqual(12);
        expect(ranges.reduce((sum, range) => sum + rows.count(range), 0)).toBe(
          rows.count({ from: null, to: null, total: null }),
        );
      }),
    );
  });
});

describe('a count check [P8]', () => {
  const limit = limitOf(1_000, { share: 0.05, atLeast: 50 });

  test('that adds up asks for nothing', () => {
    expect(afterCount(row(), 0, limit, NOW)).toMatchObject({ reconcile_due: null, hold: null, missing: 0 });
  });

  test('that misses rows asks for a reconciliation, and not again for what a reconciliation could not explain', () => {
    expect(afterCount(row(), 3, limit, NOW).reconcile_due).toBe('count');
    expect(afterCount(row({ explained: 3 }), 3, limit, NOW).reconcile_due).toBeNull();
    expect(afterCount(row({ explained: 3 }), 4, limit, NOW).reconcile_due).toBe('count');
  });

  test('that counts more than we know believes it the second time: rows are being made all the time', () => {
    const first = afterCount(row(), -1, limit, NOW);
    expect(first.reconcile_due).toBeNull();
    expect(afterCount(first, -1, limit, NOW).reconcile_due).toBe('count');
  });

  test('that misses too much holds, and lets go when the rows are there again', () => {
    const held = afterCount(row(), 51, limit, NOW);
    expect(held).toMatchObject({ hold: { kind: 'missing', released: false }, reconcile_due: null, candidates: [] });
    expect(afterCount(held, 51, limit, NOW + 86_400_000).hold?.since).toBe(held.hold!.since);
    // A role that shrank hides members of records too: what came back is read whole.
    expect(afterCount(held, 2, limit, NOW)).toMatchObject({ hold: null, reconcile_due: 'asked' });
    const released = { ...held, hold: { ...held.hold!, released: true } };
    expect(afterCount(released, 51, limit, NOW)).toMatchObject({ hold: { released: true }, reconcile_due: 'count' });
  });
});

describe('a search that is due while everything is being read [P8]', () => {
  const entries = catalog.find(({ name }) => name === 'time_entries')!;
  const days = new Histogram(new Map(Array.from({ length: 30 }, (_, day) => [day, 1_000])), 2000);
  const reading = { ...beginReconciliation(entries, 'interval', 0, days), pages: 3, read: 5_000, found: 2 };
  const search = (looked: StreamRow) =>
    beginReconciliation(entries, 'count', looked.missing, days, looked.reconciliation);
  const due = afterCount(row({ reconciliation: reading }), 1, 50, NOW);

  test('goes first, and the reading goes on where it was', () => {
    expect(due).toMatchObject({ reconcile_due: 'count', reconciliation: reading });
    expect([isToBegin(due), causeOf(due)]).toEqual([true, 'count']);
    const begun = { ...due, reconcile_due: null, reconciliation: search(due) };
    expect([isToBegin(begun), causeOf(begun)]).toEqual([false, 'count']);
    const ended = counted(begun, { ...search(due), ranges: [], found: 1 }, [7], 50, NOW);
    expect(ended).toMatchObject({ reconciliation: reading, candidates: [7], reconcile_due: null, reconciled_at: null });
    expect([isToBegin(ended), causeOf(ended)]).toEqual([false, 'interval']);
  });

  test('that finds nothing asks for another reading, once this one has ended: it may be beyond the place', () => {
    const ended = counted(due, { ...search(due), ranges: [] }, [], 50, NOW);
    expect(ended).toMatchObject({ reconciliation: reading, reconcile_due: 'asked' });
    expect([isToBegin(ended), causeOf(ended), isSearched(ended)]).toEqual([false, 'interval', true]);
    const read = counted(ended, { ...reading, ranges: [] }, [], 50, NOW);
    expect(read).toMatchObject({ reconciliation: null, reconcile_due: 'asked' });
  });

  test('that finds too much holds, and nothing is read on', () => {
    const held = counted(due, { ...search(due), found: 51 }, [], 50, NOW);
    expect(held).toMatchObject({ hold: { kind: 'missing' }, reconciliation: null });
  });

  test('is a walk of everything where a list has no days: nothing is left to be read', () => {
    const walk = beginReconciliation(tasks, 'count', 1, days, reading);
    const ended = counted({ ...due, reconcile_due: null }, { ...walk, pages: 2, found: 0 }, [], 50, NOW);
    expect(ended).toMatchObject({ reconciliation: null, reconcile_due: null, reconciled_at: isoSeconds(NOW) });
  });

  test('a second deletion that is counted after the first was carried out is news, although one is missing again', () => {
    const found = counted(due, { ...search(due), ranges: [], found: 1 }, [7], 50, NOW);
    const asked = afterAsking(found, { done: new Set([7]), refused: [], deletions: 1, confirmed: [] }, NOW);
    expect(asked).toMatchObject({ missing: 0, explained: 0, candidates: [], counted_at: due.counted_at });
    const read = counted(asked, { ...reading, ranges: [] }, [], 50, NOW);
    expect(afterCount(read, 1, 50, NOW)).toMatchObject({ reconcile_due: 'count' });
  });
});

test('a state row of before reconciliations is read with nothing under way', () => {
  const { reconciliation, candidates, confirmed, hold, explained, ...older } = row({ complete: true });
  const read = parseRow(tasks, older as never);
  expect(read).toMatchObject({
    complete: true,
    rows: 1_000,
    reconciliation: null,
    candidates: [],
    confirmed: [],
    hold: null,
  });
});

const LONG_AGO = '2020-01-01T00:00:00Z';

/** Everything that has an interval is due. */
function age(log: MemoryLog): void {
  for (const [name, stored] of log.rows) {
    const position = stored.position as { readonly kind: string } | undefined;
    if (position?.kind === 'child') log.rows.set(name, { ...stored, scanned_at: LONG_AGO });
    if (position?.kind === 'list') log.rows.set(name, { ...stored, reconciled_at: LONG_AGO });
  }
}

describe('a change that moves no updated_at', () => {
  test('is published by the reconciliation: names in references, locks of archived projects, rounded hours [P1]', async () => {
    const { simulator, pass } = account();
    const { data } = simulator;
    for (const { id, timer_started_at } of data.time_entries.all())
      if (timer_started_at !== null) data.time_entries.stop(id);
    const log = new MemoryLog();
    await benchAccount(simulator, log).catchUp();
    pass(3_600_000);
    data.clients.update(data.clients.all()[0]!.id, { name: 'Renamed' });
    data.users.update(data.users.all()[0]!.id, { last_name: 'Renamed' });
    data.projects.update(data.time_entries.all()[0]!.project_id, { is_active: false });
    simulator.settings.rounding = { minutes: 15, direction: 'up' };
    const before = log.history.length;
    age(log);
    const bench = benchAccount(simulator, log);
    await bench.catchUp();
    const reports = catalog.filter(({ kind }) => kind !== 'report').map(({ name }) => name);
    expect(await viewDifferences(simulator, log, reports)).toEqual([]);
    const ops = new Set(
      log.history
        .slice(before)
        .filter(({ stream }) => stream === 'time_entries')
        .map(({ op }) => op),
    );
    expect([...ops]).toEqual(['u']);
    expect(named(bench.events, 'scan.completed').some(({ purpose }) => purpose === 'reconciliation')).toBe(true);

    const published = log.history.length;
    age(log);
    await benchAccount(simulator, log).catchUp();
    expect(log.history.length).toBe(published);
  });

  test('goes on at its place after a restart [P1]', async () => {
    const streams = ['projects', 'time_entries'];
    const { simulator } = account({ timeEntries: 16_000, years: 3 });
    const log = new MemoryLog();
    await benchAccount(simulator, log, { streams }).catchUp();
    age(log);
    const first = benchAccount(simulator, log, { streams });
    const death = new AbortController();
    first.sink.fate = () => {
      const reconciliation = log.rows.get('time_entries')?.reconciliation as { pages: number } | null;
      if (reconciliation !== null && reconciliation.pages > 0) death.abort();
      return 'acknowledged';
    };
    await first.account.run(death.signal, { once: true });
    const left = (log.rows.get('time_entries')!.reconciliation as { ranges: unknown[] }).ranges.length;
    expect(left).toBeGreaterThan(0);
    const asked = simulator.log.all().length;
    await benchAccount(simulator, log, { streams }).catchUp();
    const ranges = simulator.log
      .all()
      .slice(asked)
      .filter(({ target }) => /time_entries\?.*(from|to)=/.test(target));
    expect(ranges).toHaveLength(left);
  });
});

test('run --only reads the named streams, and of the others what they need', async () => {
  const { simulator } = account();
  const log = new MemoryLog();
  const bench = benchAccount(simulator, log);
  await bench.account.run(new AbortController().signal, { once: true, only: new Set(['invoice_payments', 'tasks']) });
  const read = new Set(log.history.map(({ stream }) => stream));
  // What is derived from a record comes in its transaction, or never.
  expect([...read].sort()).toEqual(['company', 'invoice_line_items', 'invoice_payments', 'invoices', 'tasks']);
  const asked = simulator.log.all().length;
  const again = benchAccount(simulator, log);
  await again.account.run(new AbortController().signal, { once: true, only: new Set(['tasks']) });
  const paths = simulator.log
    .all()
    .slice(asked)
    .map(({ stream }) => stream);
  expect([...new Set(paths)].sort()).toEqual(['company', 'tasks']);
});

test.each(['clients', 'invoice_payments', 'time_clients', 'project_budget'])(
  'run --only %s with no other streams than it needs is complete',
  async (name) => {
    const { simulator } = account();
    const log = new MemoryLog();
    const streams = [...neededFor([name], catalog)];
    expect(streams.length).toBeLessThan(5);
    const bench = benchAccount(simulator, log, { streams });
    await bench.account.run(new AbortController().signal, { once: true, only: new Set([name]) });
    const status = bench.account.status().streams.find(({ stream }) => stream === name)!;
    expect(status).toMatchObject({ complete: true, state: 'RUNNING' });
    expect(status.rows).toBeGreaterThan(0);
  },
);

describe('a hundred thousand rows that are missing, and may go [P8]', () => {
  const released = { kind: 'missing', reason: '', since: '2026-11-21T06:30:00Z', released: true } as const;
  const found = Array.from({ length: 100_000 }, (_, at) => 2_636_611_471 + 3 * at);
  const walked = {
    ...beginReconciliation(tasks, 'asked', 0, new Histogram(new Map(), 2000)),
    pages: 1,
    found: found.length,
  };

  test('fit the state row, with everything else that it may hold', () => {
    const held = afterCount(
      { ...row(), candidates: found.slice(0, CANDIDATES_MAX), confirmed: found.slice(0, CONFIRMED_MAX) },
      0,
      50,
      NOW,
    );
    const refused = Object.fromEntries(found.slice(0, 10_000).map((id) => [id, Number.MAX_SAFE_INTEGER]));
    const full = counted({ ...held, refused, hold: released }, walked, found, 50, NOW);
    const asked = askedAgain({ ...full, hold: { ...released, kind: 'cascade', released: false } });
    const bytes = (each: StreamRow) => Buffer.byteLength(encodeRow({ row: each as never, offsets: { 0: 1 } }));
    expect(Math.max(bytes(full), bytes(asked))).toBeLessThan(1_000_000);
  });

  test('are not asked for again while they are confirmed and wait for the lists below them [P8]', () => {
    const waiting = { ...row(), confirmed: [3, 4], hold: released };
    const ended = counted(waiting, { ...walked, found: 3 }, [3, 4, 5], 50, NOW);
    expect(ended).toMatchObject({ candidates: [5], confirmed: [3, 4], reconciliation: null, reconcile_due: null });
  });

  test('are asked for a part at a time: the rest is found by another reconciliation, after most of them', () => {
    const first = counted({ ...row(), hold: released }, walked, found, 50, NOW);
    expect(first).toMatchObject({ reconciliation: null, reconcile_due: 'asked' });
    expect(first.candidates).toEqual(found.slice(0, CANDIDATES_MAX));
    expect(isFull(first)).toBe(true);
    const rest = found.slice(0, 40);
    expect(counted({ ...first, candidates: rest, reconcile_due: null }, walked, rest, 50, NOW)).toMatchObject({
      reconcile_due: null,
      candidates: rest,
    });
  });

  test('are too much all the same while nobody released them', () => {
    const part = { ...walked, next: 'more', found: 49_000 };
    const under = counted(row(), part, found.slice(0, 49_000), 50_000, NOW);
    expect(under).toMatchObject({ hold: null, reconciliation: { is_cut: true } });
    expect(counted(under, { ...walked, is_cut: true }, found.slice(49_000), 50_000, NOW)).toMatchObject({
      hold: { kind: 'missing' },
      candidates: [],
    });
  });
});
