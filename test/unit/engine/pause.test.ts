// A person pauses a stream, or all: nothing of it is asked of Harvest, everybody sees who did it and since when, a restart keeps
// it, and once it is resumed nothing of what happened meanwhile is missing.
import { expect, test } from 'vitest';
import { createSimulator, type Simulator } from '../../../lab/simulator/index.ts';
import type { Signal } from '../../../src/engine/ports.ts';
import type { StreamStatus } from '../../../src/engine/status.ts';
import type { SourceOptions } from '../../../src/harvest/client.ts';
import { headline, readiness } from '../../../src/observe/readiness.ts';
import { named, type VirtualBench, viewDifferences, virtualBench } from '../../support/account.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const MINUTE = 60_000;
const ANN = 'ann@ops-1';

interface World {
  readonly clock: VirtualClock;
  readonly simulator: Simulator;
  readonly log: MemoryLog;
  readonly bench: VirtualBench;
  readonly leave: (kind: Signal['kind'], ...streams: readonly string[]) => Promise<void>;
  readonly status: (stream: string) => StreamStatus;
  /** Requests for the stream since this was last asked. */
  readonly asked: (stream: string) => number;
  readonly end: () => Promise<void>;
  /** The next process of the same account. */
  readonly restart: () => Promise<World>;
}

interface Given {
  readonly streams: readonly string[];
  readonly clock?: VirtualClock;
  readonly simulator?: Simulator;
  readonly log?: MemoryLog;
  readonly timeEntries?: number;
  readonly budgets?: SourceOptions['budgets'];
}

function world(given: Given): World {
  const { streams, clock = new VirtualClock(), log = new MemoryLog(), timeEntries = 60 } = given;
  const budgets = { general: null, reports: null };
  const simulator = given.simulator ?? createSimulator({ timeEntries, years: 0.3, now: clock.now, budgets });
  const bench = virtualBench(simulator, log, clock, {
    streams,
    source: given.budgets ? { budgets: given.budgets } : {},
  });
  const daemon = bench.start();
  const seen = new Map<string, number>();
  let signals = 0;
  const end = async () => {
    daemon.stop();
    await clock.pass(MINUTE);
    await daemon.ended;
  };
  return {
    ...{ clock, simulator, log, bench, end },
    leave: async (kind, ...names) => {
      const at = new Date(clock.now()).toISOString();
      for (const stream of names) {
        const id = `${kind} ${signals++}`;
        log.signals.set(id, { id, kind, stream, to: null, at, by: ANN });
      }
      await clock.pass(10_000);
    },
    status: (name) => bench.account.status().streams.find(({ stream }) => stream === name)!,
    asked: (name) => {
      const count = named(bench.events, 'request.finished').filter(({ stream }) => stream === name).length;
      const before = seen.get(name) ?? 0;
      seen.set(name, count);
      return count - before;
    },
    restart: async () => {
      await end();
      const next = world({ ...given, clock, simulator, log });
      await clock.pass(MINUTE);
      return next;
    },
  };
}

test('a paused stream asks Harvest nothing, says who paused it and since when, and others go on [P9]', async () => {
  const it = world({ streams: ['clients', 'tasks'] });
  await it.clock.pass(3 * MINUTE);
  await it.leave('pause', 'clients');
  it.asked('clients');
  it.asked('tasks');
  const since = it.status('clients').since;
  it.simulator.data.clients.create({ name: 'while paused' });
  await it.clock.pass(60 * MINUTE);
  expect([it.asked('clients'), it.asked('tasks') > 0]).toEqual([0, true]);
  const shown = {
    state: 'PAUSED',
    reason: `paused by ${ANN}`,
    remedy: `harvest-kafka resume clients --account ${it.simulator.accountId}`,
  };
  expect(it.status('clients')).toMatchObject({ ...shown, since, nextDueAt: null, nextProbeAt: null });
  expect(it.log.rows.get('clients')).toMatchObject({ state: 'RUNNING', paused: { by: ANN, since } });
  const accounts = [it.bench.account.status()];
  expect(readiness(accounts)).toMatchObject({ ready: true, notes: [{ stream: 'clients', ...shown }] });
  expect(headline(accounts[0]!)).toContain('; clients is paused.');
  expect(accounts[0]!.stalls).toEqual([]);

  await it.leave('resume', 'clients');
  await it.clock.pass(2 * MINUTE);
  expect(it.status('clients')).toMatchObject({ state: 'RUNNING', reason: null });
  const told = it.log.notifications.filter(({ body }) => body.event === 'stream.changed').map(({ body }) => body);
  expect(told).toMatchObject([
    { stream: 'clients', from: 'RUNNING', to: 'PAUSED', reason: shown.reason, remedy: shown.remedy },
    { stream: 'clients', from: 'PAUSED', to: 'RUNNING', reason: 'resumed' },
  ]);
  expect(named(it.bench.events, 'signal.carried_out')).toMatchObject([
    { signal: 'pause', by: ANN },
    { signal: 'resume', by: ANN },
  ]);
  await it.end();
  expect(await viewDifferences(it.simulator, it.log, ['clients', 'tasks'])).toEqual([]);
});

