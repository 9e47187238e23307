// In an account that answers slowly every poll is late when its turn comes. What can wait must have its turn all the same.
import { expect, test } from 'vitest';
import { nextTask } from '../../../src/engine/schedule.ts';
import { createStreams } from '../../../src/engine/state/stream-runtimes.ts';
import { account, settingsOf } from '../../support/account.ts';
import { streamNamed } from '../../support/codec.ts';
import { asConfigured } from '../../support/streams.ts';

const START = Date.parse('2026-11-21T00:00:00Z');
const INTERVALS = { pollMs: 60_000, countMs: 60_000, reconcileMs: 86_400_000 };
/** From the end of a poll to the turn of the next step. */
const TURN_MS = 100_000;

/** A list that is read, and of which a person wants a reconciliation. */
function asked() {
  const { simulator } = account();
  const definition = streamNamed('time_entries');
  const streams = createStreams([{ definition, intervals: INTERVALS }], 'month', START);
  const runtime = streams.get('time_entries')!;
  const at = (ms: number) => new Date(ms).toISOString();
  runtime.row = { ...runtime.row, complete: true, reconciled_at: at(START), reconcile_due: 'asked' };
  const told = { once: false, only: null, waitMs: () => 0, paceOf: asConfigured, signalFor: () => undefined };
  return { runtime, at, view: { ...told, streams, settings: settingsOf(simulator) } };
}

test('a reconciliation that somebody asked for is not put off for ever by polls that are always late [P1]', () => {
  const { runtime, view, at } = asked();
  const turns: string[] = [];
  for (let now = START; turns.length < 4; now += TURN_MS) {
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
    started_at: at(START),
    next: '/v2/time_entries?cursor=1',
    pages: 1,
    read: 1,
    total: 9,
    walk: 1,
    shifted: false,
  };
  const turns: string[] = [];
  for (let now = START; turns.length < 20; now += 10_000) {
    runtime.row = { ...runtime.row, position: { kind: 'list', cursor: null, scan: { ...scan, purpose: 'poll' } } };
    turns.push(nextTask(runtime, view, now)!.task.kind);
    runtime.memory = { ...runtime.memory, waitingSince: now };
  }
  expect(turns).toContain('read');
  expect(turns).toContain('reconciliation');
});
