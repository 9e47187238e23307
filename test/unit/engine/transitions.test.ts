// Every state of a stream, every hold and everything that can happen to them, in one table. It is total: a state, a hold or an
// event that is added does not compile until each of its cells is filled.
import { describe, expect, test } from 'vitest';
import { isoSeconds } from '../../../src/base/clock.ts';
import { PublisherError } from '../../../src/base/errors.ts';
import { Claims } from '../../../src/engine/claims.ts';
import { afterAsking } from '../../../src/engine/deletions/confirm-step.ts';
import { afterCount, beginReconciliation, counted, Histogram } from '../../../src/engine/deletions/reconciliation.ts';
import { removalStep } from '../../../src/engine/deletions/removal-step.ts';
import { PRIORITY, type Signal } from '../../../src/engine/ports.ts';
import { nextTask } from '../../../src/engine/schedule.ts';
import type { Hold } from '../../../src/engine/state/hold.ts';
import {
  moved,
  type RowState,
  refusedRow,
  restartedRow,
  type StreamRow,
  settledRow,
  switchedRow,
} from '../../../src/engine/state/stream-row.ts';
import type { TaskKind } from '../../../src/engine/state/task.ts';
import type { StepContext, StepSettings } from '../../../src/engine/step.ts';
import { signalStep } from '../../../src/engine/steps/signal-step.ts';
import { testCodec } from '../../support/codec.ts';
import { AT_ONCE, streamsOf } from '../../support/streams.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

type HoldName = 'none' | Hold['kind'] | 'released';
/** PAUSED: it runs, and a person has paused it. */
type StateName = RowState | 'PAUSED';
/** `-`: the schedule begins no step by which it could happen. */
type Expected = `${StateName} ${HoldName}` | '-';

type Event =
  | 'an answer'
  | '403 for the list'
  | '422 for the list'
  | 'its module is off'
  | 'its module is on'
  | 'a count misses too much'
  | 'a count misses nothing'
  | 'a reconciliation misses too much'
  | 'a reconciliation misses nothing'
  | '403 for a candidate'
  | '200 for all candidates'
  | '404 for a candidate'
  | 'a removal would take too much'
  | 'a removal is carried out'
  | 'a person releases it'
  | 'a person pauses it'
  | 'a person resumes it'
  | 'its topic was emptied';

type Cells = Readonly<Record<Event, Expected>>;

/** A stream that stands still is asked for its list alone; whatever it is held for waits with it. */
function standing(state: RowState, hold: HoldName, isOff = false): Cells {
  const unread = isOff ? '-' : null;
  return {
    'an answer': unread ?? `RUNNING ${hold}`,
    '403 for the list': unread ?? `FORBIDDEN ${hold}`,
    '422 for the list': unread ?? `BLOCKED ${hold}`,
    'its module is off': `FEATURE_OFF ${hold}`,
    'its module is on': isOff ? `RUNNING ${hold}` : `${state} ${hold}`,
    'a count misses too much': '-',
    'a count misses nothing': '-',
    'a reconciliation misses too much': '-',
    'a reconciliation misses nothing': '-',
    '403 for a candidate': '-',
    '200 for all candidates': '-',
    '404 for a candidate': '-',
    'a removal would take too much': '-',
    'a removal is carried out': '-',
    'a person releases it': hold === 'none' ? `${state} none` : `${state} released`,
    'a person pauses it': `PAUSED ${hold}`,
    'a person resumes it': `${state} ${hold}`,
    'its topic was emptied': `${state} none`,
  };
}

/** Nothing is asked of it: only people, other streams' steps and the opening move it. */
function paused(hold: HoldName): Cells {
  return {
    ...standing('RUNNING', hold, true),
    'its module is off': `PAUSED ${hold}`,
    'its module is on': `PAUSED ${hold}`,
    'a person releases it': hold === 'none' ? 'PAUSED none' : 'PAUSED released',
    'a person resumes it': `RUNNING ${hold}`,
    'its topic was emptied': 'PAUSED none',
  };
}

function all(cellsOf: (hold: HoldName) => Cells): Readonly<Record<HoldName, Cells>> {
  return {
    none: cellsOf('none'),
    missing: cellsOf('missing'),
    cascade: cellsOf('cascade'),
    refused: cellsOf('refused'),
    released: cellsOf('released'),
  };
}

