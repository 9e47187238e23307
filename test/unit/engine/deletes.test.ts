// Deletions, found and proved: the real engine and client against the simulator in process.
import { describe, expect, test } from 'vitest';
import { Dice, removeRows, type Simulator, seededRandom } from '../../../lab/simulator/index.ts';
import type { Transport } from '../../../src/harvest/transport.ts';
import { account, benchAccount, falseChanges, inProcess, named, viewDifferences } from '../../support/account.ts';
import { freeEntries } from '../../support/free-entries.ts';
import { MemoryLog } from '../../support/memory-log.ts';

const DELETABLE = [
  'clients',
  'contacts',
  'tasks',
  'time_entries',
  'expenses',
  'invoices',
  'estimates',
  'roles',
  'invoice_item_categories',
  'user_assignments',
  'task_assignments',
  'invoice_payments',
  'estimate_messages',
] as const;
type Deletable = (typeof DELETABLE)[number];

/** The messages since `from`, as `d clients`. */
function published(log: MemoryLog, from: number): string[] {
  return log.history.slice(from).map(({ stream, op }) => `${op} ${stream}`);
}

function requestsSince(simulator: Simulator, from: number): string[] {
  return simulator.log
    .all()
    .slice(from)
    .map(({ target }) => target);
}

/** The accounts of these tests have a client and a task that nothing hinders from going, and no timer that ticks. */
/** Deletes the newest records that Harvest lets go, and tells how many. */
function deleteSome(simulator: Simulator, stream: Deletable, count: number): number {
  const table = simulator.data[stream];
  let deleted = 0;
  for (const { id } of [...table.all()].reverse()) {
    if (deleted === count) break;
    try {
      table.delete(id);
      deleted++;
    } catch {
      // Others still need this one.
    }
  }
  return deleted;
}

async function synced(options: Parameters<typeof account>[0] = {}, streams?: readonly string[]) {
  const { simulator, pass } = account(options);
  const { clients, tasks, time_entries } = simulator.data;
  clients.create({ name: 'to be deleted' });
  tasks.create({ name: 'to be deleted' });
  for (const { id, timer_started_at } of time_entries.all()) if (timer_started_at !== null) time_entries.stop(id);
  const log = new MemoryLog();
  await benchAccount(simulator, log, streams ? { streams } : {}).catchUp();
  pass(1_000);
  return { simulator, pass, log, before: log.history.length };
}

