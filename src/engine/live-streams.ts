// The streams of an account as a process begins with them: built from the catalog, then as the topics say they stand.
import { counted } from '../base/words.ts';
import { ownerOf, type StreamDefinition } from '../streams/definition.ts';
import type { Grain } from '../streams/windows.ts';
import { withoutLeftOver } from './census.ts';
import type { PublisherEvent } from './events.ts';
import type { Intervals, LiveStream } from './live-stream.ts';
import type { Codec, Opened, Restore, Restored } from './ports.ts';
import { createRowIndex } from './row-index.ts';
import { freshRow, parseRow, restartedRow, type StreamRow } from './stream-row.ts';

export interface StreamPlan {
  readonly definition: StreamDefinition;
  readonly intervals: Intervals;
}

/** Why row and topic cannot both be right; null when they agree. */
function contradiction(row: StreamRow, live: LiveStream, isStored: boolean): string | null {
  if (row.rows === live.index.size) return null;
  return isStored
    ? `the topic holds ${counted(live.index.size, 'row')}, the state row says ${row.rows}`
    : `the topic holds ${counted(live.index.size, 'row')}, but no state row speaks of them`;
}

/** One live stream for each plan, parents and owners known to those below them. */
export function createStreams(
  streams: readonly StreamPlan[],
  grain: Grain,
  now: number,
): ReadonlyMap<string, LiveStream> {
  const all = new Map<string, LiveStream>();
  // Parents stand before their children in the catalog.
  for (const { definition, intervals } of streams) {
    const parent = definition.parent ? (all.get(definition.parent.stream) ?? null) : null;
    const owner = all.get(ownerOf(definition) ?? '') ?? null;
    const live: LiveStream = {
      definition,
      intervals,
      index: createRowIndex(definition.kind !== 'report'),
      children: [],
      parent,
      owner,
      row: freshRow(definition, grain, now),
      busy: false,
      swept: false,
      censused: false,
      retry: null,
      probeAt: 0,
      steppedAt: 0,
      windowReads: new Map(),
      windowTurns: new Map(),
      secondLooks: new Map(),
      waitingSince: now,
      links: new Set(),
      taken: new Set(),
      takenWindows: new Set(),
      sweepBegan: -1,
      sweptFrom: -1,
      goneSince: 0,
      orders: [],
      lastCommitAt: null,
      maxValueBytes: Number.POSITIVE_INFINITY,
    };
    (parent?.children as LiveStream[] | undefined)?.push(live);
    all.set(definition.name, live);
  }
  return all;
}

/** The row as it is kept: without what an earlier step left over. */
export function settledRow({ definition }: LiveStream, row: StreamRow): StreamRow {
  // The others' holds end with their own reading.
  return definition.kind === 'list' ? withoutLeftOver(row) : row;
}

/** The rows as committed; a stream whose topic is not what its row says is read again, suppressed by what is there. */
export function takeState(
  streams: ReadonlyMap<string, LiveStream>,
  opened: Opened,
  grain: Grain,
  now: number,
  steps: number,
): PublisherEvent[] {
  const refilled: PublisherEvent[] = [];
  for (const [name, live] of streams) {
    const stored = opened.rows.get(name);
    // What was read after the row's place is read again.
    live.links.clear();
    live.maxValueBytes = opened.maxValueBytes.get(name) ?? Number.POSITIVE_INFINITY;
    const row = stored ? parseRow(live.definition, stored) : freshRow(live.definition, grain, now);
    const broken = opened.broken.get(name) ?? contradiction(row, live, stored !== undefined);
    const taken = broken === null ? row : restartedRow(row, live.definition, grain);
    live.row = settledRow(live, { ...taken, rows: live.index.size });
    // A commit in doubt tells nobody in which step its records answered 404: it was in one of those so far.
    if (live.row.gone.length > 0) live.goneSince = steps;
    if (broken !== null) refilled.push({ name: 'topic.refilled', stream: name, reason: broken });
  }
  return refilled;
}

/** Takes what is on the topics into the indexes, in log order. Waits only for a schema that is not known yet. */
export function restoreInto(streams: ReadonlyMap<string, LiveStream>, codec: Codec): Restore {
  return {
    reset: (name) => streams.get(name)?.index.clear(),
    record: (name, { key, value, sourceTsMs }) => {
      const live = streams.get(name);
      if (!live) return;
      if (value === null) return live.index.delete(codec.rowId(live.definition, key));
      const take = ({ id, hash, group, day }: Restored) =>
        live.index.set(id, { hash, group, day, updatedAt: sourceTsMs });
      const restored = codec.restore(live.definition, key, value);
      if (restored instanceof Promise) return restored.then(take);
      take(restored);
    },
  };
}