const TABLE: Readonly<Record<StateName, Readonly<Record<HoldName, Cells>>>> = {
  RUNNING: {
    none: {
      'an answer': 'RUNNING none',
      '403 for the list': 'FORBIDDEN none',
      '422 for the list': 'BLOCKED none',
      'its module is off': 'FEATURE_OFF none',
      'its module is on': 'RUNNING none',
      'a count misses too much': 'RUNNING missing',
      'a count misses nothing': 'RUNNING none',
      'a reconciliation misses too much': 'RUNNING missing',
      'a reconciliation misses nothing': 'RUNNING none',
      '403 for a candidate': 'RUNNING refused',
      '200 for all candidates': 'RUNNING none',
      '404 for a candidate': 'RUNNING none',
      'a removal would take too much': 'RUNNING cascade',
      'a removal is carried out': 'RUNNING none',
      'a person releases it': 'RUNNING none',
      'a person pauses it': 'PAUSED none',
      'a person resumes it': 'RUNNING none',
      'its topic was emptied': 'RUNNING none',
    },
    // Rows are missing: only a count, or a person, says that they are not.
    missing: {
      'an answer': 'RUNNING missing',
      '403 for the list': 'FORBIDDEN missing',
      '422 for the list': 'BLOCKED missing',
      'its module is off': 'FEATURE_OFF missing',
      'its module is on': 'RUNNING missing',
      'a count misses too much': 'RUNNING missing',
      'a count misses nothing': 'RUNNING none',
      'a reconciliation misses too much': 'RUNNING missing',
      'a reconciliation misses nothing': 'RUNNING missing',
      '403 for a candidate': 'RUNNING refused',
      '200 for all candidates': 'RUNNING missing',
      '404 for a candidate': 'RUNNING missing',
      'a removal would take too much': '-',
      'a removal is carried out': '-',
      'a person releases it': 'RUNNING released',
      'a person pauses it': 'PAUSED missing',
      'a person resumes it': 'RUNNING missing',
      'its topic was emptied': 'RUNNING none',
    },
    // A confirmed delete waits: it is asked for again after each count, and ends the hold when it answers 200.
    cascade: {
      'an answer': 'RUNNING cascade',
      '403 for the list': 'FORBIDDEN cascade',
      '422 for the list': 'BLOCKED cascade',
      'its module is off': 'FEATURE_OFF cascade',
      'its module is on': 'RUNNING cascade',
      'a count misses too much': 'RUNNING missing',
      'a count misses nothing': 'RUNNING cascade',
      'a reconciliation misses too much': 'RUNNING cascade',
      'a reconciliation misses nothing': 'RUNNING cascade',
      '403 for a candidate': 'RUNNING refused',
      '200 for all candidates': 'RUNNING cascade',
      '404 for a candidate': 'RUNNING cascade',
      'a removal would take too much': '-',
      'a removal is carried out': '-',
      'a person releases it': 'RUNNING released',
      'a person pauses it': 'PAUSED cascade',
      'a person resumes it': 'RUNNING cascade',
      'its topic was emptied': 'RUNNING none',
    },
    refused: {
      'an answer': 'RUNNING refused',
      '403 for the list': 'FORBIDDEN refused',
      '422 for the list': 'BLOCKED refused',
      'its module is off': 'FEATURE_OFF refused',
      'its module is on': 'RUNNING refused',
      'a count misses too much': 'RUNNING missing',
      'a count misses nothing': 'RUNNING refused',
      'a reconciliation misses too much': 'RUNNING refused',
      'a reconciliation misses nothing': 'RUNNING refused',
      '403 for a candidate': 'RUNNING refused',
      '200 for all candidates': 'RUNNING none',
      '404 for a candidate': 'RUNNING none',
      'a removal would take too much': '-',
      'a removal is carried out': '-',
      'a person releases it': 'RUNNING released',
      'a person pauses it': 'PAUSED refused',
      'a person resumes it': 'RUNNING refused',
      'its topic was emptied': 'RUNNING none',
    },
    // Released holds last until what was missing has been looked for and asked for.
    released: {
      'an answer': 'RUNNING released',
      '403 for the list': 'FORBIDDEN released',
      '422 for the list': 'BLOCKED released',
      'its module is off': 'FEATURE_OFF released',
      'its module is on': 'RUNNING released',
      'a count misses too much': 'RUNNING released',
      'a count misses nothing': 'RUNNING none',
      'a reconciliation misses too much': 'RUNNING released',
      'a reconciliation misses nothing': 'RUNNING none',
      '403 for a candidate': 'RUNNING refused',
      '200 for all candidates': 'RUNNING released',
      '404 for a candidate': 'RUNNING released',
      'a removal would take too much': 'RUNNING released',
      'a removal is carried out': 'RUNNING released',
      'a person releases it': 'RUNNING released',
      'a person pauses it': 'PAUSED released',
      'a person resumes it': 'RUNNING released',
      'its topic was emptied': 'RUNNING none',
    },
  },
  FORBIDDEN: all((hold) => standing('FORBIDDEN', hold)),
  BLOCKED: all((hold) => standing('BLOCKED', hold)),
  FEATURE_OFF: all((hold) => standing('FEATURE_OFF', hold, true)),
  PAUSED: all(paused),
};