describe('a record that was deleted', () => {
  test('leaves a tombstone, in every stream that Harvest deletes from [P8]', async () => {
    const { simulator, log, before } = await synced();
    for (const stream of DELETABLE) expect(deleteSome(simulator, stream, 1), stream).toBe(1);
    // The parents of messages and payments do not move with a deletion: the slow scan finds it.
    for (const stream of ['estimate_messages', 'invoice_payments', 'invoice_messages']) {
      log.rows.set(stream, { ...log.rows.get(stream)!, scanned_at: null });
    }
    await benchAccount(simulator, log).catchUp();
    const deletions = published(log, before).filter((what) => what.startsWith('d '));
    expect(deletions).toEqual(expect.arrayContaining(DELETABLE.map((stream) => `d ${stream}`)));
    expect(await viewDifferences(simulator, log)).toEqual([]);
    expect(falseChanges(log)).toEqual([]);
  });

  test('takes what belonged to it along, in the same transaction: project, invoice, client, user, estimate [P8]', async () => {
    const { simulator, log, before } = await synced({ timeEntries: 600 });
    const { data } = simulator;
    const counts = new Map<number, number>();
    for (const { project_id } of data.time_entries.all()) counts.set(project_id, (counts.get(project_id) ?? 0) + 1);
    const [project] = [...counts].sort((a, b) => a[1] - b[1])[0]!;
    data.projects.delete(project);
    const invoice = data.invoice_messages.all()[0]!.invoice_id;
    data.invoices.delete(invoice);
    await benchAccount(simulator, log, { settings: { hold: { share: 0.5, atLeast: 500 } } }).catchUp();
    expect(published(log, before)).toEqual(
      expect.arrayContaining([
        'd projects',
        'd time_entries',
        'd user_assignments',
        'd invoices',
        'd invoice_messages',
      ]),
    );
    expect(await viewDifferences(simulator, log)).toEqual([]);
  });

  test('is found although another was created in the same interval [P8]', async () => {
    const { simulator, log, before } = await synced();
    const { tasks } = simulator.data;
    const fresh = tasks.create({ name: 'only just made' });
    const unused = tasks.create({ name: 'and gone' });
    await benchAccount(simulator, log).catchUp();
    tasks.delete(unused.id);
    tasks.create({ name: 'instead' });
    await benchAccount(simulator, log, { settings: { overlapMs: 300_000 } }).catchUp();
    expect(published(log, before).filter((what) => what.endsWith(' tasks'))).toEqual([
      'c tasks',
      'c tasks',
      'c tasks',
      'd tasks',
    ]);
    expect(tasks.get(fresh.id)).toBeDefined();
    expect(await viewDifferences(simulator, log, ['tasks'])).toEqual([]);
  });

  test('among many costs few requests: days are halved, not walked [P8]', async () => {
    const streams = ['projects', 'time_entries'];
    const { simulator, log, before } = await synced({ timeEntries: 16_000 }, streams);
    const entries = freeEntries(simulator);
    simulator.data.time_entries.delete(entries[Math.floor(entries.length / 3)]!.id);
    const asked = simulator.log.all().length;
    await benchAccount(simulator, log, { streams }).catchUp();
    expect(published(log, before)).toContain('d time_entries');
    const requests = requestsSince(simulator, asked).filter((target) => target.includes('time_entries'));
    // Changes, count check, four halvings of nine pages, the page, the 404; changes and a count check that adds up.
    expect(requests.length).toBeLessThanOrEqual(11);
  });

  test('like many others all over a list costs no more than reading it: nothing is halved', async () => {
    const streams = ['projects', 'time_entries'];
    const { simulator, log, before } = await synced({ timeEntries: 16_000 }, streams);
    const asked = simulator.log.all().length;
    const gone = removeRows(simulator.data, { stream: 'time_entries', count: 40 }, new Dice(seededRandom(40)));
    await benchAccount(simulator, log, { streams }).catchUp();
    expect(published(log, before).filter((what) => what === 'd time_entries')).toHaveLength(gone.length);
    const requests = requestsSince(simulator, asked).filter((target) => target.includes('time_entries'));
    expect(requests.filter((target) => /per_page=1\b/.test(target) && /[?&](from|to)=/.test(target))).toEqual([]);
    // Changes, count check, nine or ten pages, the 404s; changes and a count check that adds up.
    expect(requests.length).toBeLessThanOrEqual(gone.length + 14);
  });
});

describe('too much missing at once', () => {
  test('is held, said, and deleted when a person releases it [P8 P9]', async () => {
    const { simulator, log, before } = await synced({ timeEntries: 600 });
    expect(deleteSome(simulator, 'time_entries', 200)).toBe(200);
    const held = benchAccount(simulator, log);
    await held.catchUp();
    expect(published(log, before)).not.toContain('d time_entries');
    const status = held.account.status().streams.find(({ stream }) => stream === 'time_entries')!;
    expect(status).toMatchObject({ state: 'HELD', backlog: { missing: 200 } });
    expect(status.remedy).toContain('harvest-kafka release');
    expect(named(held.events, 'stream.changed')).toContainEqual(
      expect.objectContaining({ stream: 'time_entries', to: 'HELD' }),
    );

    const signal = { id: 'o1', kind: 'release', stream: 'time_entries', to: null, at: '2026-11-21T06:30:00Z' } as const;
    log.signals.set(signal.id, signal);
    const released = benchAccount(simulator, log);
    await released.catchUp();
    expect(log.signals.size).toBe(0);
    expect(published(log, before).filter((what) => what === 'd time_entries')).toHaveLength(200);
    expect(await viewDifferences(simulator, log)).toEqual([]);
    expect(named(released.events, 'stream.changed')).toContainEqual(
      expect.objectContaining({ stream: 'time_entries', from: 'HELD', to: 'RUNNING' }),
    );
  });

  test('because a role shrank loses nothing, in lists and reports, and ends by itself when the role is back [P8]', async () => {
    const { simulator, pass, log, before } = await synced({ timeEntries: 2_000 });
    simulator.settings.role = 'member';
    const held = benchAccount(simulator, log);
    await held.catchUp();
    for (let round = 0; round < 3; round++) {
      pass(86_400_000);
      await benchAccount(simulator, log).catchUp();
    }
    expect(published(log, before).filter((what) => what.startsWith('d '))).toEqual([]);
    const states = Object.fromEntries(held.account.status().streams.map(({ stream, state }) => [stream, state]));
    expect(states).toMatchObject({ time_entries: 'HELD', clients: 'FORBIDDEN' });

    simulator.settings.role = 'administrator';
    pass(600_000);
    const recovered = benchAccount(simulator, log);
    await recovered.catchUp();
    expect(await viewDifferences(simulator, log)).toEqual([]);
    expect(recovered.account.status().streams.filter(({ state }) => state !== 'RUNNING')).toEqual([]);
  });
});

