// Children and items are found through their parents alone. When somebody empties a topic of parents, and Harvest deletes one of
// them before the topic is filled again, nothing reads, counts or asks for what is below it. So the end of a whole scan makes
// candidates of the parents that have rows below them and none of their own: a 404 for a parent takes its rows along.
import type { RowId } from '../ports.ts';
import type { Diff } from '../state/diff.ts';
import type { Move } from '../state/stream-row.ts';
import type { StreamRuntime } from '../state/stream-runtime.ts';
import { type StepResult, withMore } from '../step.ts';
import { withCandidates } from './reconciliation.ts';

/** The result with the candidates that the end of its whole scan makes. */
export function withMissingParents(result: StepResult): StepResult {
  const { runtime, whole, diffs } = result;
  if (whole?.ends !== true) return result;
  const moves: [StreamRuntime, Move][] = [];
  for (const parents of [runtime, runtime.parent]) {
    if (!parents?.definition.single) continue;
    // Before its own snapshot has ended, a parent may only be still to come.
    if (parents !== runtime && !parents.row.complete) continue;
    const missing = missingParents(parents, diffs.get(parents));
    if (missing.length > 0) moves.push([parents, (row) => withCandidates(row, missing)]);
  }
  return moves.length === 0 ? result : withMore(result, { moves });
}

/** Those of `ids` that have children or items on their topics. */
export function withRowsBelow(runtime: StreamRuntime, ids: Iterable<number>): Set<number> {
  const wanted = new Set(ids);
  const found = new Set<number>();
  for (const { index } of below(runtime)) for (const id of index.idsInAny(wanted)) found.add(index.get(id)!.group!);
  return found;
}

/** The parents of children and items that have no row, once the diff is committed. */
export function missingParents(parents: StreamRuntime, diff: Diff | undefined): number[] {
  const missing = new Set<number>();
  for (const { index } of below(parents)) {
    for (const id of index.ids()) {
      const group = index.get(id)!.group!;
      if (!isThere(parents, diff, group)) missing.add(group);
    }
  }
  return [...missing];
}

/** Whether the record has a row once the diff is committed; one that is refused is nowhere but in Harvest. */
function isThere({ index, row }: StreamRuntime, diff: Diff | undefined, id: RowId): boolean {
  const after = diff?.changes.get(id);
  return (after === undefined ? index.get(id) !== undefined : after !== null) || Object.hasOwn(row.refused, id);
}

/** The streams whose rows nothing else finds: what merely belongs to records of this one is a list, which is counted itself. */
function below({ children, derived }: StreamRuntime): StreamRuntime[] {
  return [...children, ...derived];
}
