// A step of a list's census: a few ranges of days, or a page of a list that goes by id, against the index. Everything read is
// compared like any record, so that what drifted silently is published too; what is missing becomes a suspect.
import { isoSeconds } from '../../base/clock.ts';
import type { PublisherError } from '../../base/errors.ts';
import { beginCensus, counted, Histogram, halved, isDone, isPage, limitOf } from './reconciliation.ts';
import { bounds, countIn, isInScope } from './counts.ts';
import type { Diff } from '../state/diff.ts';
import type { PublisherEvent } from '../events.ts';
import type { LiveStream } from '../state/stream-runtime.ts';
import { type Page, PRIORITY, type RowId } from '../ports.ts';
import {
  circularLinks,
  isRefusal,
  type Move,
  newDiff,
  readAll,
  type StepContext,
  type StepResult,
  sinceStart,
  stepResult,
  sweepMs,
} from '../step.ts';
import type { Census, DayRange } from '../state/stream-row.ts';
import { heldReportsOf } from './count-check.ts';

/** Ranges that are asked for at the same time. */
const RANGES_AT_ONCE = 4;

/** What one step read of the census: how it stands now, and which rows of ours were not there. */
interface Progress {
  readonly census: Census;
  readonly missing: readonly number[];
  readonly serverTime: number | null;
  readonly failure?: PublisherError;
}

/** The next part of the census under way, or the first of the one that is due. Throws what Source throws. */
export async function censusStep(live: LiveStream, context: StepContext): Promise<StepResult> {
  const { row, definition } = live;
  const days = new Histogram(live.index.dayCounts(), context.source.pageRows);
  const census = row.census ?? beginCensus(definition, row.census_due ?? 'interval', row.missing, days);
  const priority = census.cause === 'tally' ? PRIORITY.dirty : PRIORITY.slack;
  const diff = newDiff(live, context, { seen: true });

  const progress = await (census.ranges === null
    ? pageStep(live, census, diff, priority, context)
    : rangesStep(live, census, census.ranges, days, diff, priority, context));
  const now = context.now();
  const startedAt = census.started_at || isoSeconds(progress.serverTime ?? now);
  const next: Census = { ...progress.census, started_at: startedAt, found: census.found + progress.missing.length };
  const limit = limitOf(live.index.size, context.settings.hold);
  const move: Move = (current) =>
    counted(
      { ...current, census_due: null, moved_at: isoSeconds(now), moved_by: 'census' },
      next,
      progress.missing,
      limit,
      now,
    );

  const stream = definition.name;
  const events: PublisherEvent[] = [];
  if (row.census === null) events.push({ name: 'sweep.started', stream, purpose: 'census', since: null });
  if (isDone(next)) {
    const { pages, read } = next;
    const ms = sweepMs(startedAt, now);
    events.push({ name: 'sweep.completed', stream, purpose: 'census', pages, read, ms, cursor: null });
  }
  const { failure = null } = progress;
  // Where nothing can be counted, only this vouches for what left the reports.
  const isVouched = live.row.uncounted === true && isDone(next) && next.found <= limit;
  const moves: [LiveStream, Move][] = [[live, move], ...(isVouched ? heldReportsOf(live, context) : [])];
  return stepResult(live, 'census', { diffs: [[live, diff]], moves, events, failure });
}

async function rangesStep(
  live: LiveStream,
  census: Census,
  ranges: readonly DayRange[],
  days: Histogram,
  diff: Diff,
  priority: number,
  context: StepContext,
): Promise<Progress> {
  const taken = ranges.slice(0, RANGES_AT_ONCE);
  const answers = await Promise.all(taken.map((range) => look(live, range, census, days, priority, context)));
  const missing: number[] = [];
  // Nothing can be searched for by counting: everything is read instead.
  if (answers.some(({ halves }) => halves === null)) {
    const whole = beginCensus(live.definition, 'asked', 0, days);
    return { census: { ...whole, started_at: census.started_at }, missing: [], serverTime: answers[0]!.serverTime };
  }
  const left: DayRange[] = [];
  let read = 0;
  for (const [place, answer] of answers.entries()) {
    left.push(...answer.halves!);
    if (answer.records === null) continue;
    read += answer.records.length;
    diff.add(answer.records, { accountId: context.settings.accountId });
    missing.push(...missingIn(live, taken[place]!, diff, context));
  }
  return {
    census: {
      ...census,
      ranges: [...left, ...ranges.slice(taken.length)],
      pages: census.pages + taken.length,
      read: census.read + read,
    },
    missing,
    serverTime: answers[0]!.serverTime,
  };
}

