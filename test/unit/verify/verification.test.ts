// The comparison against the simulator in process and a log that the real engine has filled.
import { describe, expect, test } from 'vitest';
import { createSimulator, type Simulator, type SimulatorOptions } from '../../../lab/simulator/index.ts';
import { catalog } from '../../../src/streams/catalog.ts';
import { benchAccount } from '../../support/account.ts';
import { streamNamed, testCodec } from '../../support/codec.ts';
import { EPOCH } from '../../support/epoch.ts';
import { freeEntries } from '../../support/free-entries.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { verified } from '../../support/verification.ts';

const codec = testCodec();

interface Published {
  readonly simulator: Simulator;
  readonly log: MemoryLog;
  /** Moves the account's clock, which otherwise stands still. */
  pass(ms: number): void;
  /** `run --once`. */
  catchUp(): Promise<void>;
}

/** A small account whose topics are equal to it. No timer runs, unless the test is about timers. */
async function published(options: SimulatorOptions & { readonly timers?: boolean } = {}): Promise<Published> {
  let now = EPOCH;
  const simulator = createSimulator({
    timeEntries: 200,
    years: 0.4,
    budgets: { general: null, reports: null },
    now: () => now,
    ...options,
  });
  const { time_entries } = simulator.data;
  for (const { id, timer_started_at } of options.timers ? [] : time_entries.all()) {
    if (timer_started_at !== null) time_entries.stop(id);
  }
  const log = new MemoryLog();
  const catchUp = () => benchAccount(simulator, log).catchUp();
  await catchUp();
  const pass = (ms: number) => {
    now += ms;
  };
  return { simulator, log, pass, catchUp };
}

/** Appends to a topic behind everybody's back. */
function produce(log: MemoryLog, stream: string, id: number | string, value: Buffer | null, sourceTsMs: number | null) {
  const key = codec.key(streamNamed(stream), id);
  log.topics.get(stream)!.push({ stream, key, value, op: value === null ? 'd' : 'u', sourceTsMs });
}

/** An old version of a record, as its topic might have held it. */
function oldVersion(simulator: Simulator, stream: string, id: number, changes: Record<string, unknown>): Buffer {
  const record = simulator.truth(stream).find((row) => row.id === id)!;
  return codec.encode(streamNamed(stream), { ...record, ...changes }, { accountId: simulator.accountId }).value;
}

const rowIds = (log: MemoryLog, stream: string) =>
  [...log.compacted(stream).values()].map(({ key }) => codec.rowId(streamNamed(stream), key));

describe('after everything was published [P1]', () => {
  test('all 32 streams are equal, every row was compared, and it costs what it says', async () => {
    const { simulator, log } = await published();
    const result = await verified(simulator, log);
    expect(result.differences).toEqual([]);
    expect(result.findings.map(({ stream, state }) => `${stream} ${state}`)).toEqual(
      catalog.map(({ name }) => `${name} compared`),
    );
    for (const { stream, compared, moving } of result.findings) {
      expect({ stream, compared, moving }).toEqual({ stream, compared: log.compacted(stream).size, moving: 0 });
    }
    // And `/company` once more, for its switches.
    expect(result.asked).toBe(result.expected.general + result.expected.reports + 1);
  });

  test('nothing is written and nobody is fenced', async () => {
    const { simulator, log } = await published();
    const before = { messages: log.history.length, rows: JSON.stringify([...log.rows]), epoch: log.epoch };
    await verified(simulator, log);
    expect({ messages: log.history.length, rows: JSON.stringify([...log.rows]), epoch: log.epoch }).toEqual(before);
  });
});

