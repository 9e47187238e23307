// A stream as the running process knows it: its last committed row, its index, its memory, and the claim that holds it.
import type { StreamDefinition } from '../../streams/definition.ts';
import type { Intervals } from '../pace/polling.ts';
import type { Page } from '../ports.ts';
import type { Memory } from './memory.ts';
import type { DerivedReading } from './position.ts';
import type { RowIndex } from './row-index.ts';
import { isRunning, type StreamRow } from './stream-row.ts';
import type { Task } from './task.ts';

export interface StreamRuntime {
  readonly definition: StreamDefinition;
  readonly index: RowIndex;
  /** The streams whose parents this one holds. */
  readonly children: readonly StreamRuntime[];
  readonly parent: StreamRuntime | null;
  /** The streams that are derived from this one. */
  readonly derived: readonly StreamRuntime[];
  /** The stream whose deleted records take records of this one along: the parent, or what a list's records belong to. */
  readonly owner: StreamRuntime | null;
  /** The streams that have this one for their owner. */
  readonly dependents: readonly StreamRuntime[];
  readonly intervals: Intervals;
  /** As last committed; only the committer replaces it. */
  row: StreamRow;
  /** Replaced when a claim is given or returned, when a step is committed or fails, and at the opening of the log. */
  memory: Memory;
  /** Given by claims.ts: one step at a time, from fetch to commit, so a later answer never overtakes an earlier one (P3). */
  claim: Claim | null;
  /** The next page of the walk, asked for while the one before is committed; dropped by any other step of the stream. */
  ahead: PageAhead | null;
  /** The most that its topic takes; a larger value is a dead letter (P7), or it would stop the account. */
  maxValueBytes: number;
}

/** An answer that is awaited before its step begins. */
export interface PageAhead {
  readonly link: string;
  readonly page: Promise<Page>;
}

/** A step takes all this for as long as it runs: nothing that overlaps begins meanwhile. */
export interface Claim {
  readonly runtime: StreamRuntime;
  readonly task: Task;
  /** How urgent it is: a `PRIORITY`. */
  readonly priority: number;
  /** It is what can wait, or nothing of the stream waits: only then does its end set the pace of what can wait. */
  readonly keepsPace: boolean;
  /** The number of the step in this process. */
  readonly step: number;
  /** The streams whose rows it may remove, its own first: what is deleted together must stand still together. */
  readonly streams: readonly StreamRuntime[];
  /** Parents whose children it reads. */
  readonly parents: ReadonlySet<number>;
  /** First days of the report windows that it reads. */
  readonly windows: ReadonlySet<string>;
}

const NONE: ReadonlySet<never> = new Set();

/** Parents whose children are being read right now: what changes under them may be too new for that. */
export function parentsBeingRead({ claim }: StreamRuntime): ReadonlySet<number> {
  return claim?.parents ?? NONE;
}

/** First days of the windows that are being read right now. */
export function windowsBeingRead({ claim }: StreamRuntime): ReadonlySet<string> {
  return claim?.windows ?? NONE;
}

/** Whether a window of a round is being read right now. */
export function isRoundBeingRead({ claim }: StreamRuntime): boolean {
  return claim?.task.kind === 'window' && claim.task.window.why === 'round';
}

/** Whether the stream is to be read whole for something that is derived from it, by a scan that has to begin or is under way. */
export function derivedReading({ derived }: StreamRuntime): DerivedReading | null {
  const readings = derived.map(({ row: { position } }) => (position.kind === 'derived' ? position.reading : null));
  return readings.includes('due') ? 'due' : (readings.find((each) => each !== null) ?? null);
}

/** Whether the stream can be asked at all; a refused one only when its probe is due, a paused one not until it is resumed. */
export function isReadable({ row, parent }: StreamRuntime): boolean {
  return isRunning(row) && (parent === null || isRunning(parent.row));
}

/** The stream of the account's settings; undefined when it is switched off. Asked at every look, so it makes no list of them. */
export function settingsStream(streams: ReadonlyMap<string, StreamRuntime>): StreamRuntime | undefined {
  for (const runtime of streams.values()) if (runtime.definition.isSettings) return runtime;
  return undefined;
}
