// A record that was refused may have been broken on its way only. It is asked for by its id three times within minutes, before it
// waits for its next change. In memory alone: a restart reads its list again anyway.
import { isoSeconds } from '../../base/clock.ts';
import { PublisherError } from '../../base/errors.ts';
import type { Memory } from '../state/memory.ts';
import type { Move } from '../state/stream-row.ts';
import type { Claim, StreamRuntime } from '../state/stream-runtime.ts';
import { newDiff, type StepContext, type StepResult, stepResult } from '../step.ts';

const PAUSES_MS = [60_000, 120_000, 240_000] as const;
/** More than this at once are no accident on the way, but another type. */
const LOOKS_MAX = 64;

/** The second looks that are due later, with what the result refused and without what converted again. */
export function secondLooksAfter({ runtime, diffs, memory }: StepResult, now: number): Memory['secondLooks'] {
  const { single } = runtime.definition;
  const diff = diffs.get(runtime);
  if (single === null || diff === undefined) return memory.secondLooks;
  const looks = new Map(memory.secondLooks);
  for (const id of diff.recovered) looks.delete(Number(id));
  const [first] = PAUSES_MS;
  for (const { id, parent } of diff.refusals) {
    const isAsked = /^\d+$/.test(id) && (parent !== null || !single.includes('{parent}'));
    // A version that is refused in its turn is not waited for all over again.
    if (!isAsked || looks.has(Number(id)) || looks.size === LOOKS_MAX) continue;
    looks.set(Number(id), { parent, tries: 0, at: now + first });
  }
  return looks;
}

/** When the next refused record is to be asked for (ms); null when there is none. */
export function secondLookAt({ secondLooks }: Memory): number | null {
  return secondLooks.size === 0 ? null : Math.min(...[...secondLooks.values()].map(({ at }) => at));
}

/** Asks for those that are due. Throws what Source throws, but not 403. */
export async function secondLookStep({ runtime }: Claim, context: StepContext): Promise<StepResult> {
  const now = context.now();
  const due = [...runtime.memory.secondLooks].filter(([, { at }]) => at <= now);
  const records = await Promise.all(due.map(([id, { parent }]) => recordOf(runtime, id, parent, context)));
  const diff = newDiff(runtime, context);
  diff.add(
    records.filter((record) => record !== null),
    { accountId: context.settings.accountId },
  );
  const secondLooks = new Map(runtime.memory.secondLooks);
  for (const [id, look] of due) {
    const pause = PAUSES_MS[look.tries + 1];
    if (pause === undefined) secondLooks.delete(id);
    else secondLooks.set(id, { ...look, tries: look.tries + 1, at: now + pause });
  }
  const move: Move = (row) => ({ ...row, moved_at: isoSeconds(now), moved_by: 'confirm' });
  return stepResult(runtime, 'confirm', {
    diffs: [[runtime, diff]],
    moves: [[runtime, move]],
    memory: { secondLooks },
  });
}

/** Null when the record was deleted, which its list says too, or may not be asked for. */
async function recordOf({ definition }: StreamRuntime, id: number, parent: number | null, context: StepContext) {
  try {
    return await context.source.fetchRecord(definition, { id, parent }, context.signal);
  } catch (error) {
    if (error instanceof PublisherError && error.code === 'harvest.forbidden') return null;
    throw error;
  }
}
