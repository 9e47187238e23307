// The rules of count check, reconciliation and hold. Pure; reconciliation-step.ts and list-step.ts ask Harvest.
//
// A count check compares Harvest's count with ours and costs one request. When it does not add up, a reconciliation of cause
// `count` looks for the place: a dated list is halved by days, and only halves that do not add up are gone into, so that k
// deletions among n rows cost O(k log n) requests; a list that goes by id is walked. A row that a list no longer has is a
// candidate, and only Harvest's own 404 for its id makes it a deletion.
//
// A reading of everything lives on slack, and takes as long as that allows. So it is counted beside it, and a search that is due
// interrupts it: a deletion is no later because its list is being read.
import { isoSeconds } from '../../base/clock.ts';
import type { StreamDefinition } from '../../streams/definition.ts';
import { holdOf, isInForce, missingReason } from '../state/hold.ts';
import type { DayRange, Reconciliation, StreamRow } from '../state/stream-row.ts';

/** A state row takes so many candidates, and so many records that answered 404, beside all else. */
export const CANDIDATES_MAX = 20_000;
export const CONFIRMED_MAX = 10_000;

/**
 * The row with more candidates, as far as it takes them: the next reconciliation, or scan, finds the others again. A confirmed
 * delete is no candidate again: asking anew would make the lists below it begin their scans anew, and so for ever in a slow account.
 */
export function withCandidates(row: StreamRow, found: readonly number[]): StreamRow {
  const known = new Set([...row.candidates, ...row.confirmed]);
  const news = [...new Set(found)].filter((id) => !known.has(id));
  const room = Math.max(0, CANDIDATES_MAX - row.candidates.length);
  return news.length === 0 ? row : { ...row, candidates: [...row.candidates, ...news.slice(0, room)] };
}

/** So many candidates wait that a reconciliation would only find them again. */
export function isFull({ candidates }: StreamRow): boolean {
  return candidates.length > CANDIDATES_MAX / 2;
}

/** The row after a count check that found `missing` rows of ours missing at Harvest (negative: Harvest has more than we). */
export function afterCount(
  row: StreamRow,
  missing: number,
  limit: number,
  now: number,
  ours: number = row.rows,
): StreamRow {
  const at = isoSeconds(now);
  const doubted = row.hold?.kind === 'cascade';
  const counted: StreamRow = { ...askedAgain(row), counted_at: at, missing };
  if (missing > limit && !row.hold?.released) {
    const reason = missingReason(missing, ours);
    return { ...counted, reconciliation: null, candidates: [], hold: holdOf(row.hold, 'missing', reason, at) };
  }
  // A role that shrank also hides members of records: what came back is read whole.
  const isBack = row.hold?.kind === 'missing' && missing <= limit;
  const released = isBack ? { hold: null, reconcile_due: 'asked' as const } : {};
  if (missing === 0) return { ...counted, ...released, explained: 0 };
  if (doubted) return counted;
  // More rows than we know are mostly just being made: only what stays is looked for.
  const isNews = missing !== row.explained && (missing > 0 || row.missing < 0);
  return { ...counted, ...released, ...(isNews && !isBack && { reconcile_due: row.reconcile_due ?? 'count' }) };
}

/** Held deletes are asked for again: a role that came back answers 200 for what was 404. */
export function askedAgain(row: StreamRow): StreamRow {
  return row.hold?.kind === 'cascade'
    ? { ...row, candidates: [...row.candidates, ...row.confirmed], confirmed: [] }
    : row;
}

/** A list that misses rows and cannot be counted is read whole so often, to see whether they are there again. */
const HELD_READING_MS = 3_600_000;

/** The row after a count check to which Harvest did not say how many there are. */
export function uncounted(row: StreamRow, now: number): StreamRow {
  const isMissing = row.hold?.kind === 'missing' && !row.hold.released;
  const isRead = row.reconciled_at !== null && Date.parse(row.reconciled_at) + HELD_READING_MS > now && row.uncounted;
  const reconcile_due = isMissing && !isRead ? 'asked' : row.reconcile_due;
  return { ...askedAgain(row), counted_at: isoSeconds(now), missing: 0, explained: 0, uncounted: true, reconcile_due };
}

type Looking = Pick<StreamRow, 'reconciliation' | 'reconcile_due'>;

/** Whether a search is under way or anything due: a count would only tell the same again. */
export function isSearched({ reconciliation, reconcile_due }: Looking): boolean {
  return reconciliation?.cause === 'count' || reconcile_due !== null;
}

/** Everything of the list is being read, step by step. */
export function isBeingRead({ reconciliation }: Pick<StreamRow, 'reconciliation'>): boolean {
  return reconciliation !== null && reconciliation.cause !== 'count';
}

/** Everything of the list is read by it: a list that goes by id is walked, whatever for. */
export function isWhole({ cause, ranges }: Reconciliation): boolean {
  return cause !== 'count' || ranges === null;
}