describe('a row that differs is found with its kind [P1]', () => {
  test('missing: tombstones by hand, in lists, streams read whole, below parents and in windows', async () => {
    const { simulator, log } = await published();
    const streams = [
      'company',
      'clients',
      'roles',
      'time_entries',
      'invoice_payments',
      'billable_rates',
      'time_clients',
    ];
    const gone = streams.map((stream) => ({ stream, id: rowIds(log, stream)[0]! }));
    for (const { stream, id } of gone) produce(log, stream, id, null, null);
    expect((await verified(simulator, log)).differences).toEqual(
      gone.map(({ stream, id }) => `${stream} missing ${id}`),
    );
  });

  test('stale: an old value by hand, whatever its header claims, with the fields that differ', async () => {
    const { simulator, log } = await published();
    const [entry] = simulator.data.time_entries.all();
    const [client] = simulator.data.clients.all();
    const future = EPOCH + 86_400_000;
    produce(log, 'time_entries', entry!.id, oldVersion(simulator, 'time_entries', entry!.id, { notes: 'before' }), 0);
    produce(
      log,
      'clients',
      client!.id,
      oldVersion(simulator, 'clients', client!.id, { name: 'X', address: 'Y' }),
      future,
    );
    const result = await verified(simulator, log);
    expect(result.differences).toEqual([`clients stale ${client!.id}`, `time_entries stale ${entry!.id}`]);
    expect(result.of('time_entries').stale).toEqual([{ id: entry!.id, fields: ['notes'] }]);
    expect(result.of('clients').stale[0]!.fields!.toSorted()).toEqual(['address', 'name']);

    const { stale } = (await verified(simulator, log, { only: ['time_entries'], withValues: true })).of('time_entries');
    expect(stale[0]!.values).toEqual({ notes: { harvest: entry!.notes ?? null, topic: 'before' } });
  });

  test('extra: what was deleted in Harvest and is still on the topic, by record, by parent and by window', async () => {
    const { simulator, log } = await published();
    const [expense] = simulator.data.expenses.all();
    const [payment] = simulator.data.invoice_payments.all();
    simulator.data.expenses.delete(expense!.id);
    simulator.data.invoice_payments.delete(payment!.id);
    const only = ['expenses', 'invoice_payments'];
    expect((await verified(simulator, log, { only })).differences).toEqual([
      `expenses extra ${expense!.id}`,
      `invoice_payments extra ${payment!.id}`,
    ]);
    const reports = await verified(simulator, log, { only: ['expenses_team', 'expenses_clients'] });
    expect(reports.findings.every(({ extra, stale }) => extra.length + stale.length > 0)).toBe(true);
  });

  test('extra: the children of a parent that is gone', async () => {
    const { simulator, log } = await published();
    const invoiceId = simulator.data.invoice_payments.all()[0]!.invoice_id;
    const payments = simulator.data.invoice_payments.all().filter(({ invoice_id }) => invoice_id === invoiceId);
    simulator.data.invoices.delete(invoiceId);
    const { of } = await verified(simulator, log, { only: ['invoice_payments'] });
    expect([...of('invoice_payments').extra].sort()).toEqual(payments.map(({ id }) => id).sort());
  });

  test('missing: a parent that was never published, and its children', async () => {
    const { simulator, log } = await published();
    const invoice = simulator.data.invoices.all().find(({ state }) => state === 'open')!;
    const payment = simulator.data.invoice_payments.create({ invoice_id: invoice.id, amount: 0.01 });
    log.topics.set('invoice_payments', []);
    produce(log, 'invoices', invoice.id, null, null);
    const { of } = await verified(simulator, log, { only: ['invoices', 'invoice_payments'] });
    expect(of('invoices').missing).toEqual([invoice.id]);
    expect(of('invoice_payments').missing).toContain(payment.id);
  });

  test('missing: a window of which the topic holds nothing, between others', async () => {
    const { simulator, log } = await published();
    const windows = [...new Set((rowIds(log, 'time_team') as string[]).map((id) => id.slice(0, 10)))].sort();
    const gone = (rowIds(log, 'time_team') as string[]).filter((id) => id.startsWith(windows[1]!));
    for (const id of gone) produce(log, 'time_team', id, null, null);
    const { of } = await verified(simulator, log, { only: ['time_team'] });
    expect(windows.length).toBeGreaterThan(2);
    expect([...of('time_team').missing].sort()).toEqual(gone.sort());
  });
});

test('one mistyped year is one window more to compare: what is recorded says which there are [P1]', async () => {
  const { simulator, log } = await published();
  const { time_entries } = simulator.data;
  const free = freeEntries(simulator);
  time_entries.update(free[0]!.id, { spent_date: '0024-03-01' });
  time_entries.update(free[1]!.id, { spent_date: '2204-10-29' });
  await benchAccount(simulator, log).catchUp();
  const result = await verified(simulator, log, { only: ['time_team', 'uninvoiced'] });
  expect(result.differences).toEqual([]);
  expect(result.asked).toBeLessThan(40);
});

