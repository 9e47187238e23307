// A step of a list: one page of its scan. At the end of a scan the list is counted, when that is due.
import { isoSeconds } from '../../base/clock.ts';
import type { PublisherError } from '../../base/errors.ts';
import { countCheck, isCountDue } from '../deletions/count-check.ts';
import type { PublisherEvent } from '../events.ts';
import { circularLinks, isRefusal, readAll, startOf } from '../fetch.ts';
import { type Page, PRIORITY } from '../ports.ts';
import type { Diff } from '../state/diff.ts';
import {
  advanceList,
  beginList,
  isEndless,
  isLong,
  type ListPosition,
  type ListScan,
  restartWalk,
} from '../state/position.ts';
import { type Move, moved } from '../state/stream-row.ts';
import type { Claim, StreamRuntime } from '../state/stream-runtime.ts';
import { newDiff, type StepContext, type StepResult, scanCompleted, stepResult } from '../step.ts';

/** The next page of a list's scan. Throws what Source throws. */
export async function listStep({ runtime, step }: Claim, context: StepContext): Promise<StepResult> {
  const { definition, row, memory } = runtime;
  const { settings } = context;
  const position = row.position as ListPosition;
  const start = settings.startDate === null ? null : startOf(settings.startDate);
  const scan = position.scan ?? beginList(position, 'list', row.complete, start);
  const scanBegan = position.scan === null ? step : memory.scanBegan;
  let page: Page;
  try {
    page = await (takeAhead(runtime, scan) ?? fetchNext(runtime, scan, context));
  } catch (error) {
    // A stored link may outlive its cursor or the configured address: the walk begins again, the scan stays.
    if (scan.next === null || !isRefusal(error)) throw error;
    return restartedStep(runtime, scan, error);
  }

  const advanced = advanceList(position, scan, page, definition.paging, settings.overlapMs);
  const links = scan.pages === 0 ? new Set<string>() : memory.links;
  const isCircle = page.next !== null && links.has(page.next);
  if (isCircle || isEndless(advanced.scan, context.source.pageRows))
    return restartedStep(runtime, scan, circularLinks(definition.name));
  if (advanced.outcome === 'page') askAhead(runtime, advanced.scan, context);

  const diff = newDiff(runtime, context);
  diff.add(page.records, { accountId: settings.accountId });
  const scanned = advanced.outcome === 'done';
  if (scanned && settings.pollTimers && definition.hasTimers) await readTimers(runtime, diff, context);
  const now = context.now();
  const moves: [StreamRuntime, Move][] = [
    [runtime, (current) => moved(current, advanced.position, scan.purpose, now, scanned && advanced.scan.started_at)],
  ];
  // The snapshot read everything: the first reconciliation can wait for its interval.
  if (scanned && !row.complete) moves.push([runtime, (current) => ({ ...current, reconciled_at: isoSeconds(now) })]);
  const events = listEvents(runtime, scan.pages === 0, advanced, now);
  const isCounted = scanned && isCountDue(runtime, context);
  if (isCounted) {
    const counted = await countCheck(runtime, diff, advanced.scan.total !== null, context);
    moves.push(...counted.moves);
    events.push(...counted.events);
  }
  const { started_at: startedAt } = advanced.scan;
  return stepResult(runtime, scan.purpose, {
    ...{ diffs: [[runtime, diff]], moves, scanned, events },
    whole: row.complete ? null : { begins: scan.pages === 0, ends: scanned, startedAt },
    memory: {
      scanBegan,
      counts: memory.counts + (isCounted ? 1 : 0),
      scannedFrom: scanned ? scanBegan : memory.scannedFrom,
      links: page.next === null ? links : new Set([...links, page.next]),
    },
  });
}

function fetchNext({ definition }: StreamRuntime, scan: ListScan, { source, signal }: StepContext): Promise<Page> {
  const query = scan.since === null ? {} : { updated_since: scan.since };
  const target = scan.next === null ? { query } : { link: scan.next };
  const priority = isLong(scan) ? PRIORITY.snapshot : PRIORITY.poll;
  return source.fetchPage({ stream: definition, target, purpose: scan.purpose, priority }, signal);
}

/** Asks for the page that the scan is at now, so that Harvest answers while the one before is published. */
function askAhead(runtime: StreamRuntime, scan: ListScan, context: StepContext): void {
  const page = fetchNext(runtime, scan, context);
  // Its failure is that of the step that takes it.
  page.catch(() => {});
  runtime.ahead = { link: scan.next!, page };
}

/** The page that was asked for ahead, if the scan is there. */
function takeAhead(runtime: StreamRuntime, { next }: ListScan): Promise<Page> | null {
  const { ahead } = runtime;
  runtime.ahead = null;
  return ahead !== null && ahead.link === next ? ahead.page : null;
}

/** Running timers grow without moving `updated_at`: they are asked for by themselves (HARVEST-API, What moves updated_at). */
async function readTimers(runtime: StreamRuntime, diff: Diff, context: StepContext): Promise<void> {
  const query = { is_running: 'true' };
  const { records } = await readAll(runtime, { query }, 'poll', PRIORITY.poll, context);
  diff.add(records, { accountId: context.settings.accountId });
}

function listEvents(
  runtime: StreamRuntime,
  isFirstPage: boolean,
  { outcome, scan, position }: ReturnType<typeof advanceList>,
  now: number,
): PublisherEvent[] {
  const stream = runtime.definition.name;
  const { purpose } = scan;
  const events: PublisherEvent[] = [];
  if (isFirstPage && scan.walk === 1) events.push({ name: 'scan.started', stream, purpose, since: scan.since });
  if (outcome === 'shifted') {
    events.push({ name: 'scan.shifted', stream, expected: scan.total ?? 0, found: scan.read, walk: scan.walk });
  }
  if (outcome === 'done') events.push(scanCompleted(runtime, purpose, scan, now, position.cursor));
  return events;
}

/** The walk begins again; the scan stays. */
function restartedStep(runtime: StreamRuntime, scan: ListScan, failure: PublisherError): StepResult {
  const { position } = runtime.row;
  const move: Move = (row) => ({ ...row, position: { ...(position as ListPosition), scan: restartWalk(scan) } });
  return stepResult(runtime, scan.purpose, { moves: [[runtime, move]], failure });
}
