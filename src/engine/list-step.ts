// A step of a list, or of a stream that is read whole: one page. Also what a page means to other streams: changed parents
// announce their children, and `/company` switches modules off and on.
import { isoSeconds } from '../base/clock.ts';
import { PublisherError } from '../base/errors.ts';
import type { Diff } from './diff.ts';
import type { PublisherEvent } from './events.ts';
import type { LiveStream } from './live-stream.ts';
import { type JsonObject, type Page, PER_PAGE, PRIORITY, type Purpose } from './ports.ts';
import { circularLinks, type Move, moved, newDiff, type StepContext, type StepResult, sweepMs } from './step.ts';
import type { Position, StreamRow } from './stream-row.ts';
import { addPending, advanceList, beginList, isEndless, restartWalk } from './sweep.ts';

/** With more changed parents than this, visiting all of them costs less state. */
const PENDING_MAX = 5000;

/** The next page of a list's sweep. Throws what Source throws. */
export async function listStep(
  live: LiveStream,
  position: Extract<Position, { kind: 'list' }>,
  context: StepContext,
): Promise<StepResult> {
  const { definition, row } = live;
  const { settings } = context;
  const start = settings.startDate === null ? null : `${settings.startDate}T00:00:00Z`;
  const kind = definition.kind === 'whole' ? 'whole' : 'list';
  const sweep = position.sweep ?? beginList(position, kind, row.complete, start);
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
    if (sweep.next === null || !(error instanceof PublisherError) || !isRefusal(error)) throw error;
    return restartedStep(live, { ...position, sweep: restartWalk(sweep) }, sweep.purpose, error);
  }

  const diff = newDiff(live, context);
  diff.add(page.records, { accountId: settings.accountId });
  const advanced = advanceList(position, sweep, page, definition.paging, settings.overlapMs);
  if (isEndless(advanced.sweep, PER_PAGE)) {
    return restartedStep(
      live,
      { ...position, sweep: restartWalk(sweep) },
      sweep.purpose,
      circularLinks(definition.name),
    );
  }

  const now = context.now();
  const swept = advanced.outcome === 'done';
  const company = definition.name === 'company' ? companyFacts(page.records[0]) : row.company;
  const moves = new Map<LiveStream, Move>([
    [
      live,
      (current) => ({
        ...moved(current, advanced.position, sweep.purpose, now, swept && advanced.sweep.started_at),
        company,
      }),
    ],
  ]);
  if (definition.name === 'company' && company !== null) switchFeatures(context.streams, company, moves, now);
  announceParents(live, diff, moves);
  return {
    live,
    purpose: sweep.purpose,
    diff,
    moves,
    swept,
    events: listEvents(live, sweep.pages === 0, advanced, now),
  };
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
    events.push({
      name: 'sweep.completed',
      stream,
      purpose,
      pages: sweep.pages,
      read: sweep.read,
      ms,
      cursor: position.cursor,
    });
  }
  return events;
}

function restartedStep(live: LiveStream, position: Position, purpose: Purpose, failure: PublisherError): StepResult {
  const moves = new Map<LiveStream, Move>([[live, (row) => ({ ...row, position })]]);
  return { live, purpose, diff: null, moves, swept: false, events: [], failure };
}

/** Children of parents that this step publishes are read in the same pass (design section 4). */
function announceParents(live: LiveStream, diff: Diff, moves: Map<LiveStream, Move>): void {
  const changed = [...diff.changes].filter(([, row]) => row !== null).map(([id]) => id as number);
  if (changed.length === 0) return;
  for (const childStream of live.children) {
    moves.set(childStream, (row) => {
      const position = row.position as Extract<Position, { kind: 'child' }>;
      // Before the first visit to all parents there is nothing to note: it will come by.
      if (!row.complete && position.sweep === null) return row;
      const added = addPending(position, changed, childStream.taken);
      if (added.pending.length <= PENDING_MAX) return { ...row, position: added };
      return { ...row, position: { ...position, pending: [], sweep: null }, swept_at: null };
    });
  }
}

/** `/company` says which modules are on: streams of the others stand still, and say so (design section 9). */
function switchFeatures(
  streams: StepContext['streams'],
  company: JsonObject,
  moves: Map<LiveStream, Move>,
  now: number,
): void {
  for (const live of streams.values()) {
    const flag = live.definition.feature;
    if (flag === null) continue;
    const isOff = company[flag] === false;
    if (isOff && live.row.state !== 'FEATURE_OFF') moves.set(live, (row) => featureOff(row, flag, now));
    if (!isOff && live.row.state === 'FEATURE_OFF')
      moves.set(live, (row) => moved(row, row.position, 'probe', now, false));
  }
}

function featureOff(row: StreamRow, flag: string, now: number): StreamRow {
  return {
    ...row,
    state: 'FEATURE_OFF',
    reason: `the company has this module switched off (${flag} is false)`,
    remedy: 'Switch the module on in Harvest (Settings, Modules), or set streams.<name>.enabled: false.',
    since: isoSeconds(now),
  };
}

const COMPANY_FACTS = ['expense_feature', 'invoice_feature', 'estimate_feature', 'week_start_day'] as const;

function companyFacts(record: JsonObject | undefined): JsonObject | null {
  return record ? Object.fromEntries(COMPANY_FACTS.map((fact) => [fact, record[fact] ?? null])) : null;
}

function isRefusal(error: PublisherError): boolean {
  return (
    error.code === 'harvest.refused' || error.code === 'harvest.not_found' || error.code === 'harvest.foreign_link'
  );
}
