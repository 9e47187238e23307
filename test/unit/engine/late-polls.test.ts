// In an account that answers slowly every poll is late when its turn comes. What can wait must have its turn all the same.
import { expect, test } from 'vitest';
import { createSimulator } from '../../../lab/simulator/index.ts';
import type { Purpose } from '../../../src/engine/ports.ts';
import { nextTask } from '../../../src/engine/schedule.ts';
import { createStreams } from '../../../src/engine/state/stream-runtimes.ts';
import type { Transport } from '../../../src/harvest/transport.ts';
import { account, inProcess, named, settingsOf, virtualBench } from '../../support/account.ts';
import { streamNamed } from '../../support/codec.ts';
import { EPOCH } from '../../support/epoch.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { AT_ONCE } from '../../support/streams.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const INTERVALS = { pollMs: 60_000, countMs: 60_000, reconcileMs: 86_400_000 };
/** From the end of a poll to the turn of the next step. */
const TURN_MS = 100_000;

/** A list that is read, and of which a person wants a reconciliation. */
function asked() {
  const { simulator } = account();
  const definition = streamNamed('time_entries');
  const streams = createStreams([{ definition, intervals: INTERVALS }], 'month', EPOCH);
  const runtime = streams.get('time_entries')!;
  const at = (ms: number) => new Date(ms).toISOString();
  runtime.row = { ...runtime.row, complete: true, reconciled_at: at(EPOCH), reconcile_due: 'asked' };
  return { runtime, at, view: { ...AT_ONCE, streams, settings: settingsOf(simulator) } };
}

test('a reconciliation that somebody asked for is not put off for ever by polls that are always late [P1]', () => {
  const { runtime, view, at } = asked();
  const turns: string[] = [];
  for (let now = EPOCH; turns.length < 4; now += TURN_MS) {
    turns.push(nextTask(runtime, view, now)!.task.kind);
    // A poll, of a stream in which something patient waits: claims.ts keeps its pace.
    runtime.row = { ...runtime.row, scanned_at: at(now) };
    runtime.memory = { ...runtime.memory, scanned: true, waitingSince: now };
  }
  expect(turns).toContain('reconciliation');
});

test('a walk of many pages, each of which may be asked for at once, does not put it off either [P1]', () => {
  const { runtime, view, at } = asked();
  const scan = {
    since: null,
    started_at: at(EPOCH),
    next: '/v2/time_entries?cursor=1',
    pages: 1,
    read: 1,
    total: 9,
    walk: 1,
    shifted: false,
  };
  const turns: string[] = [];
  for (let now = EPOCH; turns.length < 20; now += 10_000) {
    runtime.row = { ...runtime.row, position: { kind: 'list', cursor: null, scan: { ...scan, purpose: 'poll' } } };
    turns.push(nextTask(runtime, view, now)!.task.kind);
    runtime.memory = { ...runtime.memory, waitingSince: now };
  }
  expect(turns).toContain('read');
  expect(turns).toContain('reconciliation');
});

test('answers so slow that requests always wait for a place put off no reconciliation, of which none takes the place of a poll [P1]', async () => {
  const clock = new VirtualClock();
  const simulator = createSimulator({ timeEntries: 60, years: 0.2, now: clock.now });
  const answer = inProcess(simulator);
  const slow: Transport = async (request, signal) => {
    await clock.sleep(4_000);
    return answer(request, signal);
  };
  // Eight lists that want to be read every ten seconds, over one place for requests that take four.
  const lists = ['clients', 'contacts', 'estimates', 'expenses', 'invoices', 'projects', 'tasks', 'users'];
  const { account, start, events } = virtualBench(simulator, new MemoryLog(), clock, {
    streams: ['company', ...lists],
    source: { transport: slow, connections: 1, budgets: { general: SMALL, reports: SMALL } },
    intervals: { pollMs: 10_000, countMs: 10_000, reconcileMs: 60_000 },
  });
  const { ended, stop } = start();
  while (account.status().streams.some(({ complete }) => !complete)) await clock.pass(60_000);
  events.length = 0;
  await clock.pass(3_600_000);
  const reconciled = named(events, 'scan.completed').filter(isReconciliation);
  expect(new Set(reconciled.map(({ stream }) => stream))).toEqual(new Set(lists));
  const asked = named(events, 'request.finished');
  expect(asked.filter(isReconciliation).length).toBeLessThan(asked.length / 15);
  stop();
  await clock.pass(60_000);
  await ended;
});

const isReconciliation = ({ purpose }: { readonly purpose: Purpose }) => purpose === 'reconciliation';

const SMALL = { requests: 3, perSeconds: 2 };
