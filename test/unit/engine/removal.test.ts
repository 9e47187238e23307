// When a deleted record may take others along: only after their lists were scanned once more, and only what is not too much.
import { describe, expect, test } from 'vitest';
import { Claims } from '../../../src/engine/claims.ts';
import { confirmStep } from '../../../src/engine/deletions/confirm-step.ts';
import { isAwaited, isRemovalReady } from '../../../src/engine/deletions/removal-step.ts';
import type { StreamRuntime } from '../../../src/engine/state/stream-runtime.ts';
import { createStreams, takeState } from '../../../src/engine/state/stream-runtimes.ts';
import { catalog } from '../../../src/streams/catalog.ts';
import { account, benchAccount, clockOf, settingsOf, simulatedSource, viewDifferences } from '../../support/account.ts';
import { testCodec } from '../../support/codec.ts';
import { MemoryLog } from '../../support/memory-log.ts';

const INTERVALS = { pollMs: 1, countMs: 1, reconcileMs: 1 };

/** All streams read; a project has answered 404 after the step of that number. */
function withGoneProject(after: number) {
  const streams = createStreams(
    catalog.map((definition) => ({ definition, intervals: INTERVALS })),
    'month',
    0,
  );
  for (const live of streams.values()) live.row = { ...live.row, complete: true };
  const projects = streams.get('projects')!;
  projects.row = { ...projects.row, confirmed: [7] };
  projects.memory = { ...projects.memory, confirmedSince: after };
  return {
    streams,
    projects,
    below: ['user_assignments', 'task_assignments', 'time_entries', 'expenses'].map((name) => streams.get(name)!),
  };
}

/** Their last scans began with the step of that number. */
function scannedFrom(step: number, streams: readonly StreamRuntime[]): void {
  for (const stream of streams) stream.memory = { ...stream.memory, scannedFrom: step };
}

describe('a project that is gone [P8]', () => {
  test('waits for a scan of every list below it that began after its 404: an entry may have moved away before', () => {
    const { projects, below } = withGoneProject(5);
    scannedFrom(5, below);
    expect(below.map(isAwaited)).toEqual([true, true, true, true]);
    expect(isRemovalReady(projects)).toBe(false);
    scannedFrom(6, below);
    expect(below.some(isAwaited)).toBe(false);
    expect(isRemovalReady(projects)).toBe(true);
  });

  test('whose 404 was committed in doubt waits for a scan that began after the log was read back', () => {
    const { streams, projects, below } = withGoneProject(0);
    scannedFrom(9, below);
    const rows = new Map([...streams].map(([name, { row }]) => [name, JSON.parse(JSON.stringify(row))]));
    takeState(streams, { rows, broken: new Map(), records: 0, maxValueBytes: new Map() }, 'month', 0, 12);
    expect(isRemovalReady(projects)).toBe(false);
    scannedFrom(13, below);
    expect(isRemovalReady(projects)).toBe(true);
  });

  test('does not wait for a list that cannot be read, and leaves it alone', () => {
    const { streams, projects, below } = withGoneProject(5);
    scannedFrom(6, below);
    const expenses = streams.get('expenses')!;
    scannedFrom(-1, [expenses]);
    expect(isRemovalReady(projects)).toBe(false);
    expenses.row = { ...expenses.row, state: 'FORBIDDEN' };
    expect(isRemovalReady(projects)).toBe(true);
  });

  test('waits for a person while it is held, and for nobody while it cannot be read', () => {
    const { projects, below } = withGoneProject(5);
    scannedFrom(6, below);
    const hold = { kind: 'cascade', reason: 'too much', since: '2026-11-21T06:30:00Z', released: false } as const;
    projects.row = { ...projects.row, hold };
    expect(isRemovalReady(projects)).toBe(false);
    projects.row = { ...projects.row, hold: { ...hold, released: true } };
    expect(isRemovalReady(projects)).toBe(true);
    projects.row = { ...projects.row, state: 'FORBIDDEN' };
    expect(isRemovalReady(projects)).toBe(false);
  });
});

