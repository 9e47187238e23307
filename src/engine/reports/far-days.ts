// Days that nobody can mean: a mistyped year. Each record is named once, so that somebody mends it; reports read its window.
import { isoSeconds } from '../../base/clock.ts';
import { isoDay, isUnlikely } from '../../streams/windows.ts';
import type { PublisherEvent } from '../events.ts';
import type { RowId } from '../ports.ts';
import type { Diff } from '../state/diff.ts';
import type { Move } from '../state/stream-row.ts';
import type { StreamRuntime } from '../state/stream-runtime.ts';

/** With more of them than this, they are meant. */
const NAMED_MAX = 100;

/** The records of `diff` to be named now, and how its row remembers them; null when nothing is new. */
export function farDays(
  runtime: StreamRuntime,
  diff: Diff,
  now: number,
): { events: PublisherEvent[]; move: Move } | null {
  const { dated, name: stream } = runtime.definition;
  if (dated === null || diff.changes.size === 0) return null;
  const today = isoSeconds(now).slice(0, 10);
  const known = new Set<RowId>(runtime.row.far_days);
  const named = new Set(known);
  const events: PublisherEvent[] = [];
  for (const [record, row] of diff.changes) {
    const day = row?.day ?? null;
    if (day === null || !isUnlikely(day, today)) named.delete(record);
    else if (!named.has(record) && named.size < NAMED_MAX) {
      named.add(record);
      events.push({ name: 'day.unlikely', stream, record: record as number, field: dated, day: isoDay(day) });
    }
  }
  if (events.length === 0 && named.size === known.size) return null;
  return { events, move: (row) => ({ ...row, far_days: [...named] as number[] }) };
}
