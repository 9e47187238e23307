// Harvest changes its schema while processes come and go: each change is told once per stream and field, with what to do.
import { expect, test } from 'vitest';
import { createSimulator, type Simulator } from '../../../lab/simulator/index.ts';
import type { CodecOptions } from '../../../src/codec/codec.ts';
import type { PublisherEvent } from '../../../src/engine/events.ts';
import { benchAccount, viewDifferences } from '../../support/account.ts';
import { EPOCH } from '../../support/epoch.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { evidenceOf } from '../../support/oracle.ts';

type Notice = Extract<PublisherEvent, { name: 'drift.seen' }>;

const STREAMS = ['company', 'clients', 'tasks', 'users', 'projects', 'time_entries', 'invoices'];

function scene(codec: Partial<CodecOptions> = {}): {
  simulator: Simulator;
  log: MemoryLog;
  pass: (ms: number) => void;
  /** A new process catches up; what it says about drift, and how often it counted it. */
  restart: () => Promise<{ notices: Notice[]; counted: Record<string, number> }>;
} {
  let now = EPOCH;
  const budgets = { general: null, reports: null };
  const simulator = createSimulator({ timeEntries: 100, budgets, now: () => now });
  const log = new MemoryLog();
  return {
    simulator,
    log,
    pass: (ms) => {
      now += ms;
    },
    restart: async () => {
      now += 1000;
      const bench = benchAccount(simulator, log, { streams: STREAMS, codec });
      await bench.catchUp();
      const notices = bench.events.filter((event): event is Notice => event.name === 'drift.seen');
      const counted: Record<string, number> = {};
      for (const event of bench.events) {
        if (event.name !== 'page.committed') continue;
        for (const { kind, field, count } of event.drift) {
          const name = `${event.stream} ${kind} ${field}`;
          counted[name] = (counted[name] ?? 0) + count;
        }
      }
      return { notices, counted };
    },
  };
}

function named({ stream, kind, field }: Pick<Notice, 'stream' | 'kind' | 'field'>): string {
  return `${stream} ${kind} ${field}`;
}

test('a snapshot learns in silence which fields can be null [P7]', async () => {
  const { log, restart } = scene();
  expect((await restart()).notices).toEqual([]);
  expect(log.rows.get('clients')).toMatchObject({ nulls: expect.arrayContaining(['address']) });
  expect((await restart()).notices).toEqual([]);
});

test('a stream that is read from the beginning again learns in silence again [P7]', async () => {
  const { simulator, log, restart } = scene();
  await restart();
  const [client] = simulator.data.clients.all();
  simulator.data.clients.update(client!.id, { currency: null as never });
  log.empty('clients');
  expect((await restart()).notices.filter(({ stream }) => stream === 'clients')).toEqual([]);
  expect(log.rows.get('clients')).toMatchObject({ nulls: expect.arrayContaining(['address', 'currency']) });
});

test('a null where none was is told once, is published, and learned [P7]', async () => {
  const { simulator, log, restart } = scene();
  await restart();
  const [one, other] = simulator.data.clients.all();
  simulator.data.clients.update(one!.id, { currency: null as never });
  const { notices } = await restart();
  expect(notices.map(named)).toContain('clients unexpected_null currency');
  expect(notices.filter(({ stream }) => stream === 'clients')).toHaveLength(1);
  expect(await viewDifferences(simulator, log, ['clients'])).toEqual([]);
  simulator.data.clients.update(other!.id, { currency: null as never });
  expect((await restart()).notices).toEqual([]);
});

test('an unknown member is told once, with the field that would hold it, and counted at every read [P7]', async () => {
  const { simulator, log, restart } = scene();
  await restart();
  const members = { vat_id: 'ATU1234', contact: { name: 'Ada Lovelace', id: 7 }, later: null as unknown };
  simulator.settings.unknownMembers = members;
  const touched = simulator.data.clients.all().slice(0, 3);
  for (const { id } of touched) simulator.data.clients.update(id, {});
  const first = await restart();
  const notices = first.notices.filter(({ stream }) => stream === 'clients');
  expect(notices.map(({ field }) => field).sort()).toEqual(['contact', 'vat_id']);
  expect(notices.find(({ field }) => field === 'vat_id')).toMatchObject({
    kind: 'unknown_member',
    shape: 'string',
    avro: { name: 'vat_id', type: ['null', 'string'], default: null },
    into: 'Value',
  });
  expect(notices.find(({ field }) => field === 'contact')!.shape).toEqual({ name: 'string', id: 'integer' });
  expect(JSON.stringify(log.notifications)).not.toMatch(/ATU1234|Lovelace/);
  const again = await restart();
  expect(again.notices).toEqual([]);
  for (const { counted } of [first, again]) {
    expect(counted['clients unknown_member vat_id']).toBeGreaterThanOrEqual(3);
    expect(counted['clients unknown_member later']).toBe(counted['clients unknown_member vat_id']);
  }
  // Its type shows at last.
  members.later = '2024-02-29';
  expect((await restart()).notices.map(named)).toContain('clients unknown_member later');
  expect((await restart()).notices).toEqual([]);
});