test('rows that were hidden from a small list, and passed for deleted, are back after one run: none waits for another count', async () => {
  const { simulator, pass, log, before } = await synced();
  simulator.settings.role = 'member';
  await benchAccount(simulator, log).catchUp();
  expect(published(log, before)).toContain('d expenses');
  simulator.settings.role = 'administrator';
  pass(600_000);
  await benchAccount(simulator, log).catchUp();
  expect(await viewDifferences(simulator, log)).toEqual([]);
});

test.each([
  { how: 'by themselves', isReleased: false },
  { how: 'when the holds were released as well', isReleased: true },
])(
  'report rows that left or shrank while their lists were hidden are back with them, $how [P8]',
  async ({ isReleased }) => {
    const { simulator, pass, log, before } = await synced();
    const { data, settings } = simulator;
    settings.hiddenRecord = 'forbidden';
    settings.role = 'member';
    const own = data.expenses.all().filter(({ user_id }) => user_id === data.me().id);
    for (const { id } of own) data.expenses.update(id, { notes: 'seen by the one who made it' });
    await benchAccount(simulator, log).catchUp();
    expect(published(log, before)).not.toContain('d expenses');
    expect(published(log, before)).toContain('d expenses_clients');
    settings.role = 'administrator';
    pass(600_000);
    const at = '2026-11-21T06:30:00Z';
    for (const stream of isReleased ? ['expenses', 'time_entries'] : []) {
      log.signals.set(stream, { id: stream, kind: 'release', stream, to: null, at });
    }
    await benchAccount(simulator, log).catchUp();
    expect(await viewDifferences(simulator, log)).toEqual([]);
  },
);

test('a role that is small for one answer and back for the counts takes no row from the project budgets [P8]', async () => {
  const { simulator, log, before } = await synced();
  const rows = log.history.filter(({ stream }) => stream === 'project_budget').length;
  const answer = inProcess(simulator);
  const purposes: string[] = [];
  const one: Transport = async (request, signal) => {
    const isBudget = request.url.includes('/reports/project_budget');
    simulator.settings.role = isBudget && purposes.length === 0 ? 'member' : 'administrator';
    const given = await answer(request, signal);
    if (isBudget) purposes.push(simulator.settings.role);
    return given;
  };
  // One after the other, so that the role is that of one answer alone.
  let turn: Promise<unknown> = Promise.resolve();
  const transport: Transport = (request, signal) => {
    const given = turn.then(() => one(request, signal));
    turn = given.catch(() => {});
    return given;
  };
  await benchAccount(simulator, log, { source: { transport } }).catchUp();
  expect(rows).toBeGreaterThan(2);
  expect(purposes).toEqual(['member', 'administrator']);
  expect(published(log, before)).not.toContain('d project_budget');
  expect(await viewDifferences(simulator, log)).toEqual([]);
});

test('project budgets that left because the lists they are made of miss too much are held for that reason, and say so [P9]', async () => {
  const { simulator, log } = await synced();
  simulator.settings.role = 'member';
  const bench = benchAccount(simulator, log);
  await bench.catchUp();
  const held = bench.account.status().streams.find(({ stream }) => stream === 'project_budget')!;
  expect(held.state).toBe('HELD');
  expect(held.reason).toMatch(/^rows left this report while rows of the lists it is made from are missing too/);
  expect(held.remedy).toContain(`harvest-kafka release project_budget --account ${simulator.accountId}`);
});

