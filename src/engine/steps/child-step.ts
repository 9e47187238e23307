// A step of a child stream: the children of a few parents, in one transaction. Changed parents go first; a slow scan visits
// all of them, because a parent does not always move with its children (HARVEST-API, What moves updated_at).
import { isoSeconds } from '../../base/clock.ts';
import { PublisherError } from '../../base/errors.ts';
import { withCandidates } from '../deletions/reconciliation.ts';
import type { PublisherEvent } from '../events.ts';
import { readAll } from '../fetch.ts';
import { PRIORITY, type RowId } from '../ports.ts';
import { holdOf, limitOf } from '../state/hold.ts';
import { type ChildPosition, removePending } from '../state/position.ts';
import { type Move, moved, type StreamRow } from '../state/stream-row.ts';
import type { Claim, StreamRuntime } from '../state/stream-runtime.ts';
import { newDiff, type StepContext, type StepResult, scanCompleted, stepResult } from '../step.ts';

/** Parents whose children are read in one step, and so in one transaction. */
const PARENTS_PER_STEP = 16;

/** The parents whose children are read next: those that changed, else the next of the slow scan. */
export function nextParents(runtime: StreamRuntime): readonly number[] {
  const { pending, scan } = runtime.row.position as ChildPosition;
  return isForChanged(runtime)
    ? [...new Set(pending.slice(0, PARENTS_PER_STEP))]
    : parentsAfter(runtime.parent!, scan?.after ?? 0);
}

/** Changed parents go first, but a first visit to all of them begins with the first. */
function isForChanged({ row }: StreamRuntime): boolean {
  const { pending, scan } = row.position as ChildPosition;
  return pending.length > 0 && (scan !== null || row.complete);
}

/** Reads the children of the claim's parents. Throws what Source throws. */
export async function childStep(claim: Claim, context: StepContext): Promise<StepResult> {
  const { runtime } = claim;
  // As they were when the claim was given: parents that change during the requests move the row.
  const { row } = runtime;
  const position = row.position as ChildPosition;
  const parents = runtime.parent!;
  const now = context.now();
  const fromPending = isForChanged(runtime);
  const chunk = [...claim.parents];

  const purpose = row.complete ? 'children' : 'snapshot';
  // A slow scan has waited for slack before it began: behind other streams' first readings it would hold up what is pending.
  const patient = row.complete ? PRIORITY.snapshot : PRIORITY.children;
  const priority = fromPending ? PRIORITY.dirty : patient;
  const answers = await Promise.allSettled(
    chunk.map((parent) => readAll(runtime, { parent, query: {} }, purpose, priority, context)),
  );
  const diff = newDiff(runtime, context, { seen: true });
  const missing: RowId[] = [];
  const lost: number[] = [];
  let serverTime = Number.POSITIVE_INFINITY;
  for (const [place, answer] of answers.entries()) {
    const parent = chunk[place]!;
    if (answer.status === 'fulfilled') {
      diff.add(answer.value.records, { accountId: context.settings.accountId, parentId: parent });
      serverTime = Math.min(serverTime, answer.value.serverTime);
      missing.push(...runtime.index.idsIn(parent).filter((id) => !diff.seen!.has(id)));
    } else if (answer.reason instanceof PublisherError && answer.reason.code === 'harvest.not_found') lost.push(parent);
    else throw answer.reason;
  }
  const begun = position.scan ?? {
    started_at: isoSeconds(Number.isFinite(serverTime) ? serverTime : now),
    ...{ after: 0, visited: 0, read: 0, missing: 0 },
  };
  const isHeld = !row.hold?.released && isTooMuch(runtime, (fromPending ? 0 : begun.missing) + missing.length, context);
  // A parent's list is complete: what it no longer has is deleted.
  if (!isHeld) for (const id of missing) diff.remove(id);
  const parentMoves = candidateParents(parents, lost);
  const diffs = [[runtime, diff]] as const;

  if (fromPending) {
    const move: Move = (current) => {
      const next = moved(current, removePending(current.position as ChildPosition, chunk), 'children', now, false);
      return withHold(next, isHeld, false, now);
    };
    return stepResult(runtime, 'children', { diffs, moves: [[runtime, move], ...parentMoves] });
  }
  const startedAt = begun.started_at;
  const visited = begun.visited + chunk.length;
  const read = begun.read + diff.read;
  const scanned = chunk.length < PARENTS_PER_STEP;
  const whole = { begins: position.scan === null, ends: scanned, startedAt };
  const total = { read, visited, missing: begun.missing + missing.length };
  const scan = scanned ? null : { started_at: startedAt, after: chunk.at(-1)!, ...total };
  const move: Move = (current) => {
    const there = current.position as ChildPosition;
    // More parents changed meanwhile than can be noted: all are visited from the first one on.
    const isOvertaken = position.scan !== null && there.scan === null;
    const isDone = scanned && !isOvertaken;
    const next = moved(current, isOvertaken ? there : { ...there, scan }, purpose, now, isDone && startedAt);
    return withHold(next, isHeld, isDone && (!isHeld || !isTooMuch(runtime, total.missing, context)), now);
  };
  const events: PublisherEvent[] = [];
  if (position.scan === null)
    events.push({ name: 'scan.started', stream: runtime.definition.name, purpose, since: null });
  if (scanned)
    events.push(scanCompleted(runtime, purpose, { started_at: startedAt, pages: visited, read }, context.now()));
  return stepResult(runtime, purpose, { diffs, moves: [[runtime, move], ...parentMoves], scanned, whole, events });
}

function isTooMuch({ index }: StreamRuntime, missing: number, { settings }: StepContext): boolean {
  return missing > limitOf(index.size, settings.hold);
}

/** A 404 for a parent's list is the parent's end, if its own address says so too: its rows go with its tombstone. */
function candidateParents(parents: StreamRuntime, lost: readonly number[]): [StreamRuntime, Move][] {
  const known = lost.filter((id) => parents.index.get(id) !== undefined);
  if (known.length === 0) return [];
  return [[parents, (row) => withCandidates(row, known)]];
}

/** Held while too much is missing; over when a whole scan misses little, or has removed what a person released. */
function withHold(row: StreamRow, isHeld: boolean, isOver: boolean, now: number): StreamRow {
  if (isHeld) {
    const reason = 'their parents no longer list too many of these rows at once: deleted, or hidden from this token';
    return { ...row, hold: holdOf(row.hold, 'missing', reason, isoSeconds(now)) };
  }
  return isOver && row.hold !== null ? { ...row, hold: null } : row;
}

/** The next parents of a scan, by ascending id: a selection, since sorting all of them for every step would cost more. */
function parentsAfter(parents: StreamRuntime, after: number): number[] {
  const next: number[] = [];
  for (const id of parents.index.ids() as Iterable<number>) {
    if (id <= after || (next.length === PARENTS_PER_STEP && id >= next.at(-1)!)) continue;
    const place = next.findIndex((other) => other > id);
    next.splice(place === -1 ? next.length : place, 0, id);
    if (next.length > PARENTS_PER_STEP) next.pop();
  }
  return next;
}