test('a type that the schema does not take is told once per field, its records go to the dead letters each [P7]', async () => {
  const { simulator, log, restart } = scene();
  await restart();
  const [one, other] = simulator.data.tasks.all();
  simulator.data.tasks.update(one!.id, { billable_by_default: 'perhaps' as never });
  const first = await restart();
  expect(first.notices.filter(({ stream }) => stream === 'tasks')).toEqual([
    expect.objectContaining({
      kind: 'new_type',
      field: 'billable_by_default',
      shape: 'string',
      expected: 'a boolean',
      avro: null,
    }),
  ]);
  simulator.data.tasks.update(other!.id, { billable_by_default: 'rarely' as never });
  const second = await restart();
  expect(second.notices).toEqual([]);
  for (const { counted } of [first, second]) expect(counted['tasks new_type billable_by_default']).toBe(1);
  expect(log.deadLetters.map(({ key }) => key)).toEqual([String(one!.id), String(other!.id)]);
  const refusals = log.notifications.filter(({ body }) => body.event === 'record.refused');
  expect(refusals).toHaveLength(2);
  expect(refusals[0]!.body.shape).toMatchObject({ id: 'integer', name: 'string', billable_by_default: 'string' });
  expect(JSON.stringify(log.notifications)).not.toMatch(/perhaps|rarely/);
});

test('a refused record that converts again is forgotten, and refused anew when it comes back [P7]', async () => {
  const { simulator, log, restart } = scene();
  const [task] = simulator.data.tasks.all();
  const given = task!.billable_by_default;
  simulator.data.tasks.update(task!.id, { billable_by_default: 'perhaps' as never });
  await restart();
  expect(Object.keys(log.rows.get('tasks')!.refused as object)).toEqual([String(task!.id)]);
  simulator.data.tasks.update(task!.id, { billable_by_default: given });
  await restart();
  expect(log.rows.get('tasks')!.refused).toEqual({});
  expect(await viewDifferences(simulator, log, ['tasks'])).toEqual([]);
  simulator.data.tasks.update(task!.id, { billable_by_default: 'perhaps' as never });
  await restart();
  expect(log.deadLetters).toHaveLength(2);
});

test('notices go out in the transaction of the records they speak of, also when its outcome was lost [P7]', async () => {
  const { simulator, log, restart, pass } = scene();
  await restart();
  simulator.settings.unknownMembers = { vat_id: 'ATU1' };
  for (const { id } of simulator.data.clients.all()) simulator.data.clients.update(id, {});
  pass(1000);
  const bench = benchAccount(simulator, log, { streams: STREAMS });
  const fates = ['lost', 'reply lost', 'lost', 'reply lost'] as const;
  let commits = 0;
  bench.sink.fate = () => fates[commits++] ?? 'acknowledged';
  await bench.catchUp();
  const told = log.notifications.filter(({ body }) => body.event === 'drift.seen').map(({ stream }) => stream);
  expect(told).toContain('clients');
  expect(new Set(told).size).toBe(told.length);
});

test.each(['on_change', 'every_poll'] as const)(
  'the ticking of a timer is published as asked (%s); its stop always is, with the last hours',
  async (runningTimers) => {
    const { simulator, log, pass, restart } = scene({ runningTimers });
    const { time_entries } = simulator.data;
    for (const { id, timer_started_at } of time_entries.all()) if (timer_started_at !== null) time_entries.stop(id);
    const [entry] = time_entries.all();
    time_entries.restart(entry!.id);
    await restart();
    const versions = () => log.history.filter(({ stream }) => stream === 'time_entries').length;
    const before = versions();
    pass(120_000);
    await restart();
    const ticked = runningTimers === 'every_poll' ? 1 : 0;
    expect(versions()).toBe(before + ticked);
    // The judge leaves ticking hours out: they are looked at by themselves.
    const evidence = evidenceOf(log);
    const last = evidence.history.findLast(({ stream }) => stream === 'time_entries')!;
    const shown = simulator.truth('time_entries').find(({ id }) => id === entry!.id)!;
    expect(Number((await evidence.decode(last)).value.hours) === shown.hours).toBe(ticked === 1);
    expect(await viewDifferences(simulator, log, ['time_entries'])).toEqual([]);
    pass(120_000);
    time_entries.stop(entry!.id);
    await restart();
    expect(versions()).toBe(before + ticked + 1);
    expect(await viewDifferences(simulator, log, ['time_entries'])).toEqual([]);
  },
);
