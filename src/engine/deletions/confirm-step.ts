// Candidates are asked for one by one: only Harvest's own 404 for the id makes a tombstone (P8). That its parent is not on its
// topic proves nothing: a list may have had a gap. A record that takes others along is a confirmed delete first; removal-step.ts
// deletes it with them.
import { isoSeconds } from '../../base/clock.ts';
import { PublisherError } from '../../base/errors.ts';
import type { JsonObject } from '../ports.ts';
import { HELD_PROBE_MS, holdOf } from '../state/hold.ts';
import type { Move, StreamRow } from '../state/stream-row.ts';
import type { Claim, StreamRuntime } from '../state/stream-runtime.ts';
import { newDiff, type StepContext, type StepResult, stepResult } from '../step.ts';
import { withRowsBelow } from './missing-parents.ts';
import { isBeingRead } from './reconciliation.ts';

/** Candidates asked for in one step. */
const CANDIDATES_PER_STEP = 32;

type Verdict = 'deleted' | 'refused' | JsonObject;

/** Asks for the next candidates. Throws what Source throws, but not 403: then they are held. */
export async function confirmStep({ runtime }: Claim, context: StepContext): Promise<StepResult> {
  const { row, index } = runtime;
  const { candidates } = row;
  const isOnTopic = (id: number): boolean => index.get(id) !== undefined;
  const absent = candidates.filter((id) => !isOnTopic(id));
  const missingParents = absent.length === 0 ? null : withRowsBelow(runtime, absent);
  const isAsked = (id: number): boolean => isOnTopic(id) || missingParents!.has(id);
  const asked = candidates.filter(isAsked).slice(0, CANDIDATES_PER_STEP);
  const verdicts = await Promise.all(asked.map((id) => verdictOn(runtime, id, context)));

  const diff = newDiff(runtime, context);
  diff.add(
    verdicts.filter((verdict) => typeof verdict === 'object'),
    { accountId: context.settings.accountId },
  );
  const deleted = asked.filter((_, place) => verdicts[place] === 'deleted');
  const takesAlong = runtime.dependents.length + runtime.derived.length > 0;
  if (!takesAlong) for (const id of deleted) diff.remove(id);

  const refused = asked.filter((_, place) => verdicts[place] === 'refused');
  const left = absent.filter((id) => !isAsked(id));
  const done = new Set([...asked.filter((id) => !refused.includes(id)), ...left]);
  const answers = {
    done,
    refused,
    deletions: deleted.filter(isOnTopic).length,
    confirmed: takesAlong ? deleted : [],
  };
  const now = context.now();
  const move: Move = (current) => afterAsking(current, answers, now);
  return stepResult(runtime, 'confirm', {
    diffs: [[runtime, diff]],
    moves: [[runtime, move]],
    memory: {
      // A scan that begins from now on sees what was moved away before it was deleted.
      ...(deleted.length > 0 && { confirmedSince: context.stepsBegun() }),
      // Where some may be asked for, the next ones are; those that may not come last.
      probeAt: refused.length > 0 && refused.length === asked.length ? now + HELD_PROBE_MS : 0,
    },
  });
}

interface Answers {
  /** Answered 200 or 404, or neither on the topic any more nor the parent of what is. */
  readonly done: ReadonlySet<number>;
  readonly refused: readonly number[];
  /** How many of the rows that a count misses are explained by a 404. */
  readonly deletions: number;
  /** Deleted records that others go with: removal-step.ts carries them out. */
  readonly confirmed: readonly number[];
}

/** The row after some of its candidates were asked for. What was refused goes behind those not asked for yet. */
export function afterAsking(row: StreamRow, { done, refused, deletions, confirmed }: Answers, now: number): StreamRow {
  const at = isoSeconds(now);
  const waiting = row.candidates.filter((id) => !done.has(id) && !refused.includes(id));
  const candidates = [...waiting, ...refused];
  const allConfirmed = [...new Set([...row.confirmed, ...confirmed])];
  const isOver = candidates.length === 0;
  const reason = `${refused.length} missing records cannot be asked for (403), so they are kept`;
  const kept = isHoldOver(row, isOver, allConfirmed.length) ? null : row.hold;
  return {
    ...row,
    candidates,
    confirmed: allConfirmed,
    explained: row.explained - deletions,
    // Or a second deletion would leave as many missing as the first, which pass for explained.
    missing: row.missing - Math.min(deletions, Math.max(0, row.missing)),
    // Counted anew after the next scan: what was found may not have been all. A reading of everything finds the rest itself.
    counted_at: isOver && !isBeingRead(row) ? null : row.counted_at,
    hold: refused.length > 0 ? holdOf(row.hold, 'refused', reason, at) : kept,
    moved_at: at,
    moved_by: 'confirm',
  };
}

/** A role that came back: nothing was deleted after all, or everything can be asked for. */
function isHoldOver({ hold }: StreamRow, isOver: boolean, confirmed: number): boolean {
  return isOver && (hold?.kind === 'refused' || (hold?.kind === 'cascade' && confirmed === 0));
}

async function verdictOn(runtime: StreamRuntime, id: number, context: StepContext): Promise<Verdict> {
  const { definition, index } = runtime;
  try {
    const record = await context.source.fetchRecord(
      definition,
      { id, parent: index.get(id)?.group ?? null },
      context.signal,
    );
    return record ?? 'deleted';
  } catch (error) {
    if (error instanceof PublisherError && error.code === 'harvest.forbidden') return 'refused';
    throw error;
  }
}
