// A signal moves the row of its stream: no request is made here, the next steps do the work.
import { isoSeconds } from '../../base/clock.ts';
import { startOf } from '../fetch.ts';
import type { Signal } from '../ports.ts';
import { askForRound, type Position, withoutHeld } from '../state/position.ts';
import type { Move, StreamRow } from '../state/stream-row.ts';
import type { StreamRuntime } from '../state/stream-runtime.ts';
import { type StepContext, type StepResult, stepResult } from '../step.ts';

/** Carries out a signal. */
export function signalStep(runtime: StreamRuntime, signal: Signal, context: StepContext): StepResult {
  const { id, kind, stream, at, by } = signal;
  const change: Move = (row) => ({
    ...carriedOut(row, signal, context.now()),
    moved_at: isoSeconds(context.now()),
    moved_by: 'signal',
  });
  return stepResult(runtime, 'signal', {
    moves: [[runtime, change]],
    signalsDone: [id],
    // No window that a person asks for rests first.
    memory: { windowReads: new Map() },
    events: [{ name: 'signal.carried_out', stream, signal: kind, given: at, by: by ?? null }],
  });
}

function carriedOut(row: StreamRow, signal: Signal, now: number): StreamRow {
  switch (signal.kind) {
    case 'release':
      return row.hold === null ? row : released(row);
    case 'reconcile':
      return readWhole(row);
    case 'replay':
      return { ...readWhole(row), refused: {} };
    case 'reset':
      return reset(row, signal.to);
    case 'pause':
      return { ...row, paused: row.paused ?? { by: signal.by ?? 'somebody', since: isoSeconds(now) } };
    case 'resume':
      return { ...row, paused: null };
  }
}

/** The hold lets go: what is missing is looked for and asked for again, and this time deleted. */
function released(row: StreamRow): StreamRow {
  const candidates = [...new Set([...row.candidates, ...row.confirmed])];
  const hold = row.hold && { ...row.hold, released: true };
  return {
    ...readAgain(row),
    hold,
    candidates,
    confirmed: [],
    reconcile_due: row.position.kind === 'list' ? 'count' : null,
  };
}

/** Everything once more, suppressed by what is there. */
function readWhole(row: StreamRow): StreamRow {
  const reconcile_due = row.position.kind === 'list' ? 'asked' : null;
  return { ...readAgain(row), reconciliation: null, reconcile_due };
}

function readAgain(row: StreamRow): StreamRow {
  const { position } = row;
  switch (position.kind) {
    // Lists have their reconciliation; those that are read whole are due.
    case 'list':
      return { ...row, scanned_at: null };
    case 'child':
      return { ...row, position: { ...position, scan: null }, scanned_at: null };
    case 'derived':
      return { ...row, position: { ...position, reading: 'due' } };
    case 'report':
      return { ...row, position: askForRound(withoutHeld(position), false) };
  }
}

function reset(row: StreamRow, to: string | null): StreamRow {
  if (row.position.kind !== 'list') return readAgain(row);
  return { ...row, position: resetPosition(row, to), scanned_at: null };
}

/**
 * The position from which a stream is read again: a list back to `to` (`YYYY-MM-DD`), never forward, or to its beginning; of
 * children and reports everything. What is equal on the topic is not published again.
 */
export function resetPosition(row: StreamRow, to: string | null): Position {
  const { position, complete } = row;
  if (position.kind !== 'list') return readAgain(row).position;
  // A snapshot that has not ended knows nothing of what lies before.
  if (to === null || !complete || position.cursor === null) return { ...position, cursor: null, scan: null };
  const from = startOf(to);
  return { ...position, cursor: position.cursor < from ? position.cursor : from, scan: null };
}
