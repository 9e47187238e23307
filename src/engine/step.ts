// One step of one stream: fetch what is next, compare it with the index, say how the rows move. Nothing is written here; the
// committer writes a step's result in one transaction, or the step never happened.
import { isoSeconds } from '../base/clock.ts';
import { PublisherError } from '../base/errors.ts';
import { type Grain, isoDay, type WeekStart, type Window, windowOf } from '../streams/windows.ts';
import { Diff } from './diff.ts';
import type { PublisherEvent } from './events.ts';
import type { LiveStream } from './live-stream.ts';
import { type Codec, type JsonObject, type Page, PRIORITY, type Purpose, type Source } from './ports.ts';
import type { Position, StreamRow } from './stream-row.ts';
import {
  addPending,
  advanceList,
  beginList,
  coverWindow,
  isEndless,
  nextWindow,
  removePending,
  restartWalk,
  type Span,
  spanOf,
} from './sweep.ts';

export const PER_PAGE = 2000;
/** Parents whose children are read in one step, and so in one transaction. */
const PARENTS_PER_STEP = 16;
/** With more changed parents than this, visiting all of them costs less state. */
const PENDING_MAX = 5000;

export interface StepSettings {
  readonly accountId: number;
  readonly overlapMs: number;
  readonly grain: Grain;
  /** `YYYY-MM-DD`, or null for everything. */
  readonly startDate: string | null;
  readonly endDate: string | null;
}

export interface StepContext {
  readonly source: Source;
  readonly codec: Codec;
  readonly settings: StepSettings;
  readonly signal: AbortSignal;
  readonly now: () => number;
  readonly streams: ReadonlyMap<string, LiveStream>;
}

export type Move = (row: StreamRow) => StreamRow;

export interface StepResult {
  readonly live: LiveStream;
  readonly purpose: Purpose;
  /** Null when nothing was read: a change of state alone. */
  readonly diff: Diff | null;
  /** How rows move, this stream's and others'; applied in commit order to the rows as they are then. */
  readonly moves: ReadonlyMap<LiveStream, Move>;
  readonly events: readonly PublisherEvent[];
  /** A sweep ended with this step. */
  readonly swept: boolean;
  /** What went wrong although the step is worth committing (a walk begun again). */
  readonly failure?: PublisherError;
}

/** Does what is next for this stream. Throws what Source and Codec throw. */
export function runStep(live: LiveStream, context: StepContext): Promise<StepResult> {
  const { position } = live.row;
  switch (position.kind) {
    case 'list':
      return listStep(live, position, context);
    case 'child':
      return childStep(live, position, context);
    case 'report':
      return reportStep(live, position, context);
  }
}