test('a pause outlives a restart, and is the first that paused, not the last', async () => {
  const before = world({ streams: ['clients', 'tasks'] });
  await before.clock.pass(3 * MINUTE);
  await before.leave('pause', 'clients');
  const { since } = before.status('clients');
  await before.leave('pause', 'clients');
  const after = await before.restart();
  expect(after.status('clients')).toMatchObject({ state: 'PAUSED', reason: `paused by ${ANN}`, since });
  expect([after.asked('clients'), after.asked('tasks') > 0]).toEqual([0, true]);
  await after.end();
});

test('a snapshot that is paused stays at its page, and goes on there once it is resumed', async () => {
  const onePageAMinute = { requests: 1, perSeconds: 60 };
  const budgets = { general: onePageAMinute, reports: onePageAMinute };
  const it = world({ streams: ['time_entries'], timeEntries: 5_000, budgets });
  await it.clock.pass(30_000);
  await it.leave('pause', 'time_entries');
  await it.clock.pass(2 * MINUTE);
  const { scan } = it.status('time_entries');
  expect(scan!.pages).toBeGreaterThan(0);
  await it.clock.pass(30 * MINUTE);
  expect(it.status('time_entries')).toMatchObject({ state: 'PAUSED', complete: false, scan });
  it.asked('time_entries');
  await it.leave('resume', 'time_entries');
  await it.clock.pass(5 * MINUTE);
  expect(it.status('time_entries')).toMatchObject({ state: 'RUNNING', complete: true });
  const started = named(it.bench.events, 'scan.started').filter(({ purpose }) => purpose === 'snapshot');
  expect(started).toHaveLength(1);
  await it.end();
});

test('children of a paused parent wait with it and say for whom', async () => {
  const streams = ['invoices', 'invoice_messages', 'invoice_payments'];
  const it = world({ streams, timeEntries: 200 });
  await it.clock.pass(5 * MINUTE);
  await it.leave('pause', 'invoices', 'invoice_payments');
  for (const name of streams) it.asked(name);
  const [message] = it.simulator.data.invoice_messages.all();
  it.simulator.data.invoices.update(message!.invoice_id, { notes: 'changed while paused' });
  await it.clock.pass(30 * MINUTE);
  expect(streams.map(it.asked)).toEqual([0, 0, 0]);
  expect(it.status('invoice_messages')).toMatchObject({
    state: 'PAUSED',
    reason: `waits for invoices: paused by ${ANN}`,
    remedy: `harvest-kafka resume invoices --account ${it.simulator.accountId}`,
  });
  await it.leave('resume', 'invoices');
  await it.clock.pass(5 * MINUTE);
  expect(it.status('invoice_messages').state).toBe('RUNNING');
  expect(it.status('invoice_payments')).toMatchObject({ state: 'PAUSED', reason: `paused by ${ANN}` });
  await it.leave('resume', 'invoice_payments');
  await it.clock.pass(5 * MINUTE);
  await it.end();
  expect(await viewDifferences(it.simulator, it.log, streams)).toEqual([]);
});

