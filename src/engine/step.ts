// A step fetches what its claim says, compares it with the index, and says how the rows move and what is to be remembered. It
// writes nothing: the committer writes its result in one transaction, or the step never happened. Each kind of step has its own
// file, in steps/, reports/ or deletions/.
import type { PublisherError } from '../base/errors.ts';
import type { Grain } from '../streams/windows.ts';
import type { PublisherEvent } from './events.ts';
import type { Pace, PollingSettings } from './pace/polling.ts';
import type { Codec, Purpose, Source } from './ports.ts';
import { Diff } from './state/diff.ts';
import type { HoldLimit } from './state/hold.ts';
import type { Memory } from './state/memory.ts';
import type { Move } from './state/stream-row.ts';
import type { StreamRuntime } from './state/stream-runtime.ts';

export interface StepSettings {
  readonly accountId: number;
  readonly overlapMs: number;
  readonly grain: Grain;
  /** `YYYY-MM-DD`, or null for everything. */
  readonly startDate: string | null;
  readonly endDate: string | null;
  readonly hold: HoldLimit;
  readonly polling: PollingSettings;
  /** A report window whose entries change all the time is read again after this long. */
  readonly restateMs: number;
  /** Whether running timers are read at every poll, so that their hours tick on the topic too. */
  readonly pollTimers: boolean;
}

/** How often a stream is read. */
export interface StreamPace extends Pace {
  /** Wall time (ms): a list that was not counted since then is to be counted. */
  readonly countSince: number;
}

export interface StepContext {
  readonly source: Source;
  readonly codec: Codec;
  readonly settings: StepSettings;
  readonly signal: AbortSignal;
  readonly now: () => number;
  readonly streams: ReadonlyMap<string, StreamRuntime>;
  /** Steps of this process that have begun so far. */
  readonly stepsBegun: () => number;
  /** How often a stream is read now. */
  readonly paceOf: (runtime: StreamRuntime) => StreamPace;
  /** Everything that is due is to be caught up, however often. */
  readonly once: boolean;
}

export interface StepResult {
  readonly runtime: StreamRuntime;
  readonly purpose: Purpose;
  /** Records that were read, by stream; none when only a state changes. */
  readonly diffs: ReadonlyMap<StreamRuntime, Diff>;
  /** How rows move, this stream's and others'. */
  readonly moves: ReadonlyMap<StreamRuntime, Move>;
  /** The memory of this stream once the result is committed. */
  readonly memory: Memory;
  readonly events: readonly PublisherEvent[];
  /** A scan ended with this step. */
  readonly scanned: boolean;
  /** This step is part of a scan that reads everything: of a snapshot, a reconciliation, a slow scan. */
  readonly whole: WholeScan | null;
  /** Signals that this step carries out. */
  readonly signalsDone: readonly string[];
  /** The failure of a step that is worth committing all the same (a walk begun again). */
  readonly failure: PublisherError | null;
}

/** A scan that reads everything, as one of its steps tells it: the step may be its first, its last, or both. */
export interface WholeScan {
  readonly begins: boolean;
  readonly ends: boolean;
  /** When it began, by the server's clock. */
  readonly startedAt: string;
}

export interface StepParts extends Partial<Omit<StepResult, 'diffs' | 'moves' | 'memory'>> {
  readonly diffs?: Iterable<readonly [StreamRuntime, Diff]>;
  readonly moves: Iterable<readonly [StreamRuntime, Move]>;
  /** The members of the memory that change. */
  readonly memory?: Partial<Memory>;
}

/** A result with everything that is usually nothing left out. Several moves of one stream follow one another. */
export function stepResult(
  runtime: StreamRuntime,
  purpose: Purpose,
  { diffs = [], moves, memory, ...rest }: StepParts,
): StepResult {
  const usual = { events: [], scanned: false, whole: null, signalsDone: [], failure: null };
  return {
    ...{ ...usual, ...rest, runtime, purpose },
    diffs: new Map(diffs),
    moves: chained(moves),
    memory: { ...runtime.memory, ...memory },
  };
}

/** The result with what follows from it. */
export function withMore(result: StepResult, { diffs = [], moves, events = [], memory }: StepParts): StepResult {
  return {
    ...result,
    diffs: new Map([...result.diffs, ...diffs]),
    moves: chained([...result.moves, ...moves]),
    events: [...result.events, ...events],
    memory: { ...result.memory, ...memory },
  };
}

function chained(moves: StepParts['moves']): Map<StreamRuntime, Move> {
  const chains = new Map<StreamRuntime, Move>();
  for (const [stream, move] of moves) {
    const before = chains.get(stream);
    chains.set(stream, before ? (row) => move(before(row)) : move);
  }
  return chains;
}

/**
 * A diff against the stream's index; what is new is `r` until the snapshot has ended. With `seen` it keeps the ids of all
 * records, for lists that are complete.
 */
export function newDiff(runtime: StreamRuntime, context: StepContext, { seen = false } = {}): Diff {
  const { row, definition, index, derived } = runtime;
  return new Diff(definition, context.codec, index, {
    newOp: row.complete ? 'c' : 'r',
    refused: row.refused,
    maxValueBytes: runtime.maxValueBytes,
    seen,
    accepted: derived.length > 0,
  });
}

/** The event of a scan that has ended. */
export function scanCompleted(
  { definition }: StreamRuntime,
  purpose: Purpose,
  { started_at, pages, read }: { readonly started_at: string; readonly pages: number; readonly read: number },
  now: number,
  cursor: string | null = null,
): PublisherEvent {
  // A scan starts at the server's time, whose clock may be ahead of ours.
  const ms = Math.max(0, now - Date.parse(started_at));
  return { name: 'scan.completed', stream: definition.name, purpose, pages, read, ms, cursor };
}