const NOW = Date.UTC(2026, 10, 21, 12);
const AT = '2026-11-21T06:30:00Z';
const [GONE, CANDIDATE] = [1, 2];
const LIMIT = 50;
const CODEC = testCodec();
const refusal = (code: 'harvest.forbidden' | 'harvest.refused') => new PublisherError(code, 'refused');

/** An invoice that is gone, with a message below it. */
function stage(name: StateName, hold: HoldName) {
  const state = name === 'PAUSED' ? { state: 'RUNNING' as const, paused: PAUSED } : { state: name, paused: null };
  const streams = streamsOf(['invoices', 'invoice_messages']);
  const [invoices, below] = [streams.get('invoices')!, streams.get('invoice_messages')!];
  const row = { updatedAt: 1000, hash: 1, day: null };
  for (const id of [GONE, CANDIDATE]) invoices.index.set(id, { ...row, group: null });
  below.index.set(10, { ...row, group: GONE });
  invoices.row = { ...invoices.row, complete: true, ...READ, ...state, ...HELD[hold] };
  invoices.memory = { ...invoices.memory, scanned: true };
  const claims = new Claims(new VirtualClock());
  const settings = { hold: { share: 0, atLeast: 0 } } as StepSettings;
  const context = { streams, codec: CODEC, now: () => NOW, settings } as unknown as StepContext;
  const remove = (before: StreamRow, atLeast: number) => {
    invoices.row = before;
    const claim = claims.give({
      runtime: invoices,
      task: { kind: 'removal' },
      priority: PRIORITY.poll,
      keepsPace: true,
    })!;
    return removalStep(claim, { ...context, settings: { ...settings, hold: { share: 0, atLeast } } }).moves.get(
      invoices,
    )!(before);
  };
  return { streams, invoices, remove, context };
}

const held = (kind: Hold['kind'], released = false): Hold => ({ kind, reason: 'r', since: AT, released });

const PAUSED = { by: 'ann@ops', since: AT };

/** Nothing is due by its interval. */
const READ = { scanned_at: isoSeconds(NOW), counted_at: isoSeconds(NOW), reconciled_at: isoSeconds(NOW) };

/** What a row holds beside its hold, as the events leave it. */
const HELD: Readonly<Record<HoldName, Partial<StreamRow>>> = {
  none: { hold: null },
  missing: { hold: held('missing') },
  cascade: { hold: held('cascade'), confirmed: [GONE] },
  refused: { hold: held('refused'), candidates: [CANDIDATE] },
  released: { hold: held('missing', true), reconcile_due: 'count' },
};

interface Happening {
  /** The step by which it happens; null where another stream's step, or the opening, brings it. */
  readonly task: TaskKind | null;
  /** What the row must hold for it to happen. */
  readonly before?: Partial<StreamRow>;
  readonly move: (row: StreamRow, stage: Stage) => StreamRow;
}

type Stage = ReturnType<typeof stage>;

const signalled = (kind: Signal['kind']): Signal => ({
  id: 'o',
  kind,
  stream: 'invoices',
  to: null,
  at: AT,
  by: 'ann@ops',
});
const byPerson = (kind: Signal['kind']): Happening => ({
  task: 'signal',
  move: (row, { invoices, context }) => signalStep(invoices, signalled(kind), context).moves.get(invoices)!(row),
});

/** A reconciliation that has ended with so many rows missing. */
function reconciled(row: StreamRow, found: readonly number[], { invoices }: Stage, count = found.length): StreamRow {
  const begun = beginReconciliation(invoices.definition, 'asked', 0, new Histogram(new Map(), 2000));
  const ended = { ...begun, started_at: AT, ranges: [], pages: 1, found: count };
  return counted({ ...row, reconcile_due: null }, ended, found, LIMIT, NOW);
}

const asked = { done: new Set([CANDIDATE]), refused: [], deletions: 0, confirmed: [] };