describe('a row that changes while it is looked at [P1]', () => {
  test('and is published before the second look is no difference', async () => {
    const { simulator, log, pass, catchUp } = await published();
    const [entry] = simulator.data.time_entries.all();
    const [invoice] = simulator.data.invoices.all().filter(({ state }) => state === 'open');
    pass(10_000);
    simulator.data.time_entries.update(entry!.id, { notes: 'on second thought' });
    simulator.data.clients.create({ name: 'A new one' });
    simulator.data.invoice_payments.create({ invoice_id: invoice!.id, amount: 0.01 });
    let pauses = 0;
    const result = await verified(simulator, log, {
      only: ['clients', 'time_entries', 'invoices', 'invoice_payments', 'users'],
      meanwhile: async () => {
        if (pauses++ === 0) await catchUp();
      },
    });
    expect(pauses).toBeGreaterThan(0);
    expect(result.differences).toEqual([]);
    expect(result.findings.map(({ moving }) => moving)).toEqual([0, 0, 0, 0, 0]);
  });

  test('and again after that is counted as moving, not as a difference', async () => {
    const { simulator, log, pass } = await published();
    const [entry, other] = simulator.data.time_entries.all();
    const change = (id: number, notes: string) => {
      pass(1_000);
      simulator.data.time_entries.update(id, { notes });
    };
    change(entry!.id, 'once');
    change(other!.id, 'once and for all');
    const result = await verified(simulator, log, {
      only: ['time_entries'],
      meanwhile: () => change(entry!.id, 'twice'),
    });
    expect(result.of('time_entries')).toMatchObject({ moving: 1, missing: [], extra: [] });
    expect(result.differences).toEqual([`time_entries stale ${other!.id}`]);
  });

  test('running timers tick, and are no difference', async () => {
    const { simulator, log, pass, catchUp } = await published({ timers: true });
    const isRunning = (row: Record<string, unknown>) => row.is_running === true;
    expect(simulator.truth('time_entries').some(isRunning)).toBe(true);
    // An hour that turns the month turns monthly budgets as well, and those are published.
    pass(3_600_000);
    await catchUp();
    pass(60_000);
    const result = await verified(simulator, log, { meanwhile: () => pass(3_600_000) });
    expect(result.differences).toEqual([]);
    expect(result.of('time_team').moving).toBeGreaterThan(0);
  });

  test('a row that slips between two pages is seen, because the list is walked again', async () => {
    const { simulator, log, pass } = await published({ timeEntries: 4_300 });
    const newest = simulator.truth('time_entries')[0]!.id as number;
    pass(1_000);
    // After the first page the newest entry goes: every later row moves up by one.
    simulator.faults.add({
      match: { stream: 'time_entries', times: 1 },
      do: { kind: 'after', run: () => simulator.data.time_entries.delete(newest) },
    });
    const result = await verified(simulator, log, { only: ['time_entries'] });
    expect(result.differences).toEqual([]);
    expect(result.asked).toBe(2 * result.expected.general + 1);
  });
});

describe('a stream that Harvest does not answer for [P1]', () => {
  test('is told as such, and is no difference', async () => {
    const { simulator, log } = await published();
    const { faults, data } = simulator;
    faults.add({ match: { stream: 'contacts' }, do: { kind: 'status', status: 403 } });
    faults.add({ match: { stream: 'roles' }, do: { kind: 'status', status: 404 } });
    faults.add({ match: { stream: 'tasks' }, do: { kind: 'status', status: 422 } });
    faults.add({ match: { stream: 'users', path: '/users\\?' }, do: { kind: 'status', status: 500 } });
    Object.assign(data.company, { estimate_feature: false });
    const result = await verified(simulator, log, { meanwhile: () => {} });
    const state = Object.fromEntries(result.findings.map((finding) => [finding.stream, finding.state]));
    expect(state).toMatchObject({
      contacts: 'FORBIDDEN',
      roles: 'FORBIDDEN',
      tasks: 'BLOCKED',
      users: 'failed',
      estimates: 'FEATURE_OFF',
      estimate_messages: 'FEATURE_OFF',
      clients: 'compared',
    });
    expect(result.of('contacts')).toMatchObject({ compared: 0, exit_code: 0, remedy: expect.stringContaining('role') });
    expect(result.of('users').exit_code).toBe(75);
    expect(result.differences.filter((difference) => !difference.startsWith('company '))).toEqual([]);
  });

  test('a parent whose list is refused although it is there is passed over and counted', async () => {
    const { simulator, log } = await published();
    const { id } = simulator.data.users.all()[0]!;
    simulator.faults.add({ match: { path: `/users/${id}/cost_rates` }, do: { kind: 'status', status: 404 } });
    expect((await verified(simulator, log, { only: ['cost_rates'] })).of('cost_rates')).toMatchObject({
      extra: [],
      refused_parents: [String(id)],
    });
  });

  test('has beside it what the daemon says of it', async () => {
    const { simulator, log } = await published();
    log.rows.set('clients', { ...log.rows.get('clients'), state: 'HELD', reason: 'half of it is gone' });
    const { of } = await verified(simulator, log, { only: ['clients', 'users'] });
    expect(of('clients').daemon).toMatchObject({ state: 'HELD', reason: 'half of it is gone', complete: true });
    expect(of('users').daemon).toBeNull();
  });
});

