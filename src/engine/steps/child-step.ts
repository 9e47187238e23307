// A step of a child stream: the children of a few parents, in one transaction. Changed parents go first; a slow sweep visits
// all of them, because a parent does not always move with its children (harvest-api section 13).
import { isoSeconds } from '../../base/clock.ts';
import { PublisherError } from '../../base/errors.ts';
import { holdOf, limitOf, withSuspects } from '../deletions/reconciliation.ts';
import type { PublisherEvent } from '../events.ts';
import type { LiveStream } from '../state/stream-runtime.ts';
import { PRIORITY, type RowId } from '../ports.ts';
import { type Move, moved, newDiff, readAll, type StepContext, type StepResult, stepResult, sweepMs } from '../step.ts';
import type { Position, StreamRow } from '../state/stream-row.ts';
import { removePending } from './scan.ts';

/** Parents whose children are read in one step, and so in one transaction. */
const PARENTS_PER_STEP = 16;

/** The next parents' children, changed parents first. Throws what Source throws. */
export async function childStep(
  live: LiveStream,
  position: Extract<Position, { kind: 'child' }>,
  context: StepContext,
): Promise<StepResult> {
  const { definition, row } = live;
  const parents = live.parent!;
  const now = context.now();
  const fromPending = position.pending.length > 0 && (position.sweep !== null || row.complete);
  const chunk = fromPending
    ? [...new Set(position.pending.slice(0, PARENTS_PER_STEP))]
    : nextParents(parents, position.sweep?.after ?? 0);
  live.taken = new Set(chunk);

  const purpose = row.complete ? 'children' : 'first';
  const priority = fromPending ? PRIORITY.changes : PRIORITY.children;
  const answers = await Promise.allSettled(
    chunk.map((parent) => readAll(live, { parent, query: {} }, purpose, priority, context)),
  );
  const diff = newDiff(live, context, { seen: true });
  const missing: RowId[] = [];
  const lost: number[] = [];
  let serverTime = Number.POSITIVE_INFINITY;
  for (const [place, answer] of answers.entries()) {
    const parent = chunk[place]!;
    if (answer.status === 'fulfilled') {
      diff.add(answer.value.records, { accountId: context.settings.accountId, parentId: parent });
      serverTime = Math.min(serverTime, answer.value.serverTime);
      missing.push(...live.index.idsIn(parent).filter((id) => !diff.seen!.has(id)));
    } else if (answer.reason instanceof PublisherError && answer.reason.code === 'harvest.not_found') lost.push(parent);
    else throw answer.reason;
  }
  const begun = position.sweep ?? {
    started_at: isoSeconds(Number.isFinite(serverTime) ? serverTime : now),
    ...{ after: 0, visited: 0, read: 0, missing: 0 },
  };
  const isHeld = !row.hold?.released && isTooMuch(live, (fromPending ? 0 : begun.missing) + missing.length, context);
  // A parent's list is complete: what it no longer has is deleted.
  if (!isHeld) for (const id of missing) diff.remove(id);
  const parentMoves = suspectedParents(parents, lost);
  const diffs = [[live, diff]] as const;

  if (fromPending) {
    const move: Move = (current) => {
      const next = moved(current, removePending(current.position as typeof position, chunk), 'children', now, false);
      return withHold(next, isHeld, false, now);
    };
    return stepResult(live, 'children', { diffs, moves: [[live, move], ...parentMoves] });
  }
  const startedAt = begun.started_at;
  const visited = begun.visited + chunk.length;
  const read = begun.read + diff.read;
  const swept = chunk.length < PARENTS_PER_STEP;
  const total = { read, visited, missing: begun.missing + missing.length };
  const sweep = swept ? null : { started_at: startedAt, after: chunk.at(-1)!, ...total };
  const move: Move = (current) => {
    const there = current.position as typeof position;
    // More parents changed meanwhile than can be noted: all are visited from the first one on.
    const isOvertaken = position.sweep !== null && there.sweep === null;
    const isDone = swept && !isOvertaken;
    const next = moved(current, isOvertaken ? there : { ...there, sweep }, purpose, now, isDone && startedAt);
    return withHold(next, isHeld, isDone && (!isHeld || !isTooMuch(live, total.missing, context)), now);
  };
  const stream = definition.name;
  const events: PublisherEvent[] = [];
  if (position.sweep === null) events.push({ name: 'sweep.started', stream, purpose, since: null });
  if (swept) {
    const ms = sweepMs(startedAt, context.now());
    events.push({ name: 'sweep.completed', stream, purpose, pages: visited, read, ms, cursor: null });
  }
  return stepResult(live, purpose, { diffs, moves: [[live, move], ...parentMoves], swept, events });
}

function isTooMuch({ index }: LiveStream, missing: number, { settings }: StepContext): boolean {
  return missing > limitOf(index.size, settings.hold);
}

/** A 404 for a parent's list is the parent's end, if its own address says so too: its rows go with its tombstone. */
function suspectedParents(parents: LiveStream, lost: readonly number[]): [LiveStream, Move][] {
  const known = lost.filter((id) => parents.index.get(id) !== undefined);
  if (known.length === 0) return [];
  return [[parents, (row) => withSuspects(row, known)]];
}

/** Held while too much is missing; over when a whole sweep misses little, or has removed what a person released. */
function withHold(row: StreamRow, isHeld: boolean, isOver: boolean, now: number): StreamRow {
  if (isHeld) {
    const reason = 'their parents no longer list too many of these rows at once: deleted, or hidden from this token';
    return { ...row, hold: holdOf(row, 'missing', reason, isoSeconds(now)) };
  }
  return isOver && row.hold !== null ? { ...row, hold: null } : row;
}

/** The next parents of a sweep, by ascending id: a selection, since sorting all of them for every step would cost more. */
function nextParents(parents: LiveStream, after: number): number[] {
  const next: number[] = [];
  for (const id of parents.index.ids() as Iterable<number>) {
    if (id <= after || (next.length === PARENTS_PER_STEP && id >= next.at(-1)!)) continue;
    const place = next.findIndex((other) => other > id);
    next.splice(place === -1 ? next.length : place, 0, id);
    if (next.length > PARENTS_PER_STEP) next.pop();
  }
  return next;
}
