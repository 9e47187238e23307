// Derived streams hold the items of their parents' records: the lines of an invoice, the recipients of a message. Items are compared
// like any record, in the step of their parent and so in its transaction, and leave with it or when it no longer lists them.
import { itemsIn } from '../../streams/definition.ts';
import { missingParents } from '../deletions/missing-parents.ts';
import type { RowId } from '../ports.ts';
import type { Diff } from '../state/diff.ts';
import type { DerivedReading } from '../state/position.ts';
import { type Move, moved, type StreamRow } from '../state/stream-row.ts';
import type { StreamRuntime } from '../state/stream-runtime.ts';
import { newDiff, type StepContext, type StepResult, type WholeScan, withMore } from '../step.ts';

/** The result with what it means to the streams that are derived from those it has read. */
export function withDerived(result: StepResult, context: StepContext): StepResult {
  const diffs: [StreamRuntime, Diff][] = [];
  const moves: [StreamRuntime, Move][] = [];
  for (const [parent, diff] of result.diffs) {
    moves.push(...attached(parent));
    for (const runtime of parent.derived) {
      const items = itemsOf(runtime, diff, context);
      if (parent === result.runtime && result.whole?.ends === true) removeStrays(runtime, diff, items);
      if (saysSomething(items) || !runtime.row.complete) diffs.push([runtime, items]);
    }
  }
  for (const runtime of result.runtime.derived) {
    // It stands beside its parent's row in every transaction until it is read, or a crash would leave it behind.
    if (readingOf(runtime.row) !== null) moves.push([runtime, (row) => readBy(result, row, context)]);
  }
  return diffs.length + moves.length === 0 ? result : withMore(result, { diffs, moves });
}

/** The parent's row notes what is derived from it now: what is switched on later is not among it, and is read anew. */
function attached(parent: StreamRuntime): [StreamRuntime, Move][] {
  const names = parent.derived.map(({ definition }) => definition.name);
  const { derived: before = [] } = parent.row;
  if (names.join() === before.join()) return [];
  return [[parent, ({ derived: _, ...row }) => (names.length === 0 ? row : { ...row, derived: names })]];
}

/** The items of the records that a step of their parents has accepted, and tombstones of those that left. */
function itemsOf(runtime: StreamRuntime, { accepted, changes, removed }: Diff, context: StepContext): Diff {
  const { definition, index } = runtime;
  const { codec, settings } = context;
  const diff = newDiff(runtime, context);
  const parents = new Set<number>();
  const there = new Set<RowId>();
  for (const [id, record] of accepted ?? []) {
    // A record that does not say what it holds proves nothing about what has left (P8).
    const items = itemsIn(definition, record);
    if (items === null || changes.get(id) === null) continue;
    parents.add(id as number);
    for (const [position, item] of items.entries()) {
      const place = { accountId: settings.accountId, parentId: id as number, position };
      there.add(codec.identify(definition, item, place) ?? '');
      diff.add([item], place);
    }
  }
  for (const id of removed) if (!changes.get(id)) parents.add(id as number);
  for (const id of index.idsInAny(parents)) if (!there.has(id)) diff.remove(id);
  return diff;
}

/**
 * All parents have been read: what is of none of them has lost its own while nothing looked, or while their topic was emptied. Where a
 * parent can be asked for by its id, missing-parents.ts does that instead.
 */
function removeStrays({ index, parent }: StreamRuntime, diff: Diff, items: Diff): void {
  if (parent!.definition.single !== null) return;
  const missing = missingParents(parent!, diff);
  for (const id of index.idsInAny(new Set(missing))) items.remove(id);
}

function saysSomething({ messages, deadLetters, recovered, drift }: Diff): boolean {
  return messages.length + deadLetters.length + recovered.size + drift.counts().length > 0;
}

function readingOf({ position }: StreamRow): DerivedReading | null {
  return position.kind === 'derived' ? position.reading : null;
}

/** The row after a step of its parents. */
function readBy(result: StepResult, row: StreamRow, { now }: StepContext): StreamRow {
  const { whole, purpose } = result;
  if (whole === null || !isReadIn(whole, row)) return row;
  if (!whole.ends) return { ...row, position: { kind: 'derived', reading: 'under_way' } };
  return moved(row, { kind: 'derived', reading: null }, purpose, now(), whole.startedAt);
}

/** Whether a whole scan of its parents reads it: it does so from its first page, or not at all. */
function isReadIn({ begins }: WholeScan, row: StreamRow): boolean {
  const reading = readingOf(row);
  return reading === 'under_way' || (reading === 'due' && begins);
}