/** Whether the next step begins a reconciliation: there is none, or a search goes first. */
export function isToBegin(row: Looking): boolean {
  return row.reconciliation === null || (isBeingRead(row) && row.reconcile_due === 'count');
}

/** What the next step of a reconciliation is for; null when none is due but by its interval. */
export function causeOf(row: Looking): Reconciliation['cause'] | null {
  return isToBegin(row) ? row.reconcile_due : row.reconciliation!.cause;
}

/** The reconciliation that begins now. `days` are the rows of the index by day, for lists that have days. */
export function beginReconciliation(
  stream: StreamDefinition,
  cause: Reconciliation['cause'],
  missing: number,
  days: Histogram,
  interrupted: Reconciliation | null = null,
): Reconciliation {
  const ranges = stream.dated === null ? null : cause === 'count' ? searched(days, missing) : parted(days);
  const begun = { cause, started_at: '', ranges, next: null, floor: null, pages: 0, read: 0, found: 0, missing };
  return interrupted === null ? begun : { ...begun, interrupted };
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
  readonly days: ReadonlyArray<readonly [day: number, count: number]>;
  readonly undated: number;
  readonly page: number;

  constructor(counts: ReadonlyMap<number | null, number>, pageRows: number) {
    this.page = pageRows * FULL;
    this.undated = counts.get(null) ?? 0;
    this.days = [...counts].filter((entry): entry is [number, number] => entry[0] !== null).sort((a, b) => a[0] - b[0]);
  }

  /** Rows in the range; rows without a day are in the whole alone. */
  count({ from, to }: DayRange): number {
    let sum = from === null && to === null ? this.undated : 0;
    for (const [day, count] of this.days) if (day >= (from ?? day) && day <= (to ?? day)) sum += count;
    return sum;
  }

  /** The day after which half of the range's rows lie; null when they are all on one day. */
  middle(range: DayRange): number | null {
    const inside = this.days.filter(([day]) => day >= (range.from ?? day) && day <= (range.to ?? day));
    if (inside.length < 2) return null;
    const half = inside.reduce((sum, [, count]) => sum + count, 0) / 2;
    let sum = 0;
    for (const [day, count] of inside.slice(0, -1)) {
      sum += count;
      if (sum >= half) return day;
    }
    return inside.at(-2)![0];
  }
}

/** The whole list in ranges that are one page each; days with more rows than that stay whole. */
export function parted(days: Histogram): DayRange[] {
  const ranges: DayRange[] = [];
  let from: number | null = null;
  let rows = 0;
  let last: number | null = null;
  for (const [day, count] of days.days) {
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

/** The row after a step of its reconciliation: candidates found, and what ends with it. */
export function counted(
  row: StreamRow,
  reconciliation: Reconciliation,
  found: readonly number[],
  limit: number,
  now: number,
): StreamRow {
  const at = isoSeconds(now);
  const isHeld = isInForce(row.hold);
  const isTooMuch = reconciliation.found > limit;
  if (row.hold === null && isTooMuch) {
    const reason = missingReason(reconciliation.found, row.rows);
    const hold = holdOf(row.hold, 'missing', reason, at);
    return { ...row, reconciliation: null, candidates: [], reconciled_at: at, hold };
  }
  // Where nothing can be counted, a whole reading tells that they are there again; a second one finds what is not.
  const isMissing = isHeld && row.hold?.kind === 'missing';
  if (isMissing && row.uncounted && isDone(reconciliation) && !isTooMuch) {
    return { ...row, reconciliation: null, reconciled_at: at, hold: null, reconcile_due: 'asked' };
  }
  const { candidates } = isHeld ? row : withCandidates(row, found);
  const known = new Set([...candidates, ...row.confirmed]);
  const isCut = reconciliation.is_cut === true || (!isHeld && found.some((id) => !known.has(id)));
  if (!isDone(reconciliation))
    return { ...row, reconciliation: isCut ? { ...reconciliation, is_cut: true } : reconciliation, candidates };
  // The difference that is left is taken as it is until the count is another; confirm-step.ts takes off what it deletes.
  const interrupted = isWhole(reconciliation) ? null : (reconciliation.interrupted ?? null);
  const ended: StreamRow = { ...row, reconciliation: interrupted, candidates, explained: row.missing };
  if (isCut) return { ...ended, reconcile_due: 'asked' };
  if (isWhole(reconciliation)) return { ...ended, reconciled_at: at };
  // Counts that cancel each other out hide from a search; reading everything does not miss them.
  if (reconciliation.found === 0) return { ...ended, reconcile_due: 'asked' };
  return ended;
}

export function isDone(reconciliation: Reconciliation): boolean {
  return reconciliation.ranges === null
    ? reconciliation.pages > 0 && reconciliation.next === null
    : reconciliation.ranges.length === 0;
}
