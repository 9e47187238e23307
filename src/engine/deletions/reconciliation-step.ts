// A step of a list's reconciliation: a few ranges of days, or a page of a list that goes by id, against the index. Everything read is
// compared like any record, so that what drifted silently is published too; what is missing becomes a candidate.
import { isoSeconds } from '../../base/clock.ts';
import type { PublisherError } from '../../base/errors.ts';
import type { PublisherEvent } from '../events.ts';
import { circularLinks, isRefusal, readAll, sinceStart } from '../fetch.ts';
import { type JsonObject, type Page, PRIORITY, type RowId } from '../ports.ts';
import type { Diff } from '../state/diff.ts';
import { limitOf } from '../state/hold.ts';
import type { DayRange, Move, Reconciliation, StreamRow } from '../state/stream-row.ts';
import type { Claim, StreamRuntime } from '../state/stream-runtime.ts';
import { newDiff, type StepContext, type StepResult, scanCompleted, stepResult } from '../step.ts';
import { heldReportsOf } from './count-check.ts';
import { bounds, countIn, isInScope } from './counts.ts';
import {
  beginReconciliation,
  counted,
  Histogram,
  halved,
  isDone,
  isPage,
  isToBegin,
  isWhole,
} from './reconciliation.ts';

/** Ranges that are asked for at the same time. */
const RANGES_AT_ONCE = 4;

/** The reconciliation as a step finds it. */
interface Reading {
  readonly runtime: StreamRuntime;
  readonly reconciliation: Reconciliation;
  readonly days: Histogram;
  readonly diff: Diff;
  readonly priority: number;
  readonly context: StepContext;
}

/** How the reconciliation stands after a step, and which rows of ours were not there. */
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
  const begins = isToBegin(row);
  const reconciliation = begins
    ? beginReconciliation(definition, row.reconcile_due ?? 'interval', row.missing, days, row.reconciliation)
    : row.reconciliation!;
  // A reading of everything has waited for slack before it began: behind other streams' first readings it would hold up polls.
  const priority = reconciliation.cause === 'count' ? PRIORITY.dirty : PRIORITY.snapshot;
  const diff = newDiff(runtime, context, { seen: true });
  const reading = { runtime, reconciliation, days, diff, priority, context };
  const { ranges } = reconciliation;
  const progress = await (ranges === null ? pageStep(reading) : rangesStep(reading, ranges));

  const now = context.now();
  const next: Reconciliation = {
    ...progress.reconciliation,
    started_at: reconciliation.started_at || isoSeconds(progress.serverTime ?? now),
    found: reconciliation.found + progress.missing.length,
  };
  const limit = limitOf(runtime.index.size, context.settings.hold);
  const move: Move = (current) => {
    const begun: StreamRow = {
      ...{ ...current, moved_at: isoSeconds(now), moved_by: 'reconciliation' },
      reconcile_due: begins ? null : current.reconcile_due,
    };
    return counted(begun, next, progress.missing, limit, now);
  };

  const events: PublisherEvent[] = [];
  if (begins) events.push({ name: 'scan.started', stream: definition.name, purpose: 'reconciliation', since: null });
  if (isDone(next)) events.push(scanCompleted(runtime, 'reconciliation', next, now));
  const { failure = null } = progress;
  // Where nothing can be counted, only this vouches for what left the reports.
  const isVouched = row.uncounted === true && isDone(next) && next.found <= limit;
  const moves: [StreamRuntime, Move][] = [[runtime, move], ...(isVouched ? heldReportsOf(runtime, context) : [])];
  const whole = isWhole(next) ? { begins, ends: isDone(next), startedAt: next.started_at } : null;
  return stepResult(runtime, 'reconciliation', { diffs: [[runtime, diff]], moves, whole, events, failure });
}

