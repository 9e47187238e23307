// Published changes have consequences for other streams, in the same transaction: children of changed parents are to be read,
// windows of reports are to be read again. So has the end of a hold.
import { isoSeconds } from '../../base/clock.ts';
import { askedForRound, restated } from '../reports/restatement.ts';
import type { Diff } from '../state/diff.ts';
import { isInForce } from '../state/hold.ts';
import { addPending, type ChildPosition } from '../state/position.ts';
import type { Move } from '../state/stream-row.ts';
import { parentsBeingRead, type StreamRuntime } from '../state/stream-runtime.ts';
import { type StepContext, type StepResult, withMore } from '../step.ts';

/** With more changed parents than this, visiting all of them costs less state. */
const PENDING_MAX = 5000;

/** The result with what follows from it for other streams. */
export function withConsequences(result: StepResult, context: StepContext): StepResult {
  const moves = [...result.diffs].flatMap(([runtime, diff]) => [
    ...announcedChildren(runtime, diff, context),
    ...restated(runtime, diff, context),
  ]);
  return withMore(result, { moves: [...moves, ...seenWithLess(result, context)] });
}

/** What was read of reports while their list was held may have been hidden as well, and a report tells it by no word. */
function seenWithLess({ moves }: StepResult, { streams }: StepContext): [StreamRuntime, Move][] {
  const back = [...moves].filter(([{ row }, move]) => isInForce(row.hold) && !isInForce(move(row).hold));
  const names = back.map(([{ definition }]) => definition.name);
  const reports = [...streams.values()].filter(({ definition }) =>
    definition.sources.some((name) => names.includes(name)),
  );
  return reports.flatMap(askedForRound);
}

/** Children of parents that are published are read in the same pass. */
function announcedChildren(runtime: StreamRuntime, diff: Diff, { now }: StepContext): [StreamRuntime, Move][] {
  if (runtime.children.length === 0) return [];
  const changed = [...diff.changes].filter(([, row]) => row !== null).map(([id]) => id as number);
  if (changed.length === 0) return [];
  return runtime.children.map((child): [StreamRuntime, Move] => [
    child,
    (row) => {
      const position = row.position as ChildPosition;
      // The first visit to all parents will come by; only what it is reading right now may be too old.
      const isToCome = !row.complete && position.scan === null;
      const reading = parentsBeingRead(child);
      const noted = isToCome ? changed.filter((id) => reading.has(id)) : changed;
      const added = addPending(position, noted, reading, isoSeconds(now()));
      if (added.pending.length <= PENDING_MAX) return { ...row, position: added };
      const pending = added.pending.filter((id) => reading.has(id));
      return { ...row, position: { ...added, pending, scan: null }, scanned_at: null };
    },
  ]);
}
