// Suspects are asked for one by one: only Harvest's own 404 for the id makes a tombstone (P8). That its parent is not on its
// topic proves nothing: a list may have had a gap. A record that takes others along becomes `gone` first; removal-step.ts
// deletes it with them.
import { isoSeconds } from '../../base/clock.ts';
import { PublisherError } from '../../base/errors.ts';
import { holdOf } from './reconciliation.ts';
import type { LiveStream } from '../state/stream-runtime.ts';
import type { JsonObject } from '../ports.ts';
import { dependentsOf } from './removal-step.ts';
import { type Move, newDiff, type StepContext, type StepResult, stepResult } from '../step.ts';
import type { StreamRow } from '../state/stream-row.ts';

/** Suspects asked for in one step. */
const SUSPECTS_PER_STEP = 32;

type Verdict = 'gone' | 'refused' | JsonObject;

/** Asks for the next suspects. Throws what Source throws, but not 403: then they are held. */
export async function confirmStep(live: LiveStream, context: StepContext): Promise<StepResult> {
  const { row, index } = live;
  const { suspects } = row;
  const asked = suspects.filter((id) => index.get(id) !== undefined).slice(0, SUSPECTS_PER_STEP);
  const verdicts = await Promise.all(asked.map((id) => verdictOn(live, id, context)));

  const diff = newDiff(live, context);
  diff.add(
    verdicts.filter((verdict) => typeof verdict === 'object'),
    { accountId: context.settings.accountId },
  );
  const deleted = asked.filter((_, place) => verdicts[place] === 'gone');
  const hasDependents = dependentsOf(live, context.streams).length > 0;
  if (!hasDependents) for (const id of deleted) diff.remove(id);

  const refused = asked.filter((_, place) => verdicts[place] === 'refused');
  const answered = asked.filter((_, place) => verdicts[place] !== 'refused');
  const done = new Set([...answered, ...suspects.filter((id) => index.get(id) === undefined)]);
  const at = isoSeconds(context.now());
  const move: Move = (current) => ({
    ...left(current, done, refused, deleted.length, hasDependents ? deleted : []),
    ...(refused.length > 0 && {
      hold: holdOf(
        current,
        'refused',
        `${refused.length} missing records cannot be asked for (403), so they are kept`,
        at,
      ),
    }),
    moved_at: at,
    moved_by: 'confirm',
  });
  return stepResult(live, 'confirm', { diffs: [[live, diff]], moves: [[live, move]], confirmed: deleted.length > 0 });
}

/** The row without the suspects that are `done`, with what was refused behind those not asked for yet, and with what is gone. */
function left(
  row: StreamRow,
  done: ReadonlySet<number>,
  refused: readonly number[],
  deletions: number,
  deleted: readonly number[],
): StreamRow {
  const waiting = row.suspects.filter((id) => !done.has(id) && !refused.includes(id));
  const suspects = [...waiting, ...refused];
  const gone = [...new Set([...row.gone, ...deleted])];
  const isOver = suspects.length === 0;
  return {
    ...row,
    suspects,
    gone,
    explained: row.explained - deletions,
    // Counted anew after the next sweep: what was found may not have been all.
    tallied_at: isOver ? null : row.tallied_at,
    hold: isHoldOver(row, isOver, gone.length) ? null : row.hold,
  };
}

/** A role that came back: nothing is gone after all, or everything can be asked for. */
function isHoldOver({ hold }: StreamRow, isOver: boolean, gone: number): boolean {
  return isOver && (hold?.kind === 'refused' || (hold?.kind === 'cascade' && gone === 0));
}

async function verdictOn(live: LiveStream, id: number, context: StepContext): Promise<Verdict> {
  const { definition, index } = live;
  try {
    const record = await context.source.fetchRecord(definition, { id, parent: index.get(id)!.group }, context.signal);
    return record ?? 'gone';
  } catch (error) {
    if (error instanceof PublisherError && error.code === 'harvest.forbidden') return 'refused';
    throw error;
  }
}
