// A list's count at Harvest against ours: one request that tells cheaply whether something is missing.
import { dueAt, isoSeconds } from '../base/clock.ts';
import { limitOf, tallied } from './census.ts';
import { countIn, EVERYTHING, missingRows } from './counts.ts';
import type { Diff } from './diff.ts';
import type { LiveStream } from './live-stream.ts';
import { PRIORITY } from './ports.ts';
import { sourcesOf } from './restatement.ts';
import type { Move, StepContext } from './step.ts';
import type { Position, StreamRow } from './stream-row.ts';
import { addedTo } from './sweep.ts';

/** Whether a tally is due, and would not count what is being looked into already. */
export function isTallyDue(
  { row, definition, intervals }: LiveStream,
  { once, now }: Pick<StepContext, 'once' | 'now'>,
): boolean {
  if (definition.kind !== 'list' || row.census !== null || row.census_due !== null || row.suspects.length > 0)
    return false;
  if (row.gone.length > 0 && row.hold === null) return false;
  if (once || row.tallied_at === null) return true;
  const { tallyMs } = intervals;
  return dueAt(Date.parse(row.tallied_at) + tallyMs, tallyMs, now()) <= now();
}

/** Counts the list after a sweep whose last page gave `diff`: how rows move by it. Throws what Source throws. */
export async function tally(live: LiveStream, diff: Diff, context: StepContext): Promise<[LiveStream, Move][]> {
  const { total } = await countIn(live, EVERYTHING, PRIORITY.changes, context);
  const missing = missingRows(live, total, context, diff);
  const limit = limitOf(live.index.size, context.settings.hold);
  const now = context.now();
  const own: Move = (row) => tallied({ ...row, moved_at: isoSeconds(now) }, missing, limit, now);
  const reports = missing > limit ? [] : heldReports(live, context);
  return [[live, own], ...reports.map((report): [LiveStream, Move] => [report, readAgain])];
}

/** Reports that kept rows because this list missed some. */
function heldReports({ definition }: LiveStream, { streams }: StepContext): LiveStream[] {
  return [...streams.values()].filter(
    (report) => sourcesOf(report.definition).includes(definition.name) && heldIn(report.row).length > 0,
  );
}

const readAgain: Move = (row) => {
  const position = row.position as Extract<Position, { kind: 'report' }>;
  return { ...row, position: { ...position, touched: addedTo(position.touched, position.held, new Set()), held: [] } };
};

function heldIn({ position }: StreamRow): readonly string[] {
  return position.kind === 'report' ? position.held : [];
}
