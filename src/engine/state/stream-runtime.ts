// A stream as the running process knows it: its last committed row, its index, and what is only in memory.

import type { Backoff } from '../../base/backoff.ts';
import type { PublisherError } from '../../base/errors.ts';
import type { StreamDefinition } from '../../streams/definition.ts';
import type { Signal } from '../ports.ts';
import type { RowIndex } from './row-index.ts';
import type { DerivedReading, StreamRow } from './stream-row.ts';

/** What a step does. */
export type TaskKind = 'read' | 'window' | 'signal' | 'confirm' | 'reconciliation' | 'removal' | 'second_look';

/** Requests keep failing; the stream tries again at `at`. */
export interface Retry {
  readonly error: PublisherError;
  readonly backoff: Backoff;
  readonly since: number;
  readonly at: number;
  /** What failed. Polls go on beside a reconciliation that keeps failing; while they fail themselves, everything waits. */
  readonly kind: TaskKind;
  /** A walk had to begin again: that pages come is no proof that its end does. */
  readonly ofWalk: boolean;
}

/** A refused record that is asked for again. */
export interface SecondLook {
  /** The record that its own lies below, where its address needs it. */
  readonly parent: number | null;
  readonly tries: number;
  /** Wall time of the next try. */
  readonly at: number;
}

export interface Intervals {
  readonly pollMs: number;
  readonly countMs: number;
  readonly reconcileMs: number;
}

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
  readonly intervals: Intervals;
  /** As last committed; only the committer replaces it. */
  row: StreamRow;
  /** A step is under way: one at a time, from fetch to commit, so a later answer never overtakes an earlier one (P3). */
  busy: boolean;
  /** A scan has ended in this process: until then the stream is due at once, whatever its interval. */
  scanned: boolean;
  /** A reconciliation, or a round over all windows, has ended in this process. */
  reconciled: boolean;
  retry: Retry | null;
  /** When a refused stream is asked again; in memory, so that a restart asks at once. */
  probeAt: number;
  /** When what can wait had its last step, or began to wait: see `Due.keepsPace`. */
  steppedAt: number;
  /** When report windows were last read, by their first day. */
  readonly windowReads: Map<string, number>;
  /** At which step each class of report windows was last read, by `WindowTask.why`: they take turns. */
  readonly windowTurns: Map<string, number>;
  /** Since when it waits for its next step: when its last one ended. What may begin at once is as old as this. */
  waitingSince: number;
  /** Refused records that are asked for again, by id. */
  readonly secondLooks: Map<number, SecondLook>;
  /** Next links of the walk under way: one that comes again leads in a circle. */
  readonly links: Set<string>;
  /** Parents whose children are being read right now. */
  taken: ReadonlySet<number>;
  /** First days of the windows that are being read right now. */
  takenWindows: ReadonlySet<string>;
  /**
   * Steps of this process are numbered. At which one the scan under way began, and the last one that ended; -1 for one that
   * an earlier process began. And after which step the confirmed deletes had all answered 404.
   */
  scanBegan: number;
  scannedFrom: number;
  confirmedSince: number;
  /** What people asked for, not carried out yet. */
  signals: readonly Signal[];
  lastCommitAt: number | null;
  /** What its topic takes; a larger value is a dead letter (P7), or it would stop the account. */
  maxValueBytes: number;
}

/** Whether the stream is to be read whole for something that is derived from it, by a scan that has to begin or is under way. */
export function derivedReading({ derived }: StreamRuntime): DerivedReading | null {
  const readings = derived.map(({ row: { position } }) => (position.kind === 'derived' ? position.reading : null));
  return readings.includes('due') ? 'due' : (readings.find((each) => each !== null) ?? null);
}

/** Whether the stream can be asked at all; a refused one only when its probe is due. */
export function isReadable(runtime: StreamRuntime): boolean {
  return runtime.row.state === 'RUNNING' && (runtime.parent === null || runtime.parent.row.state === 'RUNNING');
}

/** The stream of the account's settings; undefined when it is switched off. Asked at every look, so it makes no list of them. */
export function settingsStream(streams: ReadonlyMap<string, StreamRuntime>): StreamRuntime | undefined {
  for (const runtime of streams.values()) if (runtime.definition.isSettings) return runtime;
  return undefined;
}
