// Lists that answer with fewer rows may say that rows were deleted, or that the token's owner may see less than before: time
// entries, expenses and reports are narrowed silently (HARVEST-API, Permissions). Reports cannot be asked for a single row, so
// before rows leave a report, the streams it is made from are counted.

import { countIn, EVERYTHING, missingRows, walkedCount } from '../deletions/counts.ts';
import { PRIORITY, type RowId } from '../ports.ts';
import type { Diff } from '../state/diff.ts';
import { limitOf } from '../state/hold.ts';
import { stateOf } from '../state/stream-row.ts';
import type { StreamRuntime } from '../state/stream-runtime.ts';
import type { StepContext } from '../step.ts';

/** Why a report is held whose sources miss too much. */
export const NARROWED =
  'rows left this report while rows of the lists it is made from are missing too: deleted, or hidden from this token';

/** Whether the streams that a report is made from miss more rows than are ever deleted unasked. Asked after the report's answer. */
export async function isNarrowed(report: StreamRuntime, context: StepContext): Promise<boolean> {
  for (const name of report.definition.sources) {
    const source = context.streams.get(name);
    if (source === undefined) continue;
    // A list that is not read, not yet, or not believed cannot vouch for rows that left.
    if (!source.row.complete || stateOf(source.row) !== 'RUNNING') return true;
    const { total: told } = await countIn(source, EVERYTHING, PRIORITY.poll, context);
    const total = told ?? (await walkedCount(source, PRIORITY.poll, context));
    if (missingRows(source, total, context) > limitOf(source.index.size, context.settings.hold)) return true;
  }
  return false;
}

/** Rows that are not in what was read; none when that was not whole. */
export function missingFrom(runtime: StreamRuntime, diff: Diff): RowId[] {
  return diff.isComplete ? [...runtime.index.ids()].filter((id) => !diff.seen!.has(id)) : [];
}

/**
 * Reads once more and removes those of `missing` that are missing still: a role that came back between the answer and the
 * count had hidden from the one what the other counts.
 */
export async function lookAgain<Reading extends { readonly diff: Diff }>(
  look: () => Promise<Reading>,
  missing: readonly RowId[],
  missingIn: (diff: Diff) => readonly RowId[],
): Promise<Reading> {
  const answer = await look();
  const still = new Set(missingIn(answer.diff));
  for (const id of missing) if (still.has(id)) answer.diff.remove(id);
  return answer;
}