async function rangesStep(reading: Reading, ranges: readonly DayRange[]): Promise<Progress> {
  const { runtime, reconciliation, days, diff, context } = reading;
  const taken = ranges.slice(0, RANGES_AT_ONCE);
  const answers = await Promise.all(taken.map((range) => look(range, reading)));
  const { serverTime } = answers[0]!;
  // Nothing can be searched for by counting: everything is read instead.
  if (answers.some(({ halves }) => halves === null)) {
    const whole = beginReconciliation(runtime.definition, 'asked', 0, days);
    return { reconciliation: { ...whole, started_at: reconciliation.started_at }, missing: [], serverTime };
  }
  const missing: number[] = [];
  const left: DayRange[] = [];
  let { pages, read } = reconciliation;
  for (const [place, { halves, records }] of answers.entries()) {
    pages++;
    left.push(...halves!);
    if (records === null) continue;
    read += records.length;
    diff.add(records, { accountId: context.settings.accountId });
    missing.push(...missingIn(taken[place]!, reading));
  }
  left.push(...ranges.slice(taken.length));
  return { reconciliation: { ...reconciliation, ranges: left, pages, read }, missing, serverTime };
}

interface Look {
  /** Everything in the range; null when it was counted only. */
  readonly records: readonly JsonObject[] | null;
  /** Its halves that have to be gone into; null when Harvest did not tell the count. */
  readonly halves: readonly DayRange[] | null;
  readonly serverTime: number;
}

/** Reads a range that is a page; in a search, counts one that is more and halves it when the count is not ours. */
async function look(range: DayRange, { runtime, reconciliation, days, priority, context }: Reading): Promise<Look> {
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

/** Rows of ours that belong into the range and were not in it. */
function missingIn({ from, to }: DayRange, reading: Reading): number[] {
  const { index, definition } = reading.runtime;
  if (from === null && to === null) return unseen(index.ids(), reading);
  const dated = index.idsDated(from ?? -Infinity, to ?? Infinity);
  // Rows without a day are in no range: each is asked for, once per reconciliation, with the first.
  const hasUndated = from === null && definition.dated !== null && index.dayCounts().has(null);
  const undated = hasUndated ? [...index.ids()].filter((id) => index.get(id)!.day === null) : [];
  return unseen([...dated, ...undated], reading);
}

/** Those of our rows that were not read, although Harvest is asked for them. */
function unseen(ids: Iterable<RowId>, { runtime, diff, context }: Reading): number[] {
  return ([...ids] as number[]).filter((id) => !diff.seen!.has(id) && isInScope(runtime, id, context));
}

async function pageStep(reading: Reading): Promise<Progress> {
  const { runtime, reconciliation, diff, priority, context } = reading;
  let page: Page;
  try {
    const target = reconciliation.next === null ? { query: sinceStart(context) } : { link: reconciliation.next };
    const request = { stream: runtime.definition, target, purpose: 'reconciliation', priority } as const;
    page = await context.source.fetchPage(request, context.signal);
  } catch (error) {
    // A stored link may outlive its cursor: the walk begins again.
    if (reconciliation.next === null || !isRefusal(error)) throw error;
    return begunAgain(reconciliation, error);
  }
  diff.add(page.records, { accountId: context.settings.accountId });
  const ids = page.records.map(({ id }) => id).filter((id) => typeof id === 'number');
  // The list goes by descending id (HARVEST-API, Sort order): a page speaks of all ids from its smallest to the page before.
  const above = reconciliation.floor ?? Number.POSITIVE_INFINITY;
  const floor = page.next === null ? 0 : Math.min(above, ...ids);
  if (floor === above) return begunAgain(reconciliation, circularLinks(runtime.definition.name));
  const [pages, read] = [reconciliation.pages + 1, reconciliation.read + page.records.length];
  return {
    reconciliation: { ...reconciliation, next: page.next, floor, pages, read },
    missing: unseen(runtime.index.ids(), reading).filter((id) => id >= floor && id < above),
    serverTime: page.serverTime,
  };
}

/** The walk from its first page. */
function begunAgain(reconciliation: Reconciliation, failure: PublisherError): Progress {
  const walk = { ...reconciliation, next: null, floor: null, pages: 0, read: 0 };
  return { reconciliation: walk, missing: [], serverTime: null, failure };
}