test('records that cannot be values are counted as refused, not as missing [P1]', async () => {
  const { simulator, log, pass, catchUp } = await published();
  const [task] = simulator.data.tasks.all();
  pass(1_000);
  simulator.data.tasks.update(task!.id, { billable_by_default: 'perhaps' as never });
  log.maxValueBytes.set('projects', 1_000);
  const [project] = simulator.data.projects.all();
  simulator.data.projects.update(project!.id, { notes: 'x'.repeat(2_000) });
  await catchUp();
  const result = await verified(simulator, log, { only: ['tasks', 'projects'] });
  expect(result.differences).toEqual([]);
  expect(result.findings.map(({ refused }) => refused)).toEqual([[task!.id], [project!.id]]);
});

test('a row of a report that is too large for its topic is counted as refused, not as missing [P1]', async () => {
  const { simulator } = await published();
  const { time_entries, projects, clients } = simulator.data;
  const [entry] = time_entries.all();
  const { client_id } = projects.find(entry!.project_id);
  clients.update(client_id, { name: 'x'.repeat(2_000) });
  const log = new MemoryLog();
  log.maxValueBytes.set('time_clients', 1_000);
  await benchAccount(simulator, log, { streams: ['company', 'time_entries', 'time_clients'] }).catchUp();
  const { differences, of } = await verified(simulator, log, { only: ['time_clients'] });
  expect(differences).toEqual([]);
  const { refused } = of('time_clients');
  expect(refused.length).toBeGreaterThan(0);
  for (const id of refused) expect(String(id).split('|')[2]).toBe(String(client_id));
});

test('a start date bounds the lists as it bounds the snapshot [P1]', async () => {
  const { simulator, log } = await published({ years: 2 });
  const dates = simulator.truth('time_entries').map((row) => String(row.updated_at).slice(0, 10));
  const startDate = dates.sort()[dates.length / 2]!;
  const bounded = new MemoryLog();
  await benchAccount(simulator, bounded, { settings: { startDate }, streams: ['time_entries'] }).catchUp();
  expect(bounded.compacted('time_entries').size).toBeLessThan(log.compacted('time_entries').size);
  const settings = { accountId: simulator.accountId, startDate, endDate: null, grain: 'month' } as const;
  expect((await verified(simulator, bounded, { only: ['time_entries'], settings })).differences).toEqual([]);
  expect((await verified(simulator, bounded, { only: ['time_entries'] })).of('time_entries').missing).not.toEqual([]);
});

describe('a sample [P1]', () => {
  test('of an equal account is equal, and costs a few requests a stream', async () => {
    const { simulator, log } = await published();
    const result = await verified(simulator, log, { sample: 3 });
    expect(result.differences).toEqual([]);
    // Rows that are drawn may share a parent or a window.
    expect(result.asked).toBeLessThanOrEqual(result.expected.general + result.expected.reports + 1);
    expect(result.expected.general).toBeLessThanOrEqual(22 * 4);
    expect(result.of('time_entries')).toMatchObject({ compared: 3, count: { harvest: 200, topic: 200 } });
  });

  test('of lists without totals counts nothing, and calls nothing different for it', async () => {
    const { simulator, log } = await published();
    simulator.settings.totals = 'absent';
    const result = await verified(simulator, log, { only: ['time_entries', 'clients'], sample: 3 });
    expect(result.differences).toEqual([]);
    expect(result.of('time_entries')).toMatchObject({ state: 'compared', compared: 3, count: null });
  });

  test('finds a stale row that is drawn, and by the counts a missed deletion that is not', async () => {
    const { simulator, log } = await published();
    const [drawn] = rowIds(log, 'time_entries');
    const deleted = freeEntries(simulator).find(({ id }) => id !== drawn)!;
    produce(
      log,
      'time_entries',
      drawn!,
      oldVersion(simulator, 'time_entries', drawn as number, { notes: 'before' }),
      null,
    );
    simulator.data.time_entries.delete(deleted.id);
    const random = () => 0.999_999;
    const all = rowIds(log, 'time_entries').length;
    const result = await verified(simulator, log, { only: ['time_entries'], sample: all - 1, random });
    expect(result.differences).toContain(`time_entries stale ${drawn}`);
    const cheap = await verified(simulator, log, { only: ['time_entries'], sample: 1, random });
    expect(cheap.differences).toContain('time_entries counts 199/200');
  });
});
