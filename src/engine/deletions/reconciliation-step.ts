// A step of a list's reconciliation: a few ranges of days, or a page of a list that goes by id, against the index. Everything read is
// compared like any record, so that what drifted silently is published too; what is missing becomes a candidate.
import { isoSeconds } from '../../base/clock.ts';
import type { PublisherError } from '../../base/errors.ts';
import type { PublisherEvent } from '../events.ts';
import { circularLinks, isRefusal, readAll, sinceStart } from '../fetch.ts';
import { type Page, PRIORITY, type RowId } from '../ports.ts';
import type { Diff } from '../state/diff.ts';
import { limitOf } from '../state/hold.ts';
import type { DayRange, Move, Reconciliation } from '../state/stream-row.ts';
import type { Claim, StreamRuntime } from '../state/stream-runtime.ts';
import { newDiff, type StepContext, type StepResult, scanCompleted, stepResult } from '../step.ts';
import { heldReportsOf } from './count-check.ts';
import { bounds, countIn, isInScope } from './counts.ts';
import { beginReconciliation, counted, Histogram, halved, isDone, isPage } from './reconciliation.ts';

/** Ranges that are asked for at the same time. */
const RANGES_AT_ONCE = 4;

/** What one step read of the reconciliation: how it stands now, and which rows of ours were not there. */
interface Progress {
  readonly reconciliation: Reconciliation;
  readonly missing: readonly number[];
  readonly serverTime: number | null;
  readonly failure?: PublisherError;
}

/** The next part of the reconciliation under way, or the first of the one that is due. Throws what Source throws. */
export async function reconciliationStep({ runtime }: Claim, context: StepContext): Promise<StepResult> {
  const { row, definition } = runtime;
  const days = new Histogram(runtime.index.dayCounts(), context.source.pageRows);
  const reconciliation =
    row.reconciliation ?? beginReconciliation(definition, row.reconcile_due ?? 'interval', row.missing, days);
  const priority = reconciliation.cause === 'count' ? PRIORITY.dirty : PRIORITY.slack;
  const diff = newDiff(runtime, context, { seen: true });

  const progress = await (reconciliation.ranges === null
    ? pageStep(runtime, reconciliation, diff, priority, context)
    : rangesStep(runtime, reconciliation, reconciliation.ranges, days, diff, priority, context));
  const now = context.now();
  const startedAt = reconciliation.started_at || isoSeconds(progress.serverTime ?? now);
  const next: Reconciliation = {
    ...progress.reconciliation,
    started_at: startedAt,
    found: reconciliation.found + progress.missing.length,
  };
  const limit = limitOf(runtime.index.size, context.settings.hold);
  const move: Move = (current) =>
    counted(
      { ...current, reconcile_due: null, moved_at: isoSeconds(now), moved_by: 'reconciliation' },
      next,
      progress.missing,
      limit,
      now,
    );

  const events: PublisherEvent[] = [];
  if (row.reconciliation === null)
    events.push({ name: 'scan.started', stream: definition.name, purpose: 'reconciliation', since: null });
  if (isDone(next)) events.push(scanCompleted(runtime, 'reconciliation', next, now));
  const { failure = null } = progress;
  // Where nothing can be counted, only this vouches for what left the reports.
  const isVouched = runtime.row.uncounted === true && isDone(next) && next.found <= limit;
  const moves: [StreamRuntime, Move][] = [[runtime, move], ...(isVouched ? heldReportsOf(runtime, context) : [])];
  return stepResult(runtime, 'reconciliation', { diffs: [[runtime, diff]], moves, events, failure });
}

