// Where the reading of a stream stands, and how that moves when a page, a few parents or a window have been read: the cursor moves
// only when a whole scan is committed. Pure: position in, position out; the times are the server's, handed in.
import { isoSeconds } from '../../base/clock.ts';
import type { StreamDefinition } from '../../streams/definition.ts';
import type { Grain } from '../../streams/windows.ts';
import type { Page } from '../ports.ts';

/** A walk over a list, page by page. */
export interface ListScan {
  readonly purpose: 'snapshot' | 'poll' | 'whole';
  /** The `updated_since` of the walk; null reads everything. */
  readonly since: string | null;
  /** `Date` of the walk's very first answer: what the next cursor is made from. */
  readonly started_at: string;
  /** The place in the walk: `links.next`; null before the first page of a walk. */
  readonly next: string | null;
  readonly pages: number;
  readonly read: number;
  /** `total_entries` of the first page. */
  readonly total: number | null;
  /** A page said another total than the first: rows may have slipped between pages. */
  readonly shifted: boolean;
  /** 1, or more when the list shifted and is walked again. */
  readonly walk: number;
}

/** A visit to all parents, in the order of their ids. */
export interface ParentScan {
  readonly started_at: string;
  readonly after: number;
  readonly visited: number;
  readonly read: number;
  /** Rows of ours that their parents' lists no longer had. */
  readonly missing: number;
}

/** A round over all windows of a report that were read before, the newest first; `before` is the last one done. */
export interface WindowRound {
  readonly started_at: string;
  readonly before: string | null;
  /** Something that may restate every window has happened since it began: another round follows. */
  readonly again: boolean;
}

/** A round that is asked for. */
export const NOT_BEGUN: WindowRound = { started_at: '', before: null, again: false };

/** The first reading of all windows of a report. */
export interface WindowScan {
  readonly started_at: string;
  readonly windows: number;
  readonly read: number;
}

export interface ListPosition {
  readonly kind: 'list';
  readonly cursor: string | null;
  readonly scan: ListScan | null;
}

export interface ChildPosition {
  readonly kind: 'child';
  /** Parents that changed and whose children are still to be read; first come, first served. */
  readonly pending: readonly number[];
  /** Since when there are any. */
  readonly pending_since: string | null;
  readonly scan: ParentScan | null;
}

export interface ReportPosition {
  readonly kind: 'report';
  readonly grain: Grain;
  /** First days of the oldest and the newest window read so far; all between are read too. */
  readonly covered: { readonly first: string; readonly last: string } | null;
  readonly scan: WindowScan | null;
  /** First days of windows whose entries changed; read before anything else. */
  readonly dirty: readonly string[];
  /** First days of windows that something else may have restated (a rename, a rate); read when there is slack. */
  readonly touched: readonly string[];
  /** First days of windows whose missing rows are held. */
  readonly held: readonly string[];
  readonly round: WindowRound | null;
  /** When the last round, or the first reading of all windows, ended; null when another is to follow. */
  readonly round_at: string | null;
}

export interface DerivedPosition {
  readonly kind: 'derived';
  /** Whether all parents are to be read for it: by their next whole scan, or by the one under way. */
  readonly reading: DerivedReading | null;
}

export type DerivedReading = 'due' | 'under_way';

export type Position = ListPosition | ChildPosition | ReportPosition | DerivedPosition;

/** The position of a stream that was never read. */
export function freshPosition({ kind }: StreamDefinition, grain: Grain): Position {
  switch (kind) {
    case 'list':
    case 'whole':
      return { kind: 'list', cursor: null, scan: null };
    case 'child':
      return { kind: 'child', pending: [], pending_since: null, scan: null };
    case 'report':
      return { kind: 'report', grain, ...NO_WINDOWS };
    case 'derived':
      return { kind: 'derived', reading: 'due' };
  }
}

const NO_WINDOWS = {
  covered: null,
  scan: null,
  dirty: [],
  touched: [],
  held: [],
  round: null,
  round_at: null,
} as const;

/** A list that keeps shifting is taken as it is after so many walks; a reconciliation finds what slipped through all of them. */
export const WALKS_MAX = 5;

export type ListOutcome = 'page' | 'shifted' | 'done';

/** The scan that a list begins when none is under way. `start` is `harvest.start_date` as a time, or null. */
export function beginList(
  position: ListPosition,
  kind: 'list' | 'whole',
  complete: boolean,
  start: string | null,
): ListScan {
  const since = kind === 'whole' ? null : (position.cursor ?? start);
  const purpose = !complete ? 'snapshot' : kind === 'whole' ? 'whole' : 'poll';
  return { purpose, since, started_at: '', next: null, pages: 0, read: 0, total: null, shifted: false, walk: 1 };
}

