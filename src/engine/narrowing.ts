// Lists that answer with fewer rows may say that rows were deleted, or that the token's owner may see less than before: time
// entries, expenses and reports are narrowed silently (harvest-api section 11). Reports cannot be asked for a single row, so
// before rows leave a report, the streams it is made from are counted.
import { limitOf } from './census.ts';
import { countIn, EVERYTHING, missingRows } from './counts.ts';
import type { LiveStream } from './live-stream.ts';
import { PRIORITY } from './ports.ts';
import { sourcesOf } from './restatement.ts';
import type { StepContext } from './step.ts';
import { stateOf } from './stream-row.ts';

/** Whether the streams that a report is made from miss more rows than are ever deleted unasked. Asked after the report's answer. */
export async function isNarrowed(report: LiveStream, context: StepContext): Promise<boolean> {
  for (const name of sourcesOf(report.definition)) {
    const source = context.streams.get(name);
    if (source === undefined) continue;
    // Who is not read, not yet, or not believed cannot vouch for what is gone.
    if (!source.row.complete || stateOf(source.row) !== 'RUNNING') return true;
    const { total } = await countIn(source, EVERYTHING, PRIORITY.changes, context);
    if (missingRows(source, total, context) > limitOf(source.index.size, context.settings.hold)) return true;
  }
  return false;
}
