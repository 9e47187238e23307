// A step of a child stream: the children of a few parents, in one transaction. Changed parents go first; a slow sweep visits
// all of them, because a parent does not always move with its children (harvest-api section 13).
import { isoSeconds } from '../base/clock.ts';
import { PublisherError } from '../base/errors.ts';
import type { PublisherEvent } from './events.ts';
import type { LiveStream } from './live-stream.ts';
import { PRIORITY } from './ports.ts';
import { type Move, moved, newDiff, readAll, type StepContext, type StepResult, sweepMs } from './step.ts';
import type { Position } from './stream-row.ts';
import { removePending } from './sweep.ts';

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
  const diff = newDiff(live, context);
  let serverTime = Number.POSITIVE_INFINITY;
  for (const [place, answer] of answers.entries()) {
    if (answer.status === 'fulfilled') {
      diff.add(answer.value.records, { accountId: context.settings.accountId, parentId: chunk[place]! });
      serverTime = Math.min(serverTime, answer.value.serverTime);
    } else if (!(answer.reason instanceof PublisherError) || answer.reason.code !== 'harvest.not_found') {
      throw answer.reason;
    }
    // A 404 is the parent's end, not this stream's: its rows wait for the parent's own tombstone.
  }

  if (fromPending) {
    const move: Move = (current) =>
      moved(current, removePending(current.position as typeof position, chunk), 'children', now, false);
    return { live, purpose: 'children', diff, moves: new Map([[live, move]]), swept: false, events: [] };
  }
  const begun = position.sweep ?? {
    started_at: isoSeconds(Number.isFinite(serverTime) ? serverTime : now),
    after: 0,
    visited: 0,
    read: 0,
  };
  const startedAt = begun.started_at;
  const visited = begun.visited + chunk.length;
  const read = begun.read + diff.read;
  const swept = chunk.length < PARENTS_PER_STEP;
  const sweep = swept ? null : { started_at: startedAt, after: chunk.at(-1)!, visited, read };
  const move: Move = (current) =>
    moved(current, { ...(current.position as typeof position), sweep }, purpose, now, swept && startedAt);
  const stream = definition.name;
  const events: PublisherEvent[] = [];
  if (position.sweep === null) events.push({ name: 'sweep.started', stream, purpose, since: null });
  if (swept) {
    const ms = sweepMs(startedAt, context.now());
    events.push({ name: 'sweep.completed', stream, purpose, pages: visited, read, ms, cursor: null });
  }
  return { live, purpose, diff, moves: new Map([[live, move]]), swept, events };
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
