// A list's count at Harvest against ours: one request that tells cheaply whether something is missing.
import { isoSeconds, unlessSetBack } from '../../base/clock.ts';
import { limitOf, tallied, uncounted } from './reconciliation.ts';
import { countIn, EVERYTHING, missingRows } from './counts.ts';
import type { Diff } from '../state/diff.ts';
import type { PublisherEvent } from '../events.ts';
import type { LiveStream } from '../state/stream-runtime.ts';
import { PRIORITY } from '../ports.ts';
import { sourcesOf } from '../reports/restatement.ts';
import type { Move, StepContext } from '../step.ts';
import type { Position, StreamRow } from '../state/stream-row.ts';
import { addedTo } from '../steps/scan.ts';

/** Whether a tally is due, and would not count what is being looked into already. */
export function isTallyDue(
  { row, definition, intervals }: LiveStream,
  { once, now }: Pick<StepContext, 'once' | 'now'>,
): boolean {
  if (definition.kind !== 'list' || row.census !== null || row.census_due !== null || row.suspects.length > 0)
    return false;
  if (row.gone.length > 0 && row.hold === null) return false;
  if (once || row.tallied_at === null) return true;
  return unlessSetBack(Date.parse(row.tallied_at) + intervals.tallyMs, intervals.tallyMs, now()) <= now();
}

interface Counted {
  readonly moves: [LiveStream, Move][];
  readonly events: PublisherEvent[];
}

/**
 * Counts the list after a sweep whose last page gave `diff`: how rows move by it. `hasTotals`: the sweep's own pages said how
 * many they were. Throws what Source throws.
 */
export async function tally(live: LiveStream, diff: Diff, hasTotals: boolean, context: StepContext): Promise<Counted> {
  const total = hasTotals ? (await countIn(live, EVERYTHING, PRIORITY.changes, context)).total : null;
  const now = context.now();
  if (total === null) return untold(live, now);
  const missing = missingRows(live, total, context, diff);
  const ours = missing + total;
  const limit = limitOf(ours, context.settings.hold);
  const own: Move = ({ uncounted, ...row }) =>
    tallied({ ...row, moved_at: isoSeconds(now) }, missing, limit, now, ours);
  return { moves: [[live, own], ...(missing > limit ? [] : heldReportsOf(live, context))], events: [] };
}

/** Harvest does not say how many there are: said once. Nothing is missing by a count, and nothing is held for it. */
function untold(live: LiveStream, now: number): Counted {
  const reason =
    'Harvest sends no total_entries for this list, so it cannot be counted: what was deleted is found when the whole list is read (census_interval_seconds)';
  const said: PublisherEvent = { name: 'totals.absent', stream: live.definition.name, reason };
  return { moves: [[live, (row) => uncounted(row, now)]], events: live.row.uncounted ? [] : [said] };
}

/** Reports that kept rows because this list missed some: their windows are read again. */
export function heldReportsOf({ definition }: LiveStream, { streams }: StepContext): [LiveStream, Move][] {
  return [...streams.values()]
    .filter((report) => sourcesOf(report.definition).includes(definition.name) && heldIn(report.row).length > 0)
    .map((report) => [report, readAgain]);
}

const readAgain: Move = (row) => {
  const position = row.position as Extract<Position, { kind: 'report' }>;
  return { ...row, position: { ...position, touched: addedTo(position.touched, position.held, new Set()), held: [] } };
};

function heldIn({ position }: StreamRow): readonly string[] {
  return position.kind === 'report' ? position.held : [];
}
