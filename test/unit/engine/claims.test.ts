// What may be under way at the same time, and what is noted because something is.
import { describe, expect, test } from 'vitest';
import { Claims } from '../../../src/engine/claims.ts';
import { PRIORITY } from '../../../src/engine/ports.ts';
import type { ReportPosition } from '../../../src/engine/state/position.ts';
import type { StreamRuntime } from '../../../src/engine/state/stream-runtime.ts';
import type { Task } from '../../../src/engine/state/task.ts';
import { newDiff, type StepContext, stepResult } from '../../../src/engine/step.ts';
import { withConsequences } from '../../../src/engine/steps/consequences.ts';
import { catalog } from '../../../src/streams/catalog.ts';
import { testCodec } from '../../support/codec.ts';
import { sampleOf } from '../../support/samples.ts';
import { streamsOf } from '../../support/streams.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const READ: Task = { kind: 'read' };
const REMOVAL: Task = { kind: 'removal' };
const NOVEMBER = { from: '2026-11-01', to: '2026-11-30' };
const WINDOW: Task = { kind: 'window', window: { why: 'unread', window: NOVEMBER } };

function claimsOf(names: readonly string[]) {
  const streams = streamsOf(names);
  const claims = new Claims(new VirtualClock());
  const give = (runtime: StreamRuntime, task: Task = READ) =>
    claims.give({ runtime, task, priority: PRIORITY.poll, keepsPace: true });
  return { streams, claims, give, of: (name: string) => streams.get(name)! };
}

describe('a removal [P3]', () => {
  const names = ['invoices', 'invoice_messages', 'invoice_payments'];

  test('does not begin while a stream below it is read, though nothing of its own is under way', () => {
    const { claims, give, of } = claimsOf(names);
    const reading = give(of('invoice_payments'))!;
    expect(give(of('invoices'), REMOVAL)).toBeNull();
    claims.giveBack(reading);
    expect(give(of('invoices'), REMOVAL)).not.toBeNull();
  });

  test('keeps every stream below it still until it ends', () => {
    const { claims, give, of } = claimsOf(names);
    const removal = give(of('invoices'), REMOVAL)!;
    expect(names.map((name) => give(of(name)))).toEqual([null, null, null]);
    claims.giveBack(removal);
    expect(names.map((name) => give(of(name))?.step)).toEqual([2, 3, 4]);
  });
});

test('a page that was asked for ahead is dropped by any other step of its stream, which may publish what is newer [P3]', () => {
  const { claims, give, of } = claimsOf(['invoices', 'invoice_messages']);
  const page = { records: [], next: null, totalEntries: null, serverTime: 0 };
  const ahead = () => {
    of('invoices').ahead = { link: 'http://harvest.test/v2/invoices?page=2', page: Promise.resolve(page) };
    return of('invoices');
  };
  claims.giveBack(give(ahead())!);
  expect(of('invoices').ahead).not.toBeNull();
  for (const kind of ['confirm', 'second_look', 'reconciliation', 'removal'] as const) {
    claims.giveBack(give(ahead(), { kind })!);
    expect([kind, of('invoices').ahead]).toEqual([kind, null]);
  }
});

test('eight steps of lists and four of reports are under way at once, so that neither waits for the other', () => {
  const { claims, give, streams } = claimsOf(catalog.map(({ name }) => name));
  for (const runtime of streams.values()) give(runtime, runtime.definition.kind === 'report' ? WINDOW : READ);
  const held = [...streams.values()].filter(({ claim }) => claim !== null);
  const budgets = held.map(({ definition }) => definition.budget);
  expect(budgets.filter((budget) => budget === 'general')).toHaveLength(8);
  expect(budgets.filter((budget) => budget === 'reports')).toHaveLength(4);
  expect(claims.out).toBe(12);
});

test('what can wait leaves places to what is read on time', () => {
  const { streams } = claimsOf(catalog.map(({ name }) => name));
  const claims = new Claims(new VirtualClock());
  const give = (runtime: StreamRuntime, priority: number) =>
    claims.give({ runtime, task: READ, priority, keepsPace: true }) !== null;
  const lists = [...streams.values()].filter(({ definition }) => definition.budget === 'general');
  expect(lists.map((runtime) => give(runtime, PRIORITY.snapshot)).filter(Boolean)).toHaveLength(6);
  expect(
    lists
      .slice(6)
      .map((runtime) => give(runtime, PRIORITY.poll))
      .filter(Boolean),
  ).toHaveLength(2);
});

test('a report window had its turn also when its reading fails: the other windows go before it then [P1]', () => {
  const { claims, give, of } = claimsOf(['time_team']);
  const claim = give(of('time_team'), WINDOW)!;
  claims.giveBack(claim);
  expect(of('time_team').memory.windowTurns).toEqual({ unread: claim.step });
});

describe('an entry that changes in a report window that was never read', () => {
  /** The dirty windows of a report after an entry of November was published. */
  function dirtyAfter(isBeingRead: boolean): readonly string[] {
    const { streams, give, of } = claimsOf(['time_entries', 'time_team']);
    const [entries, report] = [of('time_entries'), of('time_team')];
    if (isBeingRead) give(report, WINDOW);
    const settings = { grain: 'month', accountId: 1 };
    const context = {
      streams,
      codec: testCodec(),
      now: () => Date.UTC(2026, 10, 21),
      settings,
    } as unknown as StepContext;
    const diff = newDiff(entries, context);
    diff.add([{ ...sampleOf('time_entries').record, spent_date: '2026-11-20' }], { accountId: 1 });
    const { moves } = withConsequences(stepResult(entries, 'poll', { diffs: [[entries, diff]], moves: [] }), context);
    const moved = moves.get(report)?.(report.row) ?? report.row;
    return (moved.position as ReportPosition).dirty;
  }

  test('has it read again when it is being read right now: the answer may be older [P1]', () => {
    expect(dirtyAfter(true)).toEqual([NOVEMBER.from]);
  });

  test('notes nothing otherwise: its first reading is still to come', () => {
    expect(dirtyAfter(false)).toEqual([]);
  });
});