async function listStep(
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
    const error = new PublisherError('harvest.unparsable', `the next links of ${definition.name} go in a circle`);
    return restartedStep(live, { ...position, sweep: restartWalk(sweep) }, sweep.purpose, error);
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
    const ms = now - Date.parse(sweep.started_at);
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

async function childStep(
  live: LiveStream,
  position: Extract<Position, { kind: 'child' }>,
  context: StepContext,
): Promise<StepResult> {
  const { definition, row } = live;
  const parents = live.parent!;
  const now = context.now();
  const fromPending = position.pending.length > 0 && (position.sweep !== null || row.complete);
  const chunk = fromPending
    ? [...new Set(position.pending.slice(0, PARENTS_PER_STEP))]
    : nextParents(parents, position.sweep?.after ?? 0);
  live.taken = new Set(chunk);

  const purpose = row.complete ? 'children' : 'first';
  const priority = fromPending ? PRIORITY.changes : PRIORITY.children;
  const answers = await Promise.allSettled(
    chunk.map((parent) => readAll(live, { parent, query: {} }, purpose, priority, context)),
  );
  const diff = newDiff(live, context);
  let serverTime = Number.POSITIVE_INFINITY;
  for (const [place, answer] of answers.entries()) {
    if (answer.status === 'fulfilled') {
      diff.add(answer.value.records, { accountId: context.settings.accountId, parentId: chunk[place]! });
      serverTime = Math.min(serverTime, answer.value.serverTime);
    } else if (!(answer.reason instanceof PublisherError) || answer.reason.code !== 'harvest.not_found') {
      throw answer.reason;
    }
    // A 404 is the parent's end, not this stream's: its rows wait for the parent's own tombstone.
  }

  if (fromPending) {
    const move: Move = (current) =>
      moved(current, removePending(current.position as typeof position, chunk), 'children', now, false);
    return { live, purpose: 'children', diff, moves: new Map([[live, move]]), swept: false, events: [] };
  }
  const begun = position.sweep ?? {
    started_at: isoSeconds(Number.isFinite(serverTime) ? serverTime : now),
    after: 0,
    visited: 0,
    read: 0,
  };
  const startedAt = begun.started_at;
  const visited = begun.visited + chunk.length;
  const read = begun.read + diff.read;
  const swept = chunk.length < PARENTS_PER_STEP;
  const sweep = swept ? null : { started_at: startedAt, after: chunk.at(-1)!, visited, read };
  const move: Move = (current) =>
    moved(current, { ...(current.position as typeof position), sweep }, purpose, now, swept && startedAt);
  const stream = definition.name;
  const events: PublisherEvent[] = [];
  if (position.sweep === null) events.push({ name: 'sweep.started', stream, purpose, since: null });
  if (swept) {
    const ms = now - Date.parse(startedAt);
    events.push({ name: 'sweep.completed', stream, purpose, pages: visited, read, ms, cursor: null });
  }
  return { live, purpose, diff, moves: new Map([[live, move]]), swept, events };
}

async function reportStep(
  live: LiveStream,
  position: Extract<Position, { kind: 'report' }>,
  context: StepContext,
): Promise<StepResult> {
  const { settings } = context;
  const { grain } = settings;
  const now = context.now();
  if (position.grain !== grain) return regrainStep(live, position, grain, context);
  const weekStart = weekStartOf(context.streams);
  const span = reportSpan(context, now);
  const unread = nextWindow(position, span, weekStart);
  const window = unread ?? currentWindow(settings, now, weekStart);
  const purpose = live.row.complete ? 'window' : 'first';
  const priority = unread ? PRIORITY.children : PRIORITY.changes;

  const query = { from: compact(window.from), to: compact(window.to) };
  const { records, serverTime } = await readAll(live, { query }, purpose, priority, context);
  const diff = newDiff(live, context);
  diff.add(records, { accountId: settings.accountId, window });

  const covered = coverWindow(position, window);
  const swept = nextWindow(covered, span, weekStart) === null;
  const begun = position.sweep ?? { started_at: isoSeconds(serverTime), windows: 0, read: 0 };
  const sweep = { ...begun, windows: begun.windows + 1, read: begun.read + diff.read };
  const stream = live.definition.name;
  const events: PublisherEvent[] = [];
  if (position.covered === null) events.push({ name: 'sweep.started', stream, purpose, since: span.first.from });
  if (swept && !live.row.complete) {
    const ms = now - Date.parse(sweep.started_at);
    events.push({ name: 'sweep.completed', stream, purpose, pages: sweep.windows, read: sweep.read, ms, cursor: null });
  }
  const next = { ...covered, sweep: swept || live.row.complete ? null : sweep };
  const move: Move = (current) => moved(current, next, purpose, now, swept && isoSeconds(serverTime));
  return { live, purpose, diff, moves: new Map([[live, move]]), swept, events };
}

/** `reports.window` was changed: the rows of the old windows are no window's any more. */
async function regrainStep(
  live: LiveStream,
  position: Extract<Position, { kind: 'report' }>,
  grain: Grain,
  context: StepContext,
): Promise<StepResult> {
  const diff = newDiff(live, context);
  for (const id of live.index.ids()) diff.remove(id);
  const move: Move = (current) => ({
    ...moved(current, { ...position, grain, covered: null, sweep: null }, 'window', context.now(), false),
    complete: false,
  });
  return { live, purpose: 'window', diff, moves: new Map([[live, move]]), swept: false, events: [] };
}

/** Everything of one list, however many pages; walked again while it shifts. For lists that fit memory: children, windows. */
async function readAll(
  live: LiveStream,
  target: { readonly query: Readonly<Record<string, string>>; readonly parent?: number },
  purpose: Purpose,
  priority: number,
  context: StepContext,
): Promise<{ records: JsonObject[]; serverTime: number }> {
  const { definition: stream } = live;
  let position: Extract<Position, { kind: 'list' }> = { kind: 'list', cursor: null, sweep: null };
  let sweep = beginList(position, 'whole', false, null);
  for (let records: JsonObject[] = []; ; ) {
    const at = sweep.next === null ? target : { link: sweep.next };
    const page = await context.source.fetchPage({ stream, target: at, purpose, priority }, context.signal);
    for (const record of page.records) records.push(record);
    const advanced = advanceList(position, sweep, page, stream.paging, 0);
    if (advanced.outcome === 'done') return { records, serverTime: Date.parse(advanced.sweep.started_at) };
    if (isEndless(advanced.sweep, PER_PAGE)) {
      throw new PublisherError('harvest.unparsable', `the next links of ${stream.name} go in a circle`);
    }
    if (advanced.outcome === 'shifted') records = [];
    position = advanced.position;
    sweep = position.sweep!;
  }
}

function newDiff(live: LiveStream, context: StepContext): Diff {
  const { row, definition, index } = live;
  return new Diff(definition, context.codec, index, { newOp: row.complete ? 'c' : 'r', refused: row.refused });
}

function restartedStep(live: LiveStream, position: Position, purpose: Purpose, failure: PublisherError): StepResult {
  const moves = new Map<LiveStream, Move>([[live, (row) => ({ ...row, position })]]);
  return { live, purpose, diff: null, moves, swept: false, events: [], failure };
}

/** The row after a good answer: running again if it was not, complete once a sweep has ended. */
function moved(row: StreamRow, position: Position, purpose: Purpose, now: number, syncedTo: string | false): StreamRow {
  const at = isoSeconds(now);
  const running = row.state === 'RUNNING' ? {} : { state: 'RUNNING' as const, reason: null, remedy: null, since: at };
  const swept = syncedTo === false ? {} : { complete: true, synced_to: syncedTo, swept_at: at };
  return { ...row, ...running, ...swept, position, moved_at: at, moved_by: purpose };
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

/** The company's week start; Monday until `/company` was read. */
export function weekStartOf(streams: StepContext['streams']): WeekStart {
  const day = streams.get('company')?.row.company?.week_start_day;
  return day === 'Saturday' || day === 'Sunday' ? day : 'Monday';
}

export const DATED_SOURCES = ['time_entries', 'expenses'];

/** From `start_date`, or the oldest time entry or expense, to today, or the newest of them. */
export function reportSpan({ settings, streams }: Pick<StepContext, 'settings' | 'streams'>, now: number): Span {
  const extents = DATED_SOURCES.map((name) => streams.get(name)?.index.extent()).filter((extent) => extent != null);
  const today = isoSeconds(now).slice(0, 10);
  const oldest = isoDay(Math.min(...extents.map((extent) => extent.min), Date.parse(today) / 86_400_000));
  const newest = isoDay(Math.max(...extents.map((extent) => extent.max), Date.parse(today) / 86_400_000));
  const last = settings.endDate !== null && settings.endDate < newest ? settings.endDate : newest;
  return spanOf(settings.startDate ?? oldest, last, settings.grain, weekStartOf(streams));
}

function currentWindow(settings: StepSettings, now: number, weekStart: WeekStart): Window {
  const today = isoSeconds(now).slice(0, 10);
  return windowOf(
    settings.endDate !== null && settings.endDate < today ? settings.endDate : today,
    settings.grain,
    weekStart,
  );
}

const compact = (date: string): string => date.replaceAll('-', '');

/** The next parents of a sweep, by ascending id: a selection, since sorting all of them for every step would cost more. */
function nextParents(parents: LiveStream, after: number): number[] {
  const next: number[] = [];
  for (const id of parents.index.ids() as Iterable<number>) {
    if (id <= after || (next.length === PARENTS_PER_STEP && id >= next.at(-1)!)) continue;
    const place = next.findIndex((other) => other > id);
    next.splice(place === -1 ? next.length : place, 0, id);
    if (next.length > PARENTS_PER_STEP) next.pop();
  }
  return next;
}

function isRefusal(error: PublisherError): boolean {
  return (
    error.code === 'harvest.refused' || error.code === 'harvest.not_found' || error.code === 'harvest.foreign_link'
  );
}
