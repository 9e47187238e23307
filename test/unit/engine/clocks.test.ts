// The publisher's wall clock is off, or somebody sets it while everything runs: nothing is lost, and nothing sleeps until the
// clock is where it was.
import { describe, expect, test } from 'vitest';
import { createSimulator, type Simulator } from '../../../lab/simulator/index.ts';
import { falseChanges, type VirtualBench, viewDifferences, virtualBench } from '../../support/account.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const STREAMS = ['company', 'clients', 'projects', 'tasks', 'users', 'invoices', 'invoice_messages', 'time_entries'];
const REPORTS = ['expenses', 'expense_categories', 'time_clients'];

interface World {
  readonly clock: VirtualClock;
  readonly simulator: Simulator;
  readonly log: MemoryLog;
  bench(): VirtualBench;
}

/** Harvest's own clock is right: only the publisher's can be set. */
function world(): World {
  const clock = new VirtualClock();
  const start = clock.now();
  const budgets = { general: null, reports: null };
  const now = () => start + clock.monotonic();
  const simulator = createSimulator({ timeEntries: 60, years: 0.2, now, budgets });
  // A timer goes on in the report of the month in which it was started, which is read again when it stops.
  for (const { id, timer_started_at } of simulator.data.time_entries.all()) {
    if (timer_started_at !== null) simulator.data.time_entries.stop(id);
  }
  const log = new MemoryLog();
  return {
    ...{ clock, simulator, log },
    bench: () => virtualBench(simulator, log, clock, { streams: [...STREAMS, ...REPORTS], chance: 0.5 }),
  };
}

/** A new record, a changed one with its report window, and a child that is gone from its changed parent. */
function change({ data }: Simulator): void {
  const [entry] = data.time_entries.all();
  const [invoice] = data.invoices.all();
  const [message] = data.invoice_messages.all();
  data.clients.create({ name: 'made after the clock was set' });
  data.time_entries.update(entry!.id, { hours: 1.25 });
  data.invoice_messages.delete(message!.id);
  data.invoices.update(invoice!.id, { notes: 'seen again' });
}

const jumps: [string, number][] = [
  ['an hour forward', HOUR],
  ['an hour back', -HOUR],
  ['a day back', -24 * HOUR],
  ['ten minutes back', -10 * MINUTE],
];

async function ended(daemon: ReturnType<VirtualBench['start']>, clock: VirtualClock): Promise<void> {
  daemon.stop();
  await clock.pass(MINUTE);
  await daemon.ended;
}

async function differences({ simulator, log }: World): Promise<readonly string[]> {
  return [...(await viewDifferences(simulator, log, [...STREAMS, ...REPORTS])), ...falseChanges(log)];
}

describe.each(jumps)('a clock that jumps %s', (_, jump) => {
  test('under a running daemon delays nothing that is polled, counted or restated [P1]', async () => {
    const at = world();
    const { clock, simulator } = at;
    const task = simulator.data.tasks.create({ name: 'to be deleted' });
    const daemon = at.bench().start();
    await clock.pass(8 * MINUTE);
    expect(await differences(at)).toEqual([]);
    clock.set(jump);
    change(simulator);
    simulator.data.tasks.delete(task.id);
    // A poll, a count check five minutes after the last one, and the pause of a window that was just read.
    await clock.pass(12 * MINUTE);
    expect(await differences(at)).toEqual([]);
    await ended(daemon, clock);
  });

  test('between two lives delays nothing either [P1]', async () => {
    const at = world();
    const { clock, simulator } = at;
    const task = simulator.data.tasks.create({ name: 'to be deleted' });
    const before = at.bench().start();
    await clock.pass(8 * MINUTE);
    await ended(before, clock);
    clock.set(jump);
    change(simulator);
    simulator.data.tasks.delete(task.id);
    const after = at.bench().start();
    await clock.pass(12 * MINUTE);
    expect(await differences(at)).toEqual([]);
    await ended(after, clock);
  });

  test('does not keep a stream waiting whose requests failed, nor one that was refused [P9]', async () => {
    const at = world();
    const { clock, simulator } = at;
    const bench = at.bench();
    const broken = simulator.faults.add({ match: { stream: 'clients' }, do: { kind: 'status', status: 500 } });
    const refused = simulator.faults.add({ match: { stream: 'users' }, do: { kind: 'status', status: 403 } });
    const daemon = bench.start();
    await clock.pass(8 * MINUTE);
    const stateOf = (name: string) => bench.account.status().streams.find(({ stream }) => stream === name)!;
    expect(stateOf('clients').retrying?.attempt).toBeGreaterThan(3);
    expect(stateOf('users').state).toBe('FORBIDDEN');
    clock.set(jump);
    broken();
    refused();
    await clock.pass(6 * MINUTE);
    expect(stateOf('clients')).toMatchObject({ retrying: null, complete: true });
    expect(stateOf('users')).toMatchObject({ state: 'RUNNING', complete: true });
    await ended(daemon, clock);
  });
});
