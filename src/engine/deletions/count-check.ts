// A list's count at Harvest against ours: one request that tells cheaply whether something is missing.
import { isoSeconds } from '../../base/clock.ts';
import type { PublisherEvent } from '../events.ts';
import { PRIORITY } from '../ports.ts';
import type { Diff } from '../state/diff.ts';
import { limitOf } from '../state/hold.ts';
import { type Position, type ReportPosition, withoutHeld } from '../state/position.ts';
import type { Move } from '../state/stream-row.ts';
import type { StreamRuntime } from '../state/stream-runtime.ts';
import type { StepContext } from '../step.ts';
import { countIn, EVERYTHING, missingRows } from './counts.ts';
import { afterCount, isBeingRead, isSearched, uncounted } from './reconciliation.ts';

/** Whether a count check is due, and would not count what is being looked into already. */
export function isCountDue(
  runtime: StreamRuntime,
  { once, now, paceOf }: Pick<StepContext, 'once' | 'now' | 'paceOf'>,
): boolean {
  const { row, definition } = runtime;
  // A held list stays as it is while everything of it is read: that is how what it misses shows again.
  const isLookedInto = isSearched(row) || row.candidates.length > 0 || (isBeingRead(row) && row.hold !== null);
  if (definition.kind !== 'list' || isLookedInto) return false;
  if (row.confirmed.length > 0 && row.hold === null) return false;
  if (once || row.counted_at === null) return true;
  const countedAt = Date.parse(row.counted_at);
  // One that is ahead is of a clock that was set back.
  return countedAt < paceOf(runtime).countSince || countedAt > now();
}

interface Counted {
  readonly moves: [StreamRuntime, Move][];
  readonly events: PublisherEvent[];
}

/**
 * Counts the list after a scan whose last page gave `diff`: how rows move by it. `hasTotals`: the scan's own pages said how
 * many they were. Throws what Source throws.
 */
export async function countCheck(
  runtime: StreamRuntime,
  diff: Diff,
  hasTotals: boolean,
  context: StepContext,
): Promise<Counted> {
  const total = hasTotals ? (await countIn(runtime, EVERYTHING, PRIORITY.poll, context)).total : null;
  const now = context.now();
  if (total === null) return untold(runtime, now);
  const missing = missingRows(runtime, total, context, diff);
  const ours = missing + total;
  const limit = limitOf(ours, context.settings.hold);
  const own: Move = ({ uncounted, ...row }) => {
    const counted = afterCount({ ...row, moved_at: isoSeconds(now) }, missing, limit, now, ours);
    // The count that tells what stays from what is just being made comes at once: a catch-up has no later one.
    const isFirst = missing < 0 && row.missing >= 0 && context.once;
    return isFirst ? { ...counted, counted_at: null } : counted;
  };
  return { moves: [[runtime, own], ...(missing > limit ? [] : heldReportsOf(runtime, context))], events: [] };
}

/** Harvest does not say how many there are: said once. Nothing is missing by a count, and nothing is held for it. */
function untold(runtime: StreamRuntime, now: number): Counted {
  const reason =
    'Harvest sends no total_entries for this list, so it cannot be counted: what was deleted is found when the whole list is read (reconcile_interval_seconds)';
  const said: PublisherEvent = { name: 'totals.absent', stream: runtime.definition.name, reason };
  return { moves: [[runtime, (row) => uncounted(row, now)]], events: runtime.row.uncounted ? [] : [said] };
}

/** Reports that kept rows because this list missed some: their windows are read again. */
export function heldReportsOf({ definition }: StreamRuntime, { streams }: StepContext): [StreamRuntime, Move][] {
  return [...streams.values()]
    .filter(({ definition: { sources }, row }) => sources.includes(definition.name) && isHolding(row.position))
    .map((report) => [report, (row) => ({ ...row, position: withoutHeld(row.position as ReportPosition) })]);
}

const isHolding = (position: Position) => position.kind === 'report' && position.held.length > 0;
