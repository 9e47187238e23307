// What a person asked for with a command, as a move of the stream's row: no request is made here, the next steps do the work.
import { isoSeconds } from '../../base/clock.ts';
import { askForRound } from './consequences.ts';
import type { LiveStream } from '../state/stream-runtime.ts';
import type { Order } from '../ports.ts';
import { type StepContext, type StepResult, startOf, stepResult } from '../step.ts';
import type { Position, StreamRow } from '../state/stream-row.ts';
import { addedTo } from './scan.ts';

/** Carries out the oldest order of the stream. */
export function orderStep(live: LiveStream, context: StepContext): StepResult {
  const order = live.orders[0]!;
  const now = context.now();
  if (live.definition.kind === 'report') live.windowReads.clear();
  const change = (row: StreamRow) => ({
    ...carriedOut(row, order),
    moved_at: isoSeconds(now),
    moved_by: 'order' as const,
  });
  return stepResult(live, 'order', {
    moves: [[live, change]],
    ordersDone: [order.id],
    events: [{ name: 'order.carried_out', stream: order.stream, order: order.kind, given: order.at }],
  });
}

function carriedOut(row: StreamRow, order: Order): StreamRow {
  switch (order.kind) {
    case 'release':
      return row.hold === null ? row : released(row);
    case 'census':
      return readWhole(row);
    case 'replay':
      return { ...readWhole(row), refused: {} };
    case 'reset':
      return reset(row, order.to);
  }
}

/** The hold lets go: what is missing is looked for and asked for again, and this time deleted. */
function released(row: StreamRow): StreamRow {
  const suspects = [...new Set([...row.suspects, ...row.gone])];
  const hold = row.hold && { ...row.hold, released: true };
  return { ...readAgain(row), hold, suspects, gone: [], census_due: row.position.kind === 'list' ? 'tally' : null };
}

/** Everything once more, suppressed by what is there. */
function readWhole(row: StreamRow): StreamRow {
  const census_due = row.position.kind === 'list' ? 'asked' : null;
  return { ...readAgain(row), census: null, census_due };
}

function readAgain(row: StreamRow): StreamRow {
  const { position } = row;
  switch (position.kind) {
    // Lists have their census; those that are read whole are due.
    case 'list':
      return { ...row, swept_at: null };
    case 'child':
      return { ...row, position: { ...position, sweep: null }, swept_at: null };
    case 'report': {
      const touched = addedTo(position.touched, position.held, new Set());
      return { ...row, position: askForRound({ ...position, touched, held: [] }) };
    }
  }
}

function reset(row: StreamRow, to: string | null): StreamRow {
  if (row.position.kind !== 'list') return readAgain(row);
  return { ...row, position: resetPosition(row, to), swept_at: null };
}

/**
 * The position from which a stream is read again: a list back to `to` (`YYYY-MM-DD`), never forward, or to its beginning; of
 * children and reports everything. What is equal on the topic is not published again.
 */
export function resetPosition(row: StreamRow, to: string | null): Position {
  const { position, complete } = row;
  if (position.kind !== 'list') return readAgain(row).position;
  // A first sweep that has not ended knows nothing of what lies before.
  if (to === null || !complete || position.cursor === null) return { ...position, cursor: null, sweep: null };
  const from = startOf(to);
  return { ...position, cursor: position.cursor < from ? position.cursor : from, sweep: null };
}
