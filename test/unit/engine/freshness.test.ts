// How soon a change and a deletion are on their topics, by the simulator's own clock: the default configuration, Harvest's own
// budgets, an account in which something changes every second.
import { expect, test } from 'vitest';
import type { StreamRow } from '../../../src/engine/state/stream-row.ts';
import type { StreamDefinition } from '../../../src/streams/definition.ts';
import { named } from '../../support/account.ts';
import { freeEntries } from '../../support/free-entries.ts';
import {
  busiest,
  CHANGED,
  type Change,
  changeEverySecond,
  defaults,
  EDITS,
  type EditedList,
  freshness,
  MINUTE,
  percentile,
  running,
  SECOND,
} from '../../support/living-account.ts';

test('changes of a living account arrive within 2.5 s in the median and 5 s at the 99th percentile, deletions within a minute, for half of the budget [P6]', async () => {
  const { clock, simulator, log, bench, requests, end } = await running(1);
  await changeEverySecond(clock, simulator, 60);
  const from = requests.length;
  const changes = await changeEverySecond(clock, simulator, 300);
  const deleted: Change[] = [];
  for (let each = 0; each < 10; each++) {
    const entry = freeEntries(simulator)[0]!;
    simulator.data.time_entries.delete(entry.id);
    deleted.push({ stream: 'time_entries', id: entry.id, at: clock.now() });
    await changeEverySecond(clock, simulator, 17);
  }
  await clock.pass(MINUTE);
  const waits = freshness(log, changes);
  const gone = freshness(log, deleted, true);
  const timely = requests.slice(from).filter(({ isTimely }) => isTimely);
  expect(percentile(waits, 0.5)).toBeLessThanOrEqual(2_500);
  expect(percentile(waits, 0.99)).toBeLessThanOrEqual(5_000);
  // What the account says of itself goes by updated_at, which has whole seconds.
  const { changes: seen, p50Ms } = bench.account.status().freshness!;
  expect(seen).toBeGreaterThan(changes.length);
  expect(Math.abs(p50Ms - percentile(waits, 0.5))).toBeLessThan(1_000);
  expect(percentile(gone, 0.99)).toBeLessThanOrEqual(MINUTE);
  expect(busiest(timely, 15_000)).toBeLessThanOrEqual(95 / 2);
  expect(
    busiest(
      requests.filter(({ isReport }) => !isReport),
      15_000,
    ),
  ).toBeLessThanOrEqual(95);
  await end();
}, 300_000);

test('with twelve lists changing, changes are no later than the intervals, which are stretched, say', async () => {
  const { clock, simulator, log, bench, end } = await running(1);
  const lists = Object.keys(EDITS) as EditedList[];
  await changeEverySecond(clock, simulator, 90, lists);
  const changes = await changeEverySecond(clock, simulator, 300, lists);
  const { pollStretch } = bench.account.status();
  await clock.pass(MINUTE);
  expect(lists).toHaveLength(12);
  expect(pollStretch).toBeGreaterThan(1);
  expect(percentile(freshness(log, changes), 0.99)).toBeLessThanOrEqual(4 * SECOND * pollStretch + 500);
  await end();
}, 300_000);

test('a deletion arrives after no more than its count interval while messages and payments of three thousand invoices are read for the first time', async () => {
  const streams = ['company', 'clients', 'invoices', 'invoice_messages', 'invoice_payments', 'expenses', 'contacts'];
  const { clock, simulator, log, end } = await running(1, { counts: { invoices: 3_000 }, streams });
  const deleted: Change[] = [];
  while (!log.rows.get('invoice_payments')?.complete) {
    const { id } = simulator.data.expenses.all()[0]!;
    simulator.data.expenses.delete(id);
    deleted.push({ stream: 'expenses', id, at: clock.now() });
    await clock.pass(17 * SECOND);
  }
  await clock.pass(MINUTE);
  expect(deleted.length).toBeGreaterThan(20);
  // Lists are counted every 45 s.
  expect(freshness(log, deleted, true).at(-1)).toBeLessThanOrEqual(50 * SECOND);
  await end();
}, 300_000);

