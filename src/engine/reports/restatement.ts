// Published changes that may restate windows of reports. Nothing tells that a report changed (HARVEST-API, Reports): a time entry
// restates the windows of its old and its new day; a rename or a rate those in which the record has rows.
import type { Reach } from '../../streams/definition.ts';
import { type Grain, isoDay, type WeekStart, windowOf } from '../../streams/windows.ts';
import type { RowId } from '../ports.ts';
import type { Diff } from '../state/diff.ts';
import { addedTo, askForRound, type ReportPosition } from '../state/position.ts';
import { isRunning, type Move } from '../state/stream-row.ts';
import { isRoundBeingRead, type StreamRuntime, windowsBeingRead } from '../state/stream-runtime.ts';
import type { StepContext } from '../step.ts';
import { weekStartOf } from './report-span.ts';

/** What the first window of a report says is hardly older than this when it is noted. */
const ANSWERED_WITHIN_MS = 30_000;

/**
 * How reports move by `diff` of `runtime`, among the windows that were read so far or are being read: dirty are those whose
 * entries changed, touched those that anything else may have restated; a round is asked for where that may be all of them.
 */
export function restated(
  runtime: StreamRuntime,
  diff: Diff,
  { streams, settings, now }: Pick<StepContext, 'streams' | 'settings' | 'now'>,
): [StreamRuntime, Move][] {
  if (diff.changes.size === 0) return [];
  const { name } = runtime.definition;
  let recorded: ReadonlySet<string> | undefined;
  // Reports that share a reach share what is found for it: an index is walked once.
  const found = new Map<Reach, ReadonlySet<string> | null>();
  const moves: [StreamRuntime, Move][] = [];
  for (const report of streams.values()) {
    const { sources, restatedBy } = report.definition;
    if (sources.includes(name)) {
      recorded ??= windowsRecorded(runtime, diff, settings.grain, weekStartOf(streams));
      moves.push(...marked('dirty', report, recorded));
    }
    const reach = restatedBy[name];
    if (reach === undefined) continue;
    if (!found.has(reach)) found.set(reach, windowsReached(reach, runtime, diff, streams));
    const windows = found.get(reach)!;
    const isUnsure = isNews(runtime, diff, report, now());
    if (windows === null) moves.push(...(isUnsure ? askedForRound(report) : []));
    else moves.push(...marked('touched', report, [...windows, ...(isUnsure ? unseenBy(reach, report, streams) : [])]));
  }
  return moves;
}

function marked(mark: 'dirty' | 'touched', report: StreamRuntime, windows: Iterable<string>): [StreamRuntime, Move][] {
  const read = [...new Set(windows)].filter((window) => wasRead(report, window));
  if (read.length === 0) return [];
  const move: Move = (row) => {
    const position = row.position as ReportPosition;
    return { ...row, position: { ...position, [mark]: addedTo(position[mark], read, windowsBeingRead(report)) } };
  };
  return [[report, move]];
}

/** Most of what a list says when it is read for the first time was so before the report began to be read. */
function isNews({ row }: StreamRuntime, diff: Diff, report: StreamRuntime, now: number): boolean {
  const { position, complete } = report.row;
  if (row.complete || complete || position.kind !== 'report') return true;
  const begunAt = (position.scan === null ? now : Date.parse(position.scan.started_at)) - ANSWERED_WITHIN_MS;
  return [...diff.changes.values()].some((each) => each === null || (each.updatedAt ?? 0) >= begunAt);
}

/** A round over all windows of the report; none when it has read no window yet. */
export function askedForRound(report: StreamRuntime): [StreamRuntime, Move][] {
  const { position } = report.row;
  if (position.kind !== 'report' || (position.covered === null && windowsBeingRead(report).size === 0)) return [];
  const move: Move = (row) => ({
    ...row,
    position: askForRound(row.position as ReportPosition, isRoundBeingRead(report)),
  });
  return [[report, move]];
}

/** The windows of the old and the new day of every row that changes. */
function windowsRecorded({ index }: StreamRuntime, diff: Diff, grain: Grain, weekStart: WeekStart): Set<string> {
  const days = [...diff.changes].flatMap(([id, row]) => [index.get(id)?.day, row?.day]);
  return new Set(
    [...new Set(days)].flatMap((day) => (day == null ? [] : windowOf(isoDay(day), grain, weekStart).from)),
  );
}

/** The windows in which the records of `diff`, or those they belong to, are seen; null for all. */
function windowsReached(
  { seenIn, by }: Reach,
  { index }: StreamRuntime,
  diff: Diff,
  streams: ReadonlyMap<string, StreamRuntime>,
): ReadonlySet<string> | null {
  const witness = seenIn === null ? undefined : streams.get(seenIn);
  if (witness === undefined || !isRunning(witness.row)) return null;
  const ids = [...diff.changes].map(([id, row]) => (by === 'id' ? id : (row ?? index.get(id))?.group));
  return windowsWith(witness, new Set(ids.filter((id) => id != null)));
}

/** Windows of `report` that the one whose rows would tell has not read yet: it cannot tell whether they show a record. */
function unseenBy(
  { seenIn }: Reach,
  report: StreamRuntime,
  streams: ReadonlyMap<string, StreamRuntime>,
): ReadonlySet<string> {
  const witness = streams.get(seenIn!)!;
  if (witness.row.complete) return new Set();
  const shown = [...report.index.ids()].map((row) => (row as string).split('|')[0]!);
  return new Set([...shown, ...windowsBeingRead(report)].filter((window) => !isCovered(witness, window)));
}

/** Windows in which a report has rows of one of these dimension ids. */
function windowsWith({ index }: StreamRuntime, ids: ReadonlySet<RowId>): Set<string> {
  const windows = new Set<string>();
  for (const row of index.ids() as Iterable<string>) {
    const [from, , dimension] = row.split('|');
    if (ids.has(Number(dimension))) windows.add(from!);
  }
  return windows;
}

function wasRead(report: StreamRuntime, window: string): boolean {
  return windowsBeingRead(report).has(window) || isCovered(report, window);
}

function isCovered({ row: { position } }: StreamRuntime, window: string): boolean {
  if (position.kind !== 'report' || position.covered === null) return false;
  return window >= position.covered.first && window <= position.covered.last;
}
