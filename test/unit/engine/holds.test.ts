// A hold ends with what it speaks of: one that is left over would keep deletions for ever or, released, let everything go.
import { describe, expect, test } from 'vitest';
import { createSimulator, type Simulator } from '../../../lab/simulator/index.ts';
import { takeState } from '../../../src/engine/state/stream-runtimes.ts';
import { account, benchAccount, viewDifferences, virtualBench } from '../../support/account.ts';
import { MINUTE } from '../../support/living-account.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { streamsOf } from '../../support/streams.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const RELEASE = { id: 'o', kind: 'release', stream: 'tasks', to: null, at: '2026-11-21T06:30:00Z' } as const;

/** Tasks on their topic, of which the last may not be asked for although their list no longer has them. */
async function heldByRefusal(count = 1) {
  const { simulator, pass } = account();
  for (let made = 0; made < 80; made++) simulator.data.tasks.create({ name: `unused ${made}` });
  const log = new MemoryLog();
  const run = async () => {
    pass(1_000);
    const bench = benchAccount(simulator, log, { streams: ['company', 'tasks'] });
    await bench.catchUp();
    return bench.account.status().streams.find(({ stream }) => stream === 'tasks')!;
  };
  await run();
  deleteNewest(simulator, count);
  const allow = simulator.faults.add({ match: { path: '/tasks/\\d+$' }, do: { kind: 'status', status: 403 } });
  expect(await run()).toMatchObject({ state: 'HELD', reason: expect.stringContaining('403') });
  return { simulator, log, run, allow };
}

function deleteNewest(simulator: Simulator, count: number): void {
  for (const { id } of simulator.data.tasks.all().slice(-count)) simulator.data.tasks.delete(id);
}

describe('a hold over records that may not be asked for [P8]', () => {
  test('ends when the topic was emptied and read anew: nothing of it is left', async () => {
    const { simulator, log, run, allow } = await heldByRefusal();
    log.empty('tasks');
    allow();
    expect(await run()).toMatchObject({ state: 'RUNNING', backlog: { candidates: 0 } });
    expect(log.rows.get('tasks')).toMatchObject({ hold: null });
    expect(await viewDifferences(simulator, log, ['tasks'])).toEqual([]);
  });

  test('ends in one run when all of them may be asked for again, however many they are', async () => {
    const { simulator, log, run, allow } = await heldByRefusal(40);
    expect(log.rows.get('tasks')?.candidates).toHaveLength(40);
    allow();
    expect(await run()).toMatchObject({ state: 'RUNNING', backlog: { candidates: 0 } });
    expect(await viewDifferences(simulator, log, ['tasks'])).toEqual([]);
  });

  test('has all that may be asked for again asked for within minutes of a release, also within the hour of the last refusal', async () => {
    const clock = new VirtualClock();
    const simulator = createSimulator({ timeEntries: 100, years: 0.15, now: clock.now });
    const made = Array.from({ length: 140 }, (_, n) => simulator.data.tasks.create({ name: `unused ${n}` }));
    const log = new MemoryLog();
    const bench = virtualBench(simulator, log, clock, { streams: ['company', 'tasks'] });
    const { ended, stop } = bench.start();
    await clock.pass(5 * MINUTE);
    const gone = made.slice(0, 45).map(({ id }) => id);
    const refuse = (ids: readonly number[]) =>
      simulator.faults.add({ match: { path: `/tasks/(${ids.join('|')})$` }, do: { kind: 'status', status: 403 } });
    const allow = refuse(gone);
    for (const id of gone) simulator.data.tasks.delete(id);
    await clock.pass(10 * MINUTE);
    expect(log.rows.get('tasks')).toMatchObject({ hold: { kind: 'refused' } });
    allow();
    // Among the first that are asked, and the last.
    const refused = gone.slice(-18, -13);
    refuse(refused);
    log.signals.set('o', { ...RELEASE, at: new Date(clock.now()).toISOString() });
    await clock.pass(20 * MINUTE);
    expect(log.rows.get('tasks')).toMatchObject({ candidates: expect.arrayContaining(refused) });
    expect(log.rows.get('tasks')?.candidates).toHaveLength(refused.length);
    stop();
    await clock.pass(MINUTE);
    await ended;
  });

  test('that was released protects again as soon as its records are gone', async () => {
    const { simulator, log, run, allow } = await heldByRefusal();
    allow();
    log.signals.set('o', RELEASE);
    expect(await run()).toMatchObject({ state: 'RUNNING' });
    deleteNewest(simulator, 60);
    expect(await run()).toMatchObject({ state: 'HELD', reason: expect.stringContaining('60 of') });
  });

  test('that an earlier version released and left over protects again, too', async () => {
    const { simulator, log, run, allow } = await heldByRefusal();
    allow();
    const row = log.rows.get('tasks')!;
    const hold = { kind: 'refused', reason: '', since: '2026-11-21T06:30:00Z', released: true };
    log.rows.set('tasks', { ...row, candidates: [], reconcile_due: null, hold });
    deleteNewest(simulator, 60);
    expect(await run()).toMatchObject({ state: 'HELD' });
  });
});

test.each(['refused', 'cascade'] as const)('a hold "%s" of which nothing is left ends when its row is read', (kind) => {
  const streams = streamsOf(['tasks']);
  const live = streams.get('tasks')!;
  const hold = { kind, reason: '', since: '2026-11-21T06:30:00Z', released: false };
  const stored = new Map([['tasks', JSON.parse(JSON.stringify({ ...live.row, complete: true, hold }))]]);
  takeState(streams, { rows: stored, broken: new Map(), records: 0, maxValueBytes: new Map() }, 'month', 0, 0);
  expect(live.row.hold).toBeNull();
});
