// The streams of an account as a process begins with them: built from the catalog, then as the topics say they stand.
import { counted } from '../../base/words.ts';
import { ownerOf, type StreamDefinition } from '../../streams/definition.ts';
import type { Grain } from '../../streams/windows.ts';
import type { PublisherEvent } from '../events.ts';
import type { Intervals } from '../pace/polling.ts';
import type { Codec, JsonObject, Opened, Restore, Restored } from '../ports.ts';
import { freshMemory } from './memory.ts';
import { createRowIndex } from './row-index.ts';
import { freshRow, parseRow, restartedRow, type StreamRow, settledRow } from './stream-row.ts';
import type { StreamRuntime } from './stream-runtime.ts';

export interface StreamPlan {
  readonly definition: StreamDefinition;
  readonly intervals: Intervals;
}

/** Why row and topic cannot both be right; null when they agree. */
function contradiction(row: StreamRow, runtime: StreamRuntime, isStored: boolean): string | null {
  if (row.rows === runtime.index.size) return null;
  return isStored
    ? `the topic holds ${counted(runtime.index.size, 'row')}, the state row says ${row.rows}`
    : `the topic holds ${counted(runtime.index.size, 'row')}, but no state row speaks of them`;
}

/** Why a derived stream is not what its parents' last steps have made of it; null when it is, and for others. */
function interruption({ definition, parent }: StreamRuntime, stored: JsonObject | undefined): string | null {
  const isKnown = parent?.row.derived?.includes(definition.name) ?? false;
  if (definition.kind !== 'derived' || stored === undefined || isKnown) return null;
  return `${definition.parent!.stream} went on while it was switched off`;
}

/** One runtime for each plan, with its parents and owners known to it. */
export function createStreams(
  streams: readonly StreamPlan[],
  grain: Grain,
  now: number,
): ReadonlyMap<string, StreamRuntime> {
  const all = new Map<string, StreamRuntime>();
  // Parents and owners stand before theirs in the catalog.
  for (const { definition, intervals } of streams) {
    const parent = definition.parent ? (all.get(definition.parent.stream) ?? null) : null;
    const owner = all.get(ownerOf(definition) ?? '') ?? null;
    const runtime: StreamRuntime = {
      definition,
      intervals,
      index: createRowIndex(definition.key.length === 1),
      children: [],
      derived: [],
      parent,
      owner,
      dependents: [],
      row: freshRow(definition, grain, now),
      memory: freshMemory(now),
      claim: null,
      ahead: null,
      maxValueBytes: Number.POSITIVE_INFINITY,
    };
    // Derived rows follow whatever becomes of their parents, in the same step.
    if (definition.kind === 'derived') (parent?.derived as StreamRuntime[] | undefined)?.push(runtime);
    else {
      (parent?.children as StreamRuntime[] | undefined)?.push(runtime);
      (owner?.dependents as StreamRuntime[] | undefined)?.push(runtime);
    }
    all.set(definition.name, runtime);
  }
  return all;
}

/** The rows as committed; a stream whose topic is not what its row says is read again, suppressed by what is there. */
export function takeState(
  streams: ReadonlyMap<string, StreamRuntime>,
  opened: Opened,
  grain: Grain,
  now: number,
  steps: number,
): PublisherEvent[] {
  const refilled: PublisherEvent[] = [];
  for (const [name, runtime] of streams) {
    const stored = opened.rows.get(name);
    runtime.maxValueBytes = opened.maxValueBytes.get(name) ?? Number.POSITIVE_INFINITY;
    const row = stored ? parseRow(runtime.definition, stored) : freshRow(runtime.definition, grain, now);
    const broken =
      opened.broken.get(name) ?? contradiction(row, runtime, stored !== undefined) ?? interruption(runtime, stored);
    const taken = broken === null ? row : restartedRow(row, runtime.definition, grain);
    runtime.row = settledRow(runtime.definition, { ...taken, rows: runtime.index.size });
    runtime.ahead = null;
    const { memory } = runtime;
    // A commit in doubt tells nobody in which step its records answered 404: it was in one of those so far.
    const confirmedSince = runtime.row.confirmed.length > 0 ? steps : memory.confirmedSince;
    const changedAt = Math.max(memory.changedAt, runtime.index.newest);
    // Pages behind the row's place are read again.
    runtime.memory = { ...memory, confirmedSince, changedAt, links: new Set() };
    if (broken !== null) refilled.push({ name: 'topic.refilled', stream: name, reason: broken });
  }
  return refilled;
}

/** Takes what is on the topics into the indexes, in log order. Waits only for a schema that is not known yet. */
export function restoreInto(streams: ReadonlyMap<string, StreamRuntime>, codec: Codec): Restore {
  return {
    reset: (name) => streams.get(name)?.index.clear(),
    record: (name, { key, value, sourceTsMs }) => {
      const runtime = streams.get(name);
      if (!runtime) return;
      if (value === null) return runtime.index.delete(codec.rowId(runtime.definition, key));
      const take = ({ id, hash, group, day }: Restored) =>
        runtime.index.set(id, { hash, group, day, updatedAt: sourceTsMs });
      const restored = codec.restore(runtime.definition, key, value);
      if (restored instanceof Promise) return restored.then(take);
      take(restored);
    },
  };
}
