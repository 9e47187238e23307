// Where a reset sends a stream: what `state reset --dry-run` shows.
import type { Position, StreamRow } from '../engine/stream-row.ts';

/**
 * The position from which the stream is read again: a list back to `to` (`YYYY-MM-DD`), never forward, or to its beginning; of
 * children and reports everything.
 */
export function resetPosition({ position, complete }: StreamRow, to: string | null): Position {
  if (position.kind !== 'list') return { ...position, sweep: null };
  // A first sweep that has not ended knows nothing of what lies before.
  if (to === null || !complete || position.cursor === null) return { ...position, cursor: null, sweep: null };
  const from = `${to}T00:00:00Z`;
  return { ...position, cursor: position.cursor < from ? position.cursor : from, sweep: null };
}