interface Look {
  /** Everything in the range; null when it was counted only. */
  readonly records: Awaited<ReturnType<typeof readAll>>['records'] | null;
  /** Its halves that have to be gone into; null when Harvest did not tell the count. */
  readonly halves: readonly DayRange[] | null;
  readonly serverTime: number;
}

/** Reads a range that is a page; in a search, counts one that is more and halves it when the count is not ours. */
async function look(
  live: LiveStream,
  range: DayRange,
  census: Census,
  days: Histogram,
  priority: number,
  context: StepContext,
): Promise<Look> {
  if (census.cause !== 'tally' || isPage(range, days)) {
    const query = { ...sinceStart(context), ...bounds(range) };
    const { records, serverTime } = await readAll(live, { query }, 'census', priority, context);
    return { records, halves: [], serverTime };
  }
  const [first, second] = halved(range, days);
  const { total, serverTime } = await countIn(live, first, priority, context);
  if (total === null) return { records: null, halves: null, serverTime };
  // The whole was counted by the tally: one question a halving tells of both halves.
  const rest = (range.total ?? days.count(range) - census.missing) - total;
  const halves = [
    { ...first, total },
    { ...second, total: rest },
  ].filter((half) => half.total !== days.count(half));
  return { records: null, halves, serverTime };
}

/** Rows of ours that belong into the range and were not in it. Rows without a day belong into the whole alone. */
function missingIn(live: LiveStream, range: DayRange, { seen }: Diff, context: StepContext): number[] {
  const { index } = live;
  const isWhole = range.from === null && range.to === null;
  const ours = isWhole
    ? [...index.ids()]
    : // Rows without a day are in no range: each is asked for, once per census, with the first.
      [...index.idsDated(range.from ?? -Infinity, range.to ?? Infinity), ...(range.from === null ? undated(live) : [])];
  return (ours as number[]).filter((id) => !seen!.has(id) && isInScope(live, id, context));
}

function undated({ index, definition }: LiveStream): RowId[] {
  if (definition.dated === null || !index.dayCounts().has(null)) return [];
  return [...index.ids()].filter((id) => index.get(id)!.day === null);
}

async function pageStep(
  live: LiveStream,
  census: Census,
  diff: Diff,
  priority: number,
  context: StepContext,
): Promise<Progress> {
  let page: Page;
  try {
    const target = census.next === null ? { query: sinceStart(context) } : { link: census.next };
    const request = { stream: live.definition, target, purpose: 'census', priority } as const;
    page = await context.source.fetchPage(request, context.signal);
  } catch (error) {
    // A stored link may outlive its cursor: the walk begins again.
    if (census.next === null || !isRefusal(error)) throw error;
    return { ...begunAgain(census), failure: error };
  }
  diff.add(page.records, { accountId: context.settings.accountId });
  const ids = page.records.map(({ id }) => id).filter((id) => typeof id === 'number');
  // The list goes by descending id (harvest-api section 3): a page speaks of all ids from its smallest to the page before.
  const above = census.floor ?? Number.POSITIVE_INFINITY;
  const floor = page.next === null ? 0 : Math.min(above, ...ids);
  if (floor === above) return { ...begunAgain(census), failure: circularLinks(live.definition.name) };
  const missing = ([...live.index.ids()] as number[]).filter(
    (id) => id >= floor && id < above && !diff.seen!.has(id) && isInScope(live, id, context),
  );
  return {
    census: { ...census, next: page.next, floor, pages: census.pages + 1, read: census.read + page.records.length },
    missing,
    serverTime: page.serverTime,
  };
}

/** The walk from its first page. */
function begunAgain(census: Census): Progress {
  return { census: { ...census, next: null, floor: null, pages: 0, read: 0 }, missing: [], serverTime: null };
}
