// What is missing: the rules of tally, census and hold (design section 4). Pure; census-step.ts and list-step.ts ask Harvest.
//
// A tally compares Harvest's count with ours and costs one request. When it does not add up, a census of cause `tally` looks
// for the place: a dated list is halved by days, and only halves that do not add up are gone into, so that k deletions among n
// rows cost O(k log n) requests; a list that goes by id is walked. What a list no longer has is a suspect, and only Harvest's
// own 404 for its id makes it a deletion.
import { isoSeconds } from '../../base/clock.ts';
import type { StreamDefinition } from '../../streams/definition.ts';
import type { Census, DayRange, Hold, StreamRow } from '../state/stream-row.ts';

/** How much may be missing at once before nothing is deleted any more: a role that shrank looks like mass deletion. */
export interface HoldLimit {
  /** Share of the rows, 0 to 1. */
  readonly share: number;
  readonly atLeast: number;
}

export function limitOf(rows: number, { share, atLeast }: HoldLimit): number {
  return Math.max(atLeast, Math.floor(rows * share));
}

/** What a state row takes, beside all else: suspects, and records that answered 404. */
export const SUSPECTS_MAX = 20_000;
export const GONE_MAX = 10_000;

/** The row with more suspects, as far as it takes them. What is left out is found again: by the next census, the next sweep. */
export function withSuspects(row: StreamRow, found: readonly number[]): StreamRow {
  const known = new Set(row.suspects);
  const news = [...new Set(found)].filter((id) => !known.has(id));
  const room = Math.max(0, SUSPECTS_MAX - row.suspects.length);
  return news.length === 0 ? row : { ...row, suspects: [...row.suspects, ...news.slice(0, room)] };
}

/** So many suspects wait that a census would only find them again. */
export function isFull({ suspects }: StreamRow): boolean {
  return suspects.length > SUSPECTS_MAX / 2;
}

/** The row after a tally that found `missing` rows of ours missing at Harvest (negative: Harvest has more than we). */
export function tallied(
  row: StreamRow,
  missing: number,
  limit: number,
  now: number,
  ours: number = row.rows,
): StreamRow {
  const at = isoSeconds(now);
  const doubted = row.hold?.kind === 'cascade';
  const counted: StreamRow = { ...askedAgain(row), tallied_at: at, missing };
  if (missing > limit && !row.hold?.released) {
    const reason = missingReason(missing, ours);
    return { ...counted, census: null, suspects: [], hold: holdOf(row, 'missing', reason, at) };
  }
  // A role that shrank also hides members of records: what came back is read whole.
  const isBack = row.hold?.kind === 'missing' && missing <= limit;
  const settled = isBack ? { hold: null, census_due: 'asked' as const } : {};
  if (missing === 0) return { ...counted, ...settled, explained: 0 };
  if (doubted) return counted;
  // More rows than we know are mostly just being made: only what stays is looked for.
  const isNews = missing !== row.explained && (missing > 0 || row.missing < 0);
  return { ...counted, ...settled, ...(isNews && !isBack && { census_due: row.census_due ?? 'tally' }) };
}

/** What a held deletion would take along is asked for again: a role that came back answers 200 for what was 404. */
export function askedAgain(row: StreamRow): StreamRow {
  return row.hold?.kind === 'cascade' ? { ...row, suspects: [...row.suspects, ...row.gone], gone: [] } : row;
}

/** What is held for want of rows, and cannot be counted, is read whole so often to see whether they are there again. */
const HELD_CENSUS_MS = 3_600_000;

/** The row after a tally to which Harvest did not say how many there are. */
export function uncounted(row: StreamRow, now: number): StreamRow {
  const isMissing = row.hold?.kind === 'missing' && !row.hold.released;
  const isRead = row.census_at !== null && Date.parse(row.census_at) + HELD_CENSUS_MS > now && row.uncounted;
  const census_due = isMissing && !isRead ? 'asked' : row.census_due;
  return { ...askedAgain(row), tallied_at: isoSeconds(now), missing: 0, explained: 0, uncounted: true, census_due };
}

/** Why a stream is held that misses too much. */
export function missingReason(missing: number, rows: number): string {
  return `${missing} of ${rows} rows are missing at Harvest at once: deleted, or hidden from this token`;
}

export function holdOf(row: StreamRow, kind: Hold['kind'], reason: string, at: string): Hold {
  return { kind, reason, since: row.hold?.kind === kind ? row.hold.since : at, released: false };
}

/**
 * The row of a list without a hold of which nothing is left: it would keep deletions for ever or, once released, let
 * everything go. What was released has ended with the looking and the asking that the release began.
 */
export function withoutLeftOver(row: StreamRow): StreamRow {
  const { hold, suspects, gone, census, census_due } = row;
  if (hold === null) return row;
  const isLookedInto = hold.released && (census !== null || census_due !== null || gone.length > 0);
  const isHeldFor = { missing: !hold.released, cascade: gone.length > 0, refused: false }[hold.kind];
  return isLookedInto || isHeldFor || suspects.length > 0 ? row : { ...row, hold: null };
}