test('a list of a hundred pages is read within a minute and a half although children of thousands are read for the first time', async () => {
  const { clock, log, born, end } = await running(1, { pageRows: 200, timeEntries: 20_000 });
  expect(clock.now() - born).toBeLessThanOrEqual(90 * SECOND);
  expect(log.rows.get('invoice_payments')).toMatchObject({ complete: false });
  await end();
}, 300_000);

test.each([
  // So few rows a page that a reading takes minutes.
  { list: 'time_entries', pageRows: 8 },
  { list: 'contacts', pageRows: 2 },
] as const)(
  'a deletion in $list arrives within a minute while the list is read whole, again and again, which takes longer, and ends',
  async ({ list, pageRows }) => {
    const streams = ['company', 'clients', 'contacts', 'projects', 'tasks', 'users', 'time_entries'];
    const intervals = (stream: StreamDefinition) => ({
      ...defaults(stream),
      ...(stream.name === list && { reconcileMs: 1 }),
    });
    const counts = { clients: 300 };
    const { clock, simulator, log, bench, end } = await running(1, { streams, intervals, pageRows, counts });
    const deleted: Change[] = [];
    while (deleted.length < 20) {
      await clock.pass(23 * SECOND);
      // What is read first: a list with days begins with its oldest, the others with their newest.
      const { id } = list === 'contacts' ? simulator.data.contacts.all().at(-1)! : freeEntries(simulator)[0]!;
      simulator.data[list].delete(id);
      deleted.push({ stream: list, id, at: clock.now() });
    }
    await clock.pass(MINUTE);
    const wholeOnes = named(bench.events, 'scan.completed').filter(
      ({ stream, purpose, read }) =>
        stream === list && purpose === 'reconciliation' && read > simulator.data[list].size / 2,
    );
    expect(freshness(log, deleted, true).at(-1)).toBeLessThanOrEqual(MINUTE);
    expect(wholeOnes.length).toBeGreaterThan(1);
    await end();
  },
  300_000,
);

/** What is under way in a list, by its state row. */
function isQuiet(row: unknown): boolean {
  const { scanned_at, reconcile_due, reconciliation } = row as StreamRow;
  return scanned_at !== null && reconcile_due === null && reconciliation === null;
}

test.each([
  { signal: 'reset', reading: 'poll', lists: CHANGED.filter((list) => list !== 'time_entries') },
  { signal: 'reconcile', reading: 'reconciliation', lists: CHANGED },
] as const)(
  'changes and deletions are no later while a person gives one $signal of a long list after another [P6]',
  async ({ signal, reading, lists }) => {
    // A hundred pages.
    const above = ['company', 'clients', 'contacts', 'projects', 'tasks', 'users', 'invoices'];
    const streams = [...above, 'time_entries', 'expenses', 'invoice_messages', 'invoice_payments'];
    const { clock, simulator, log, bench, end } = await running(1, { streams, pageRows: 200, timeEntries: 20_000 });
    await changeEverySecond(clock, simulator, 60, lists);
    const changes: Change[] = [];
    const deleted: Change[] = [];
    const before = bench.events.length;
    let given = 0;
    for (let each = 0; each < 12; each++) {
      if (log.signals.size === 0 && isQuiet(log.rows.get('time_entries'))) {
        const id = String(++given);
        log.signals.set(id, { id, kind: signal, stream: 'time_entries', to: null, at: '2026-01-01T00:00:00Z' });
      }
      const { id } = simulator.data.expenses.all()[each]!;
      simulator.data.expenses.delete(id);
      deleted.push({ stream: 'expenses', id, at: clock.now() });
      changes.push(...(await changeEverySecond(clock, simulator, 17, lists)));
    }
    await clock.pass(MINUTE);
    const waits = freshness(log, changes);
    const gone = freshness(log, deleted, true);
    expect(percentile(waits, 0.5)).toBeLessThanOrEqual(2_500);
    expect(percentile(waits, 0.99)).toBeLessThanOrEqual(5_000);
    // Lists are counted every 45 s.
    expect(gone.at(-1)).toBeLessThanOrEqual(50 * SECOND);
    const asked = named(bench.events.slice(before), 'request.finished');
    const pages = asked.filter(({ stream, purpose }) => stream === 'time_entries' && purpose === reading);
    expect(pages.length).toBeGreaterThan(50);
    await end();
  },
  300_000,
);