async function rangesStep(
  runtime: StreamRuntime,
  reconciliation: Reconciliation,
  ranges: readonly DayRange[],
  days: Histogram,
  diff: Diff,
  priority: number,
  context: StepContext,
): Promise<Progress> {
  const taken = ranges.slice(0, RANGES_AT_ONCE);
  const answers = await Promise.all(
    taken.map((range) => look(runtime, range, reconciliation, days, priority, context)),
  );
  const missing: number[] = [];
  // Nothing can be searched for by counting: everything is read instead.
  if (answers.some(({ halves }) => halves === null)) {
    const whole = beginReconciliation(runtime.definition, 'asked', 0, days);
    return {
      reconciliation: { ...whole, started_at: reconciliation.started_at },
      missing: [],
      serverTime: answers[0]!.serverTime,
    };
  }
  const left: DayRange[] = [];
  let read = 0;
  for (const [place, answer] of answers.entries()) {
    left.push(...answer.halves!);
    if (answer.records === null) continue;
    read += answer.records.length;
    diff.add(answer.records, { accountId: context.settings.accountId });
    missing.push(...missingIn(runtime, taken[place]!, diff, context));
  }
  return {
    reconciliation: {
      ...reconciliation,
      ranges: [...left, ...ranges.slice(taken.length)],
      pages: reconciliation.pages + taken.length,
      read: reconciliation.read + read,
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
  runtime: StreamRuntime,
  range: DayRange,
  reconciliation: Reconciliation,
  days: Histogram,
  priority: number,
  context: StepContext,
): Promise<Look> {
  if (reconciliation.cause !== 'count' || isPage(range, days)) {
    const query = { ...sinceStart(context), ...bounds(range) };
    const { records, serverTime } = await readAll(runtime, { query }, 'reconciliation', priority, context);
    return { records, halves: [], serverTime };
  }
  const [first, second] = halved(range, days);
  const { total, serverTime } = await countIn(runtime, first, priority, context);
  if (total === null) return { records: null, halves: null, serverTime };
  // The whole was counted by the count check: one question a halving tells of both halves.
  const rest = (range.total ?? days.count(range) - reconciliation.missing) - total;
  const halves = [
    { ...first, total },
    { ...second, total: rest },
  ].filter((half) => half.total !== days.count(half));
  return { records: null, halves, serverTime };
}

/** Rows of ours that belong into the range and were not in it. Rows without a day belong into the whole alone. */
function missingIn(runtime: StreamRuntime, range: DayRange, { seen }: Diff, context: StepContext): number[] {
  const { index } = runtime;
  const isWhole = range.from === null && range.to === null;
  const ours = isWhole
    ? [...index.ids()]
    : // Rows without a day are in no range: each is asked for, once per reconciliation, with the first.
      [
        ...index.idsDated(range.from ?? -Infinity, range.to ?? Infinity),
        ...(range.from === null ? undated(runtime) : []),
      ];
  return (ours as number[]).filter((id) => !seen!.has(id) && isInScope(runtime, id, context));
}

function undated({ index, definition }: StreamRuntime): RowId[] {
  if (definition.dated === null || !index.dayCounts().has(null)) return [];
  return [...index.ids()].filter((id) => index.get(id)!.day === null);
}

async function pageStep(
  runtime: StreamRuntime,
  reconciliation: Reconciliation,
  diff: Diff,
  priority: number,
  context: StepContext,
): Promise<Progress> {
  let page: Page;
  try {
    const target = reconciliation.next === null ? { query: sinceStart(context) } : { link: reconciliation.next };
    const request = { stream: runtime.definition, target, purpose: 'reconciliation', priority } as const;
    page = await context.source.fetchPage(request, context.signal);
  } catch (error) {
    // A stored link may outlive its cursor: the walk begins again.
    if (reconciliation.next === null || !isRefusal(error)) throw error;
    return { ...begunAgain(reconciliation), failure: error };
  }
  diff.add(page.records, { accountId: context.settings.accountId });
  const ids = page.records.map(({ id }) => id).filter((id) => typeof id === 'number');
  // The list goes by descending id (HARVEST-API, Sort order): a page speaks of all ids from its smallest to the page before.
  const above = reconciliation.floor ?? Number.POSITIVE_INFINITY;
  const floor = page.next === null ? 0 : Math.min(above, ...ids);
  if (floor === above) return { ...begunAgain(reconciliation), failure: circularLinks(runtime.definition.name) };
  const missing = ([...runtime.index.ids()] as number[]).filter(
    (id) => id >= floor && id < above && !diff.seen!.has(id) && isInScope(runtime, id, context),
  );
  return {
    reconciliation: {
      ...reconciliation,
      next: page.next,
      floor,
      pages: reconciliation.pages + 1,
      read: reconciliation.read + page.records.length,
    },
    missing,
    serverTime: page.serverTime,
  };
}

/** The walk from its first page. */
function begunAgain(reconciliation: Reconciliation): Progress {
  return {
    reconciliation: { ...reconciliation, next: null, floor: null, pages: 0, read: 0 },
    missing: [],
    serverTime: null,
  };
}