/** The position after `page` of `scan`; the cursor moves only when the whole scan is done. */
export function advanceList(
  position: ListPosition,
  scan: ListScan,
  page: Page,
  paging: 'cursor' | 'page' | 'none',
  overlapMs: number,
): { readonly position: ListPosition; readonly outcome: ListOutcome; readonly scan: ListScan } {
  const first = scan.pages === 0;
  const walked: ListScan = {
    ...scan,
    // The cursor comes from the very first answer, also when the list is walked again: an earlier time only re-reads.
    started_at: scan.started_at === '' ? isoSeconds(page.serverTime) : scan.started_at,
    next: page.next,
    pages: scan.pages + 1,
    read: scan.read + page.records.length,
    total: first ? page.totalEntries : scan.total,
    // Cursor lists go by id and cannot shift (HARVEST-API, Pagination).
    shifted: scan.shifted || (paging === 'page' && !first && isOther(page.totalEntries, scan.total)),
  };
  if (page.next !== null) return { position: { ...position, scan: walked }, outcome: 'page', scan: walked };

  const slipped = walked.shifted || (paging === 'page' && walked.total !== null && walked.read !== walked.total);
  if (slipped && walked.walk < WALKS_MAX) {
    const again: ListScan = { ...restartWalk(walked), walk: walked.walk + 1 };
    return { position: { ...position, scan: again }, outcome: 'shifted', scan: walked };
  }
  const cursor = isoSeconds(Date.parse(walked.started_at) - overlapMs);
  return { position: { ...position, cursor, scan: null }, outcome: 'done', scan: walked };
}

/** Whether two totals differ; one that is not told says nothing. */
function isOther(one: number | null, other: number | null): boolean {
  return one !== null && other !== null && one !== other;
}

/** The same scan from its first page: its next link is no longer good, or the list shifted. */
export function restartWalk(scan: ListScan): ListScan {
  return { ...scan, next: null, pages: 0, read: 0, total: null, shifted: false };
}

/** A poll is on time for so many pages. What follows on them (an import, days without us) would make all other polls late. */
const TIMELY_PAGES = 3;

/** Whether the walk goes with the snapshots, not with the polls: it is one, or a list is read from its beginning again. */
export function isLong({ purpose, since, pages }: ListScan): boolean {
  return purpose === 'snapshot' || since === null || pages >= TIMELY_PAGES;
}

/** Links that go in a circle never end: a walk far beyond its own total is one. */
export function isEndless(scan: ListScan, perPage: number): boolean {
  return scan.total !== null && scan.pages > 10 + 3 * Math.ceil(scan.total / perPage);
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

/**
 * `list` with what it does not hold yet of `more`. What is being read right now (`taken`) is added again, once: for that reading takes
 * one off (`takenOff`), and what changed may be too new for it.
 */
export function addedTo<T>(list: readonly T[], more: readonly T[], taken: ReadonlySet<T>): readonly T[] {
  const times = new Map<T, number>();
  for (const each of list) times.set(each, (times.get(each) ?? 0) + 1);
  const added = [...new Set(more)].filter((each) => (times.get(each) ?? 0) < (taken.has(each) ? 2 : 1));
  return added.length === 0 ? list : [...list, ...added];
}

/**
 * Every window is to be read again: in a round that has not begun, or in another one after the round under way, one window of which
 * `isBeingRead` at the least.
 */
export function askForRound(position: ReportPosition, isBeingRead: boolean): ReportPosition {
  const { before, again } = position.round ?? NOT_BEGUN;
  return { ...position, round: { ...(position.round ?? NOT_BEGUN), again: again || isBeingRead || before !== null } };
}

/** Windows whose missing rows are held are read again. */
export function withoutHeld(position: ReportPosition): ReportPosition {
  return { ...position, touched: addedTo(position.touched, position.held, new Set()), held: [] };
}

/** `list` without `done`, one entry each: what was added while it was being read stays. */
export function takenOff<T>(list: readonly T[], done: readonly T[]): readonly T[] {
  const removed = new Set(done);
  return list.filter((each) => !removed.delete(each));
}

/**
 * The next of a report's `windows` (first days, ascending) that was never read: the current one, for it is what people look
 * at, then newer ones, then back in time. Null when all are.
 */
export function nextWindow({ covered }: ReportPosition, windows: readonly string[], current: string): string | null {
  if (covered === null) return current;
  return windows.find((from) => from > covered.last) ?? windows.findLast((from) => from < covered.first) ?? null;
}

/** The window that begins on `from` was read; what lies between and was not, is to be read now. */
export function coverWindow(position: ReportPosition, from: string, windows: readonly string[]): ReportPosition {
  const { covered } = position;
  if (covered === null) return { ...position, covered: { first: from, last: from } };
  const first = covered.first < from ? covered.first : from;
  const last = covered.last > from ? covered.last : from;
  const between = (each: string) => (each > covered.last && each < from) || (each < covered.first && each > from);
  const skipped = windows.filter(between);
  return { ...position, covered: { first, last }, dirty: addedTo(position.dirty, skipped, new Set()) };
}

/** Covers no more than there are `windows`: what had one record, of a mistyped date that was mended, is none any more. */
export function shrinkCovered(position: ReportPosition, windows: readonly string[]): ReportPosition {
  const { covered } = position;
  if (covered === null) return position;
  const inside = windows.filter((from) => from >= covered.first && from <= covered.last);
  const [first, last] = [inside[0], inside.at(-1)];
  return { ...position, covered: first === undefined || last === undefined ? null : { first, last } };
}