/** The census that begins now. `days` are the rows of the index by day, for lists that have days. */
export function beginCensus(
  stream: StreamDefinition,
  cause: Census['cause'],
  missing: number,
  days: Histogram,
): Census {
  const ranges = stream.dated === null ? null : cause === 'tally' ? searched(days, missing) : parted(days);
  return { cause, started_at: '', ranges, next: null, floor: null, pages: 0, read: 0, found: 0, missing };
}

/** Where a search for `missing` rows begins: with the whole, or with every page once halving would ask for more than those. */
function searched(days: Histogram, missing: number): DayRange[] {
  const pages = parted(days);
  const places = Math.max(1, Math.abs(missing));
  // Places share the first halvings; then each goes its own way down to a page, which is read.
  const requests = places * (Math.log2(Math.max(1, pages.length / places)) + 2);
  return requests < pages.length ? [{ from: null, to: null, total: null }] : pages;
}

/** A part of a page that may have grown past it by the time it is read. */
const FULL = 0.9;

/** Rows of an index by day, in ascending order, how many have no day, and how many fit into a page. */
export class Histogram {
  readonly #days: ReadonlyArray<readonly [day: number, count: number]>;
  readonly undated: number;
  readonly page: number;

  constructor(counts: ReadonlyMap<number | null, number>, pageRows: number) {
    this.page = pageRows * FULL;
    this.undated = counts.get(null) ?? 0;
    this.#days = [...counts]
      .filter((entry): entry is [number, number] => entry[0] !== null)
      .sort((a, b) => a[0] - b[0]);
  }

  /** Rows in the range; rows without a day are in the whole alone. */
  count({ from, to }: DayRange): number {
    let sum = from === null && to === null ? this.undated : 0;
    for (const [day, count] of this.#days) if (day >= (from ?? day) && day <= (to ?? day)) sum += count;
    return sum;
  }

  /** The day after which half of the range's rows lie; null when they are all on one day. */
  middle(range: DayRange): number | null {
    const inside = this.#days.filter(([day]) => day >= (range.from ?? day) && day <= (range.to ?? day));
    if (inside.length < 2) return null;
    const half = inside.reduce((sum, [, count]) => sum + count, 0) / 2;
    let sum = 0;
    for (const [day, count] of inside.slice(0, -1)) {
      sum += count;
      if (sum >= half) return day;
    }
    return inside.at(-2)![0];
  }

  days(): ReadonlyArray<readonly [day: number, count: number]> {
    return this.#days;
  }
}

/** The whole list in ranges that are one page each; days with more rows than that stay whole. */
export function parted(days: Histogram): DayRange[] {
  const ranges: DayRange[] = [];
  let from: number | null = null;
  let rows = 0;
  let last: number | null = null;
  for (const [day, count] of days.days()) {
    if (last !== null && rows + count > days.page) {
      ranges.push({ from, to: last, total: null });
      from = last + 1;
      rows = 0;
    }
    rows += count;
    last = day;
  }
  return [...ranges, { from, to: null, total: null }];
}

/** Whether the range is read rather than halved. */
export function isPage(range: DayRange, days: Histogram): boolean {
  return days.count(range) <= days.page || days.middle(range) === null;
}

/** The range in two; the second's total follows from the first's. */
export function halved(range: DayRange, days: Histogram): readonly [DayRange, DayRange] {
  const middle = days.middle(range)!;
  return [
    { from: range.from, to: middle, total: null },
    { from: middle + 1, to: range.to, total: null },
  ];
}

/** The row after a step of its census: suspects found, and what ends with it. */
export function counted(
  row: StreamRow,
  census: Census,
  found: readonly number[],
  limit: number,
  now: number,
): StreamRow {
  const at = isoSeconds(now);
  const isHeld = row.hold !== null && !row.hold.released;
  if (!isHeld && !row.hold?.released && census.found > limit) {
    const reason = missingReason(census.found, row.rows);
    return { ...row, census: null, suspects: [], census_at: at, hold: holdOf(row, 'missing', reason, at) };
  }
  // Where nothing can be counted, a whole reading tells that they are there again; a second one finds what is not.
  if (isHeld && row.uncounted && row.hold?.kind === 'missing' && isDone(census) && census.found <= limit) {
    return { ...row, census: null, census_at: at, hold: null, census_due: 'asked' };
  }
  const { suspects } = isHeld ? row : withSuspects(row, found);
  const known = new Set(suspects);
  const isCut = census.is_cut === true || (!isHeld && found.some((id) => !known.has(id)));
  if (!isDone(census)) return { ...row, census: isCut ? { ...census, is_cut: true } : census, suspects };
  // What a census could not mend is taken as it is, until the count is another; confirm-step.ts takes off what it deletes.
  const ended: StreamRow = { ...row, census: null, suspects, explained: row.missing };
  if (isCut) return { ...ended, census_due: 'asked' };
  if (census.cause !== 'tally') return { ...ended, census_at: at };
  // Counts that cancel each other out hide from a search; reading everything does not miss them.
  if (census.found === 0 && census.ranges !== null) return { ...ended, census_due: 'asked' };
  return ended;
}

export function isDone(census: Census): boolean {
  return census.ranges === null ? census.pages > 0 && census.next === null : census.ranges.length === 0;
}