test('a record whose parent is not on its topic is asked for all the same: a list may have had a gap [P8]', async () => {
  const { simulator, pass } = account();
  pass(3_600_000);
  const { streams } = withGoneProject(0);
  const live = streams.get('task_assignments')!;
  const [record] = simulator.data.task_assignments.all();
  live.index.set(record!.id, { hash: 1, updatedAt: 1_000, group: record!.project_id, day: null });
  live.row = { ...live.row, candidates: [record!.id] };
  const projects = streams.get('projects')!;
  projects.row = { ...projects.row, confirmed: [], synced_to: '2026-11-21T06:30:00Z' };
  expect(projects.index.size).toBe(0);
  const settings = settingsOf(simulator);
  const signal = new AbortController().signal;
  const source = simulatedSource(simulator);
  const context = {
    source,
    codec: testCodec(),
    settings,
    signal,
    now: () => simulator.now(),
    streams,
    stepsBegun: () => 9,
    once: true,
  };
  const claim = new Claims(clockOf(simulator)).give({
    ...{ runtime: live, task: { kind: 'confirm' }, keepsPace: true },
  })!;
  const result = await confirmStep(claim, context);
  expect(result.diffs.get(live)!.published).toMatchObject({ d: 0 });
  expect(result.memory.confirmedSince).toBe(0);
});

test('children that too many parents no longer list at once are held until they are released [P8]', async () => {
  const { simulator } = account();
  const log = new MemoryLog();
  const settings = { hold: { share: 0, atLeast: 2 } };
  const streams = ['company', 'invoices', 'invoice_messages'];
  await benchAccount(simulator, log, { settings, streams }).catchUp();
  const before = log.history.length;
  for (const { id } of simulator.data.invoice_messages.all().slice(0, 6)) simulator.data.invoice_messages.delete(id);
  const scanAgain = () => log.rows.set('invoice_messages', { ...log.rows.get('invoice_messages')!, scanned_at: null });
  scanAgain();
  const held = benchAccount(simulator, log, { settings, streams });
  await held.catchUp();
  const states = () => held.account.status().streams.map(({ stream, state }) => `${stream} ${state}`);
  expect(states()).toContain('invoice_messages HELD');
  expect(log.history.slice(before).filter(({ op }) => op === 'd').length).toBeLessThanOrEqual(2);

  const signal = {
    id: 'o',
    kind: 'release',
    stream: 'invoice_messages',
    to: null,
    at: '2026-11-21T06:30:00Z',
  } as const;
  log.signals.set('o', signal);
  const released = benchAccount(simulator, log, { settings, streams });
  await released.catchUp();
  expect(await viewDifferences(simulator, log, ['invoice_messages'])).toEqual([]);
  const after = released.account.status().streams.find(({ stream }) => stream === 'invoice_messages')!;
  expect(after.state).toBe('RUNNING');
});

test('children of a deleted parent go with it while they cannot be read themselves: nobody would ask for them again [P8]', async () => {
  const { simulator } = account();
  const log = new MemoryLog();
  const streams = ['company', 'invoices', 'invoice_messages'];
  await benchAccount(simulator, log, { streams }).catchUp();
  const { invoice_id } = simulator.data.invoice_messages.all()[0]!;
  const faults = simulator.faults.add({ match: { stream: 'invoice_messages' }, do: { kind: 'status', status: 403 } });
  simulator.data.invoices.delete(invoice_id);
  log.rows.set('invoice_messages', { ...log.rows.get('invoice_messages')!, scanned_at: null });
  const during = benchAccount(simulator, log, { streams });
  await during.catchUp();
  expect(during.account.status().streams.find(({ stream }) => stream === 'invoice_messages')!.state).toBe('FORBIDDEN');
  faults();
  await benchAccount(simulator, log, { streams }).catchUp();
  expect(await viewDifferences(simulator, log, streams)).toEqual([]);
});
