// How a position moves when a page, a chunk of parents or a window has been read: the cursor rules of design section 4.
// Pure: position in, position out; the times are the server's, handed in.
import { isoSeconds } from '../base/clock.ts';
import { type Grain, type WeekStart, type Window, windowAfter, windowBefore, windowOf } from '../streams/windows.ts';
import type { Page } from './ports.ts';
import type { ListSweep, Position } from './stream-row.ts';

type ListPosition = Extract<Position, { kind: 'list' }>;
type ChildPosition = Extract<Position, { kind: 'child' }>;
type ReportPosition = Extract<Position, { kind: 'report' }>;

/** A list that keeps shifting is taken as it is after so many walks; a census finds what slipped through all of them. */
export const WALKS_MAX = 5;

export type ListOutcome = 'page' | 'shifted' | 'done';

/** The sweep that a list begins when none is under way. `start` is `harvest.start_date` as a time, or null. */
export function beginList(
  position: ListPosition,
  kind: 'list' | 'whole',
  complete: boolean,
  start: string | null,
): ListSweep {
  const since = kind === 'whole' ? null : (position.cursor ?? start);
  const purpose = !complete ? 'first' : kind === 'whole' ? 'whole' : 'changes';
  return { purpose, since, started_at: '', next: null, pages: 0, read: 0, total: null, shifted: false, walk: 1 };
}

/** The position after `page` of `sweep`; the cursor moves only when the whole sweep is done. */
export function advanceList(
  position: ListPosition,
  sweep: ListSweep,
  page: Page,
  paging: 'cursor' | 'page' | 'none',
  overlapMs: number,
): { readonly position: ListPosition; readonly outcome: ListOutcome; readonly sweep: ListSweep } {
  const first = sweep.pages === 0;
  const walked: ListSweep = {
    ...sweep,
    // The cursor comes from the very first answer, also when the list is walked again: an earlier time only re-reads.
    started_at: sweep.started_at === '' ? isoSeconds(page.serverTime) : sweep.started_at,
    next: page.next,
    pages: sweep.pages + 1,
    read: sweep.read + page.records.length,
    total: first ? page.totalEntries : sweep.total,
    // Cursor lists go by id and cannot shift (harvest-api section 3).
    shifted: sweep.shifted || (paging === 'page' && !first && isOther(page.totalEntries, sweep.total)),
  };
  if (page.next !== null) return { position: { ...position, sweep: walked }, outcome: 'page', sweep: walked };

  const slipped = walked.shifted || (paging === 'page' && walked.total !== null && walked.read !== walked.total);
  if (slipped && walked.walk < WALKS_MAX) {
    const again: ListSweep = { ...restartWalk(walked), walk: walked.walk + 1 };
    return { position: { ...position, sweep: again }, outcome: 'shifted', sweep: walked };
  }
  const cursor = isoSeconds(Date.parse(walked.started_at) - overlapMs);
  return { position: { ...position, cursor, sweep: null }, outcome: 'done', sweep: walked };
}

/** Whether two totals differ; one that is not told says nothing. */
function isOther(one: number | null, other: number | null): boolean {
  return one !== null && other !== null && one !== other;
}

/** The same sweep from its first page: its next link is no longer good, or the list shifted. */
export function restartWalk(sweep: ListSweep): ListSweep {
  return { ...sweep, next: null, pages: 0, read: 0, total: null, shifted: false };
}

/** Links that go in a circle never end: a walk far beyond its own total is one. */
export function isEndless(sweep: ListSweep, perPage: number): boolean {
  return sweep.total !== null && sweep.pages > 10 + 3 * Math.ceil(sweep.total / perPage);
}

/** Adds changed parents. One that is being read right now (`taken`) is added again: what changed may be too new for that read. */
export function addPending(
  position: ChildPosition,
  parents: readonly number[],
  taken: ReadonlySet<number>,
  at: string,
): ChildPosition {
  const pending = addedTo(position.pending, parents, taken);
  return { ...position, pending, pending_since: pending.length === 0 ? null : (position.pending_since ?? at) };
}

/** Takes visited parents off the list, one entry each. */
export function removePending(position: ChildPosition, visited: readonly number[]): ChildPosition {
  const pending = takenOff(position.pending, visited);
  return { ...position, pending, pending_since: pending.length === 0 ? null : position.pending_since };
}

/** `list` with what it does not hold yet of `more`; what is being read right now (`taken`) is added again. */
export function addedTo<T>(list: readonly T[], more: readonly T[], taken: ReadonlySet<T>): readonly T[] {
  const waiting = new Set(list);
  const added = more.filter((each) => !waiting.has(each) || taken.has(each));
  return added.length === 0 ? list : [...list, ...new Set(added)];
}

/** `list` without `done`, one entry each: what was added while it was being read stays. */
export function takenOff<T>(list: readonly T[], done: readonly T[]): readonly T[] {
  const gone = new Set(done);
  return list.filter((each) => !gone.delete(each));
}

/** The windows a report stream should hold, from the first to the last. */
export interface Span {
  readonly first: Window;
  readonly last: Window;
}

export function spanOf(firstDate: string, lastDate: string, grain: Grain, weekStart: WeekStart): Span {
  const first = windowOf(firstDate <= lastDate ? firstDate : lastDate, grain, weekStart);
  return { first, last: windowOf(lastDate, grain, weekStart) };
}

/** The next window of `span` never read: the newest first, for it is what people look at, then back in time. Null when all are. */
export function nextWindow(position: ReportPosition, span: Span, weekStart: WeekStart): Window | null {
  const { covered, grain } = position;
  if (covered === null) return span.last;
  if (covered.last < span.last.from) return windowAfter(windowOf(covered.last, grain, weekStart), grain, weekStart);
  if (covered.first > span.first.from) return windowBefore(windowOf(covered.first, grain, weekStart), grain, weekStart);
  return null;
}

export function coverWindow(position: ReportPosition, window: Window): ReportPosition {
  const { covered } = position;
  const first = covered && covered.first < window.from ? covered.first : window.from;
  const last = covered && covered.last > window.from ? covered.last : window.from;
  return { ...position, covered: { first, last } };
}