/** Streams that a deleted project reaches in the same pass; others that show it (line items, a person's projects) have their slow scan. */
const AT_ONCE = [
  'projects',
  'time_entries',
  'expenses',
  'user_assignments',
  'task_assignments',
  'time_team',
  'uninvoiced',
];

describe('a record whose parent is deleted', () => {
  test('stays when it had moved to another parent before [P8]', async () => {
    const { simulator, log, before } = await synced();
    const { projects, time_entries, user_assignments } = simulator.data;
    const entry = freeEntries(simulator)[0]!;
    const old = entry.project_id;
    const other = user_assignments
      .all()
      .find(
        ({ user_id, project_id, is_active }) =>
          user_id === entry.user_id && project_id !== old && is_active && projects.expect(project_id).is_active,
      );
    const task = simulator.data.task_assignments.byProject.of(other!.project_id).find(({ is_active }) => is_active)!;
    time_entries.update(entry.id, { project_id: other!.project_id, task_id: task.task_id });
    projects.delete(old);
    const generous = { hold: { share: 1, atLeast: 10_000 } };
    await benchAccount(simulator, log, { settings: generous }).catchUp();
    expect(published(log, before)).toContain('d projects');
    expect(await viewDifferences(simulator, log, AT_ONCE)).toEqual([]);
    expect(falseChanges(log)).toEqual([]);
  });

  test('is held with it when that is too much at once, and goes with it when released [P8]', async () => {
    const { simulator, log, before } = await synced({ timeEntries: 2_000 });
    const counts = new Map<number, number>();
    for (const { project_id } of simulator.data.time_entries.all())
      counts.set(project_id, (counts.get(project_id) ?? 0) + 1);
    const [project, entries] = [...counts].sort((a, b) => b[1] - a[1])[0]!;
    expect(entries).toBeGreaterThan(100);
    simulator.data.projects.delete(project);
    const held = benchAccount(simulator, log);
    await held.catchUp();
    expect(published(log, before).filter((what) => /^d (projects|time_entries)/.test(what))).toEqual([]);
    const states = Object.fromEntries(held.account.status().streams.map(({ stream, state }) => [stream, state]));
    expect(states.projects === 'HELD' || states.time_entries === 'HELD').toBe(true);

    for (const stream of ['projects', 'time_entries']) {
      log.signals.set(stream, { id: stream, kind: 'release', stream, to: null, at: '2026-11-21T06:30:00Z' });
    }
    await benchAccount(simulator, log).catchUp();
    expect(await viewDifferences(simulator, log, AT_ONCE)).toEqual([]);
  });

  test('whose list answers 404 is looked at: the parent is gone, and its rows with it [P8]', async () => {
    const { simulator, log, before } = await synced();
    const message = simulator.data.invoice_messages.all().at(-1)!;
    simulator.data.invoices.delete(message.invoice_id);
    log.rows.set('invoice_messages', { ...log.rows.get('invoice_messages')!, scanned_at: null });
    await benchAccount(simulator, log).catchUp();
    expect(published(log, before)).toEqual(expect.arrayContaining(['d invoices', 'd invoice_messages']));
    expect(await viewDifferences(simulator, log, ['invoices', 'invoice_messages', 'invoice_payments'])).toEqual([]);
  });
});

test('a record that may not be asked for is never deleted, and held [P8]', async () => {
  const { simulator, log, before } = await synced();
  expect(deleteSome(simulator, 'tasks', 1)).toBe(1);
  const restore = simulator.faults.add({ match: { path: '/tasks/\\d+$' }, do: { kind: 'status', status: 403 } });
  const held = benchAccount(simulator, log, { streams: ['tasks'] });
  await held.catchUp();
  expect(published(log, before)).not.toContain('d tasks');
  expect(held.account.status().streams[0]).toMatchObject({ state: 'HELD', reason: expect.stringContaining('403') });
  restore();
  const later = benchAccount(simulator, log, { streams: ['tasks'] });
  await later.catchUp();
  expect(published(log, before)).toContain('d tasks');
  expect(later.account.status().streams[0]).toMatchObject({ state: 'RUNNING' });
});