const EVENTS: Readonly<Record<Event, Happening>> = {
  'an answer': { task: 'read', move: (row) => moved(row, row.position, 'poll', NOW, AT) },
  '403 for the list': {
    task: 'read',
    move: (row) => refusedRow(row, 'FORBIDDEN', refusal('harvest.forbidden'), NOW),
  },
  '422 for the list': { task: 'read', move: (row) => refusedRow(row, 'BLOCKED', refusal('harvest.refused'), NOW) },
  'its module is off': { task: null, move: (row, { invoices }) => switchedRow(row, invoices.definition, true, NOW) },
  'its module is on': { task: null, move: (row, { invoices }) => switchedRow(row, invoices.definition, false, NOW) },
  // After an answer, in the same step: a stream that stood still is running by then.
  'a count misses too much': { task: null, move: (row) => afterCount(row, 99, LIMIT, NOW) },
  'a count misses nothing': { task: null, move: (row) => afterCount(row, 0, LIMIT, NOW) },
  'a reconciliation misses too much': {
    task: 'reconciliation',
    before: { reconcile_due: 'asked' },
    move: (row, on) => reconciled(row, [CANDIDATE], on, 99),
  },
  'a reconciliation misses nothing': {
    task: 'reconciliation',
    before: { reconcile_due: 'asked' },
    move: (row, on) => reconciled(row, [], on),
  },
  '403 for a candidate': {
    task: 'confirm',
    before: { candidates: [CANDIDATE] },
    move: (row) => afterAsking(row, { ...asked, done: new Set(), refused: [CANDIDATE] }, NOW),
  },
  '200 for all candidates': {
    task: 'confirm',
    before: { candidates: [CANDIDATE] },
    move: (row) => afterAsking(row, asked, NOW),
  },
  '404 for a candidate': {
    task: 'confirm',
    before: { candidates: [CANDIDATE] },
    move: (row) => afterAsking(row, { ...asked, deletions: 1, confirmed: [CANDIDATE] }, NOW),
  },
  'a removal would take too much': {
    task: 'removal',
    before: { confirmed: [GONE] },
    move: (row, { remove }) => remove(row, 0),
  },
  'a removal is carried out': {
    task: 'removal',
    before: { confirmed: [GONE] },
    move: (row, { remove }) => remove(row, 9),
  },
  'a person releases it': byPerson('release'),
  'a person pauses it': byPerson('pause'),
  'a person resumes it': byPerson('resume'),
  'its topic was emptied': { task: null, move: (row, { invoices }) => restartedRow(row, invoices.definition, 'month') },
};

const entries = <Key extends string, Value>(record: Readonly<Record<Key, Value>>) =>
  Object.entries(record) as [Key, Value][];

/** The row as the table names it; the committer keeps it without what is left over. */
function nameOf({ state, hold, paused }: StreamRow): Expected {
  return `${paused === null ? state : 'PAUSED'} ${hold === null ? 'none' : hold.released ? 'released' : hold.kind}`;
}

describe.each(entries(TABLE))('a stream that is %s', (state, holds) => {
  test.each(entries(holds))('with the hold "%s" goes on from every event as the table says [P8 P9]', (hold, cells) => {
    for (const [event, expected] of entries(cells)) {
      const { task, before = {}, move } = EVENTS[event];
      const on = stage(state, hold);
      const { invoices, streams } = on;
      invoices.row = { ...invoices.row, ...before };
      const signalFor = () => (task === 'signal' ? signalled('release') : undefined);
      const begun = nextTask(invoices, { ...AT_ONCE, signalFor, streams, settings: on.context.settings }, NOW)?.task
        .kind;
      if (expected === '-') {
        expect([event, begun === task]).toEqual([event, false]);
        continue;
      }
      if (state === 'RUNNING' && hold === 'none' && task !== null) expect([event, begun]).toEqual([event, task]);
      const row = settledRow(invoices.definition, move(invoices.row, on));
      expect([event, nameOf(row)]).toEqual([event, expected]);
    }
  });
});

test.each(['FORBIDDEN', 'BLOCKED', 'FEATURE_OFF'] as const)(
  'a stream that is %s and paused begins no step, and is that again once it is resumed [P9]',
  (state) => {
    const on = stage(state, 'refused');
    const { invoices, streams } = on;
    invoices.row = { ...invoices.row, paused: PAUSED };
    expect(nextTask(invoices, { ...AT_ONCE, streams, settings: on.context.settings }, NOW)).toBeNull();
    expect(nameOf(byPerson('resume').move(invoices.row, on))).toBe(`${state} refused`);
  },
);
