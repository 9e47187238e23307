// What a step of a stream is: fetch what is next, compare it with the index, say how the rows move. Nothing is written here;
// the committer writes a step's result in one transaction, or the step never happened. One file per kind of stream:
// list-step.ts, child-step.ts, report-step.ts.
import { isoSeconds } from '../base/clock.ts';
import { PublisherError } from '../base/errors.ts';
import type { Grain } from '../streams/windows.ts';
import { Diff } from './diff.ts';
import type { PublisherEvent } from './events.ts';
import type { LiveStream } from './live-stream.ts';
import { type Codec, type JsonObject, PER_PAGE, type Purpose, type Source } from './ports.ts';
import type { Position, StreamRow } from './stream-row.ts';
import { advanceList, beginList, isEndless } from './sweep.ts';

export interface StepSettings {
  readonly accountId: number;
  readonly overlapMs: number;
  readonly grain: Grain;
  /** `YYYY-MM-DD`, or null for everything. */
  readonly startDate: string | null;
  readonly endDate: string | null;
}

export interface StepContext {
  readonly source: Source;
  readonly codec: Codec;
  readonly settings: StepSettings;
  readonly signal: AbortSignal;
  readonly now: () => number;
  readonly streams: ReadonlyMap<string, LiveStream>;
}

export type Move = (row: StreamRow) => StreamRow;

export interface StepResult {
  readonly live: LiveStream;
  readonly purpose: Purpose;
  /** Null when nothing was read: a change of state alone. */
  readonly diff: Diff | null;
  /** How rows move, this stream's and others'; applied in commit order to the rows as they are then. */
  readonly moves: ReadonlyMap<LiveStream, Move>;
  readonly events: readonly PublisherEvent[];
  /** A sweep ended with this step. */
  readonly swept: boolean;
  /** What went wrong although the step is worth committing (a walk begun again). */
  readonly failure?: PublisherError;
}

/** A diff against the stream's index; what is new is `r` until the first sweep has ended. */
export function newDiff(live: LiveStream, context: StepContext): Diff {
  const { row, definition, index } = live;
  return new Diff(definition, context.codec, index, {
    newOp: row.complete ? 'c' : 'r',
    refused: row.refused,
    maxValueBytes: live.maxValueBytes,
  });
}

/** The row after a good answer: running again if it was not, complete once a sweep has ended. */
export function moved(
  row: StreamRow,
  position: Position,
  purpose: Purpose,
  now: number,
  syncedTo: string | false,
): StreamRow {
  const at = isoSeconds(now);
  const running = row.state === 'RUNNING' ? {} : { state: 'RUNNING' as const, reason: null, remedy: null, since: at };
  const swept = syncedTo === false ? {} : { complete: true, synced_to: syncedTo, swept_at: at };
  return { ...row, ...running, ...swept, position, moved_at: at, moved_by: purpose };
}

/** Everything of one list, however many pages; walked again while it shifts. For lists that fit memory: children, windows. */
export async function readAll(
  live: LiveStream,
  target: { readonly query: Readonly<Record<string, string>>; readonly parent?: number },
  purpose: Purpose,
  priority: number,
  context: StepContext,
): Promise<{ records: JsonObject[]; serverTime: number }> {
  const { definition: stream } = live;
  let position: Extract<Position, { kind: 'list' }> = { kind: 'list', cursor: null, sweep: null };
  let sweep = beginList(position, 'whole', false, null);
  for (let records: JsonObject[] = []; ; ) {
    const at = sweep.next === null ? target : { link: sweep.next };
    const page = await context.source.fetchPage({ stream, target: at, purpose, priority }, context.signal);
    for (const record of page.records) records.push(record);
    const advanced = advanceList(position, sweep, page, stream.paging, 0);
    if (advanced.outcome === 'done') return { records, serverTime: Date.parse(advanced.sweep.started_at) };
    if (isEndless(advanced.sweep, PER_PAGE)) {
      throw circularLinks(stream.name);
    }
    if (advanced.outcome === 'shifted') records = [];
    position = advanced.position;
    sweep = position.sweep!;
  }
}

/** How long a sweep took. Its start is the server's time, whose clock may be ahead of ours. */
export function sweepMs(startedAt: string, now: number): number {
  return Math.max(0, now - Date.parse(startedAt));
}

/** Links that lead nowhere new: the walk begins again, after a pause. */
export function circularLinks(stream: string): PublisherError {
  return new PublisherError('harvest.unparsable', `the next links of ${stream} go in a circle`);
}