test('confirmed deletes of a paused stream wait, and the lists below it go on meanwhile', async () => {
  const streams = ['projects', 'time_entries', 'expenses', 'user_assignments', 'task_assignments'];
  const it = world({ streams });
  await it.clock.pass(5 * MINUTE);
  const { project_id } = it.simulator.data.time_entries.all()[0]!;
  await it.leave('pause', 'projects');
  // A life that ended between the 404 and the tombstones.
  await it.end();
  it.log.rows.set('projects', { ...it.log.rows.get('projects')!, confirmed: [project_id] });
  const next = world({ streams, clock: it.clock, simulator: it.simulator, log: it.log });
  await next.clock.pass(10 * MINUTE);
  const entry = next.simulator.data.time_entries.all()[0]!;
  next.simulator.data.time_entries.update(entry.id, { notes: 'while projects are paused' });
  await next.clock.pass(5 * MINUTE);
  expect(await viewDifferences(next.simulator, next.log, ['time_entries'])).toEqual([]);
  expect(next.status('projects')).toMatchObject({ state: 'PAUSED', backlog: { confirmed: 1 } });
  await next.end();
});

test('what a deletion takes along of a paused list is deleted once it is resumed [P8]', async () => {
  const streams = ['clients', 'contacts'];
  const it = world({ streams });
  const client = it.simulator.data.clients.create({ name: 'to be deleted' });
  it.simulator.data.contacts.create({ client_id: client.id, first_name: 'of its client' });
  await it.clock.pass(5 * MINUTE);
  await it.leave('pause', 'contacts');
  const { rows } = it.status('contacts');
  it.simulator.data.clients.delete(client.id);
  await it.clock.pass(20 * MINUTE);
  expect(it.status('contacts').rows).toBe(rows);
  await it.leave('resume', 'contacts');
  await it.clock.pass(20 * MINUTE);
  await it.end();
  expect(it.status('contacts').rows).toBe(rows - 1);
  expect(await viewDifferences(it.simulator, it.log, streams)).toEqual([]);
});

test('a report goes on while a list that it sums up is paused, and waits for its snapshot if that has not ended', async () => {
  const streams = ['time_entries', 'time_team'];
  const it = world({ streams });
  await it.clock.pass(10 * MINUTE);
  await it.leave('pause', 'time_entries');
  it.asked('time_team');
  await it.clock.pass(60 * MINUTE);
  expect(it.asked('time_team')).toBeGreaterThan(0);
  expect(it.status('time_team').state).toBe('RUNNING');
  await it.end();

  const log = new MemoryLog();
  log.signals.set('first', {
    id: 'first',
    kind: 'pause',
    stream: 'time_entries',
    to: null,
    at: '2026-11-21T06:30:00Z',
    by: ANN,
  });
  const early = world({ streams, clock: it.clock, simulator: it.simulator, log });
  await early.clock.pass(10 * MINUTE);
  expect(streams.map(early.asked)).toEqual([0, 0]);
  expect(early.status('time_team')).toMatchObject({
    state: 'PAUSED',
    reason: `waits for time_entries: paused by ${ANN}`,
  });
  await early.leave('resume', 'time_entries');
  await early.clock.pass(10 * MINUTE);
  expect(streams.map((name) => early.status(name))).toMatchObject(
    streams.map(() => ({ state: 'RUNNING', complete: true })),
  );
  await early.end();
});

test('a refused stream that is paused is not probed, and is refused still when it is resumed', async () => {
  const it = world({ streams: ['clients', 'tasks'] });
  await it.clock.pass(3 * MINUTE);
  it.simulator.faults.add({ match: { path: '/clients' }, do: { kind: 'status', status: 403 } });
  await it.clock.pass(3 * MINUTE);
  expect(it.status('clients').state).toBe('FORBIDDEN');
  await it.leave('pause', 'clients');
  it.asked('clients');
  await it.clock.pass(60 * MINUTE);
  expect([it.asked('clients'), it.status('clients').state]).toEqual([0, 'PAUSED']);
  await it.leave('resume', 'clients');
  await it.clock.pass(6 * MINUTE);
  expect(it.status('clients').state).toBe('FORBIDDEN');
  expect(it.asked('clients')).toBeGreaterThan(0);
  await it.end();
});

test('a paused list has no share in the budget of polls, so that the others are polled as often as they should', async () => {
  const streams = ['company', 'clients', 'tasks', 'users', 'projects'];
  const budgets = { general: { requests: 2, perSeconds: 15 }, reports: { requests: 95, perSeconds: 900 } };
  const { clock, bench, leave, end } = world({ streams, budgets });
  await clock.pass(5 * MINUTE);
  expect(bench.account.status().pollStretch).toBeGreaterThan(1);
  await leave('pause', 'clients', 'tasks', 'users');
  await clock.pass(MINUTE);
  expect(bench.account.status().pollStretch).toBe(1);
  await end();
});
