// What a step of a stream is: fetch what is next, compare it with the index, say how the rows move. Nothing is written here;
// the committer writes a step's result in one transaction, or the step never happened. One file per kind of stream:
// list-step.ts, child-step.ts, report-step.ts.
import { isoSeconds } from '../base/clock.ts';
import { PublisherError } from '../base/errors.ts';
import type { Grain } from '../streams/windows.ts';
import type { HoldLimit } from './deletions/reconciliation.ts';
import type { PublisherEvent } from './events.ts';
import type { Codec, JsonObject, Purpose, Source } from './ports.ts';
import { Diff } from './state/diff.ts';
import { replacedText } from './state/drift.ts';
import type { Position, StreamRow } from './state/stream-row.ts';
import type { StreamRuntime } from './state/stream-runtime.ts';
import { advanceList, beginList, isEndless } from './steps/scan.ts';

export interface StepSettings {
  readonly accountId: number;
  readonly overlapMs: number;
  readonly grain: Grain;
  /** `YYYY-MM-DD`, or null for everything. */
  readonly startDate: string | null;
  readonly endDate: string | null;
  readonly hold: HoldLimit;
  /** Whether running timers are read at every poll, so that their hours tick on the topic too. */
  readonly pollTimers: boolean;
}

export interface StepContext {
  readonly source: Source;
  readonly codec: Codec;
  readonly settings: StepSettings;
  readonly signal: AbortSignal;
  readonly now: () => number;
  readonly streams: ReadonlyMap<string, StreamRuntime>;
  /** The number of this step. */
  readonly number: number;
  /** Everything that is due is to be caught up, however often. */
  readonly once: boolean;
}

export type Move = (row: StreamRow) => StreamRow;

export interface StepResult {
  readonly runtime: StreamRuntime;
  readonly purpose: Purpose;
  /** What was read, by stream; nothing when only a state changes. */
  readonly diffs: ReadonlyMap<StreamRuntime, Diff>;
  /** How rows move, this stream's and others'; applied in the order of commits to the rows as they are then. */
  readonly moves: ReadonlyMap<StreamRuntime, Move>;
  readonly events: readonly PublisherEvent[];
  /** A scan ended with this step. */
  readonly scanned: boolean;
  /** This step is part of a scan that reads everything: of a snapshot, a reconciliation, a slow scan. */
  readonly whole: WholeScan | null;
  /** Records answered 404 in this step and wait for their tombstones. */
  readonly deletes: boolean;
  /** Signals that this step carries out. */
  readonly signalsDone: readonly string[];
  /** What went wrong although the step is worth committing (a walk begun again). */
  readonly failure: PublisherError | null;
}

/** A scan that reads everything, as one of its steps tells it: the step may be its first, its last, or both. */
export interface WholeScan {
  readonly begins: boolean;
  readonly ends: boolean;
  /** When it began, by the server's clock. */
  readonly startedAt: string;
}

interface StepParts extends Partial<Omit<StepResult, 'diffs' | 'moves'>> {
  readonly diffs?: Iterable<readonly [StreamRuntime, Diff]>;
  readonly moves: Iterable<readonly [StreamRuntime, Move]>;
}

/** A result with everything that is usually nothing left out. Several moves of one stream follow one another. */
export function stepResult(
  runtime: StreamRuntime,
  purpose: Purpose,
  { diffs = [], moves, ...rest }: StepParts,
): StepResult {
  const chained = new Map<StreamRuntime, Move>();
  for (const [stream, move] of moves) {
    const before = chained.get(stream);
    chained.set(stream, before ? (row) => move(before(row)) : move);
  }
  const usual = { events: [], scanned: false, whole: null, deletes: false, signalsDone: [], failure: null };
  return { ...usual, ...rest, runtime, purpose, diffs: new Map(diffs), moves: chained };
}

/** `harvest.start_date` as the filter that bounds snapshots, count checks and reconciliations. */
export function sinceStart({ settings }: Pick<StepContext, 'settings'>): Record<string, string> {
  return settings.startDate === null ? {} : { updated_since: startOf(settings.startDate) };
}

export function startOf(date: string): string {
  return `${date}T00:00:00Z`;
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

/** The row after a good answer: running again if it was not, complete once a scan has ended. */
export function moved(
  row: StreamRow,
  position: Position,
  purpose: Purpose,
  now: number,
  syncedTo: string | false,
): StreamRow {
  const at = isoSeconds(now);
  const running = row.state === 'RUNNING' ? {} : { state: 'RUNNING' as const, reason: null, remedy: null, since: at };
  const scanned = syncedTo === false ? {} : { complete: true, synced_to: syncedTo, scanned_at: at };
  return { ...row, ...running, ...scanned, position, moved_at: at, moved_by: purpose };
}

/** The result with a notice, when what it read held text that had to be replaced for the first time. */
export function withReplacedText(result: StepResult, { source }: StepContext): StepResult {
  const { runtime, purpose, ...parts } = result;
  if (!source.takeReplaced(runtime.definition) || runtime.row.replaced_text) return result;
  const move: Move = (row) => ({ ...row, replaced_text: true });
  return stepResult(runtime, purpose, {
    ...parts,
    moves: [...result.moves, [runtime, move]],
    events: [...result.events, replacedText(runtime.definition)],
  });
}

/** Everything of one list, however many pages; walked again while it shifts. For lists that fit memory: children, windows. */
export async function readAll(
  runtime: StreamRuntime,
  target: { readonly query: Readonly<Record<string, string>>; readonly parent?: number },
  purpose: Purpose,
  priority: number,
  context: StepContext,
): Promise<{ records: JsonObject[]; serverTime: number; pages: number }> {
  const { definition: stream } = runtime;
  let position: Extract<Position, { kind: 'list' }> = { kind: 'list', cursor: null, scan: null };
  let scan = beginList(position, 'whole', false, null);
  const links = new Set<string | null>();
  for (let records: JsonObject[] = []; ; ) {
    const at = scan.next === null ? target : { link: scan.next };
    const page = await context.source.fetchPage({ stream, target: at, purpose, priority }, context.signal);
    for (const record of page.records) records.push(record);
    const advanced = advanceList(position, scan, page, stream.paging, 0);
    if (advanced.outcome === 'done') {
      const { started_at, pages } = advanced.scan;
      return { records, serverTime: Date.parse(started_at), pages };
    }
    if (isEndless(advanced.scan, context.source.pageRows) || links.has(page.next)) throw circularLinks(stream.name);
    if (advanced.outcome === 'shifted') {
      records = [];
      links.clear();
    } else links.add(page.next);
    position = advanced.position;
    scan = position.scan!;
  }
}

/** How long a scan took. Its start is the server's time, whose clock may be ahead of ours. */
export function scanMs(startedAt: string, now: number): number {
  return Math.max(0, now - Date.parse(startedAt));
}

/** Links that lead nowhere new: the walk begins again, after a pause. */
export function circularLinks(stream: string): PublisherError {
  return new PublisherError('harvest.unparsable', `the next links of ${stream} go in a circle`);
}

/** Harvest refuses the request itself, as it does for a link that is no longer good. */
export function isRefusal(error: unknown): error is PublisherError {
  return (
    error instanceof PublisherError &&
    (error.code === 'harvest.refused' || error.code === 'harvest.not_found' || error.code === 'harvest.foreign_link')
  );
}
