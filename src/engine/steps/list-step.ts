// A step of a list: one page of its sweep. At the end of a sweep the list is counted, when that is due.
import { isoSeconds } from '../../base/clock.ts';
import type { PublisherError } from '../../base/errors.ts';
import type { Diff } from '../state/diff.ts';
import type { PublisherEvent } from '../events.ts';
import type { LiveStream } from '../state/stream-runtime.ts';
import { type Page, PRIORITY, type Purpose } from '../ports.ts';
import {
  circularLinks,
  isRefusal,
  type Move,
  moved,
  newDiff,
  readAll,
  type StepContext,
  type StepResult,
  startOf,
  stepResult,
  sweepMs,
} from '../step.ts';
import type { ListSweep, Position } from '../state/stream-row.ts';
import { advanceList, beginList, isEndless, restartWalk } from './scan.ts';
import { isTallyDue, tally } from '../deletions/count-check.ts';

/** The next page of a list's sweep. Throws what Source throws. */
export async function listStep(
  live: LiveStream,
  position: Extract<Position, { kind: 'list' }>,
  context: StepContext,
): Promise<StepResult> {
  const { definition, row } = live;
  const { settings } = context;
  const start = settings.startDate === null ? null : startOf(settings.startDate);
  const sweep = position.sweep ?? beginList(position, 'list', row.complete, start);
  if (position.sweep === null) live.sweepBegan = context.number;
  const query = sweep.since === null ? {} : { updated_since: sweep.since };
  const priority = sweep.purpose === 'first' ? PRIORITY.first : PRIORITY.changes;

  let page: Page;
  try {
    const target = sweep.next === null ? { query } : { link: sweep.next };
    page = await context.source.fetchPage(
      { stream: definition, target, purpose: sweep.purpose, priority },
      context.signal,
    );
  } catch (error) {
    // A stored link may outlive its cursor or the configured address: the walk begins again, the sweep stays.
    if (sweep.next === null || !isRefusal(error)) throw error;
    return restartedStep(live, { ...position, sweep: restartWalk(sweep) }, sweep.purpose, error);
  }

  const diff = newDiff(live, context);
  diff.add(page.records, { accountId: settings.accountId });
  const advanced = advanceList(position, sweep, page, definition.paging, settings.overlapMs);
  if (isEndless(advanced.sweep, context.source.pageRows) || isCircle(live, sweep, page)) {
    return restartedStep(
      live,
      { ...position, sweep: restartWalk(sweep) },
      sweep.purpose,
      circularLinks(definition.name),
    );
  }

  const swept = advanced.outcome === 'done';
  if (swept && settings.pollTimers && definition.name === 'time_entries') await readTimers(live, diff, context);
  const now = context.now();
  const moves: [LiveStream, Move][] = [
    [live, (current) => moved(current, advanced.position, sweep.purpose, now, swept && advanced.sweep.started_at)],
  ];
  // The first sweep read everything: the first census can wait for its interval.
  if (swept && !row.complete) moves.push([live, (current) => ({ ...current, census_at: isoSeconds(now) })]);
  const events = listEvents(live, sweep.pages === 0, advanced, now);
  if (swept && isTallyDue(live, context)) {
    const counted = await tally(live, diff, advanced.sweep.total !== null, context);
    moves.push(...counted.moves);
    events.push(...counted.events);
  }
  return stepResult(live, sweep.purpose, { diffs: [[live, diff]], moves, swept, events });
}

/** Whether the next link has come before in this walk. */
function isCircle({ links }: LiveStream, { pages }: ListSweep, { next }: Page): boolean {
  if (pages === 0) links.clear();
  if (next === null) return false;
  const isKnown = links.has(next);
  links.add(next);
  return isKnown;
}

/** Running timers grow without moving `updated_at`: they are asked for by themselves (harvest-api section 13). */
async function readTimers(live: LiveStream, diff: Diff, context: StepContext): Promise<void> {
  const query = { is_running: 'true' };
  const { records } = await readAll(live, { query }, 'changes', PRIORITY.changes, context);
  diff.add(records, { accountId: context.settings.accountId });
}

function listEvents(
  live: LiveStream,
  isFirstPage: boolean,
  { outcome, sweep, position }: ReturnType<typeof advanceList>,
  now: number,
): PublisherEvent[] {
  const stream = live.definition.name;
  const { purpose } = sweep;
  const events: PublisherEvent[] = [];
  if (isFirstPage && sweep.walk === 1) events.push({ name: 'sweep.started', stream, purpose, since: sweep.since });
  if (outcome === 'shifted') {
    events.push({ name: 'sweep.shifted', stream, expected: sweep.total ?? 0, found: sweep.read, walk: sweep.walk });
  }
  if (outcome === 'done') {
    const ms = sweepMs(sweep.started_at, now);
    const { pages, read } = sweep;
    events.push({ name: 'sweep.completed', stream, purpose, pages, read, ms, cursor: position.cursor });
  }
  return events;
}

function restartedStep(live: LiveStream, position: Position, purpose: Purpose, failure: PublisherError): StepResult {
  return stepResult(live, purpose, { moves: [[live, (row) => ({ ...row, position })]], failure });
}
