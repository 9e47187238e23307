// A step of a list: one page of its scan. At the end of a scan the list is counted, when that is due.
import { isoSeconds } from '../../base/clock.ts';
import type { PublisherError } from '../../base/errors.ts';
import { countCheck, isCountDue } from '../deletions/count-check.ts';
import type { PublisherEvent } from '../events.ts';
import { type Page, PRIORITY, type Purpose } from '../ports.ts';
import type { Diff } from '../state/diff.ts';
import type { ListScan, Position } from '../state/stream-row.ts';
import type { StreamRuntime } from '../state/stream-runtime.ts';
import {
  circularLinks,
  isRefusal,
  type Move,
  moved,
  newDiff,
  readAll,
  type StepContext,
  type StepResult,
  scanMs,
  startOf,
  stepResult,
} from '../step.ts';
import { advanceList, beginList, isEndless, restartWalk } from './scan.ts';

/** The next page of a list's scan. Throws what Source throws. */
export async function listStep(
  runtime: StreamRuntime,
  position: Extract<Position, { kind: 'list' }>,
  context: StepContext,
): Promise<StepResult> {
  const { definition, row } = runtime;
  const { settings } = context;
  const start = settings.startDate === null ? null : startOf(settings.startDate);
  const scan = position.scan ?? beginList(position, 'list', row.complete, start);
  if (position.scan === null) runtime.scanBegan = context.number;
  const query = scan.since === null ? {} : { updated_since: scan.since };
  const priority = scan.purpose === 'snapshot' ? PRIORITY.snapshot : PRIORITY.poll;

  let page: Page;
  try {
    const target = scan.next === null ? { query } : { link: scan.next };
    page = await context.source.fetchPage(
      { stream: definition, target, purpose: scan.purpose, priority },
      context.signal,
    );
  } catch (error) {
    // A stored link may outlive its cursor or the configured address: the walk begins again, the scan stays.
    if (scan.next === null || !isRefusal(error)) throw error;
    return restartedStep(runtime, { ...position, scan: restartWalk(scan) }, scan.purpose, error);
  }

  const diff = newDiff(runtime, context);
  diff.add(page.records, { accountId: settings.accountId });
  const advanced = advanceList(position, scan, page, definition.paging, settings.overlapMs);
  if (isEndless(advanced.scan, context.source.pageRows) || isCircle(runtime, scan, page)) {
    return restartedStep(
      runtime,
      { ...position, scan: restartWalk(scan) },
      scan.purpose,
      circularLinks(definition.name),
    );
  }

  const scanned = advanced.outcome === 'done';
  if (scanned && settings.pollTimers && definition.hasTimers) await readTimers(runtime, diff, context);
  const now = context.now();
  const moves: [StreamRuntime, Move][] = [
    [runtime, (current) => moved(current, advanced.position, scan.purpose, now, scanned && advanced.scan.started_at)],
  ];
  // The snapshot read everything: the first reconciliation can wait for its interval.
  if (scanned && !row.complete) moves.push([runtime, (current) => ({ ...current, reconciled_at: isoSeconds(now) })]);
  const events = listEvents(runtime, scan.pages === 0, advanced, now);
  if (scanned && isCountDue(runtime, context)) {
    const counted = await countCheck(runtime, diff, advanced.scan.total !== null, context);
    moves.push(...counted.moves);
    events.push(...counted.events);
  }
  const startedAt = advanced.scan.started_at;
  const whole = row.complete ? null : { begins: scan.pages === 0, ends: scanned, startedAt };
  return stepResult(runtime, scan.purpose, { diffs: [[runtime, diff]], moves, scanned, whole, events });
}

/** Whether the next link has come before in this walk. */
function isCircle({ links }: StreamRuntime, { pages }: ListScan, { next }: Page): boolean {
  if (pages === 0) links.clear();
  if (next === null) return false;
  const isKnown = links.has(next);
  links.add(next);
  return isKnown;
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
  if (outcome === 'done') {
    const ms = scanMs(scan.started_at, now);
    const { pages, read } = scan;
    events.push({ name: 'scan.completed', stream, purpose, pages, read, ms, cursor: position.cursor });
  }
  return events;
}

function restartedStep(
  runtime: StreamRuntime,
  position: Position,
  purpose: Purpose,
  failure: PublisherError,
): StepResult {
  return stepResult(runtime, purpose, { moves: [[runtime, (row) => ({ ...row, position })]], failure });
}
