// The cost of a first run, reckoned from what Harvest said of each list: rows, requests, the time that the budgets take for them,
// room on the topics and in memory. Pure; whatever is not known is left out and named.
import { firstRequests } from '../engine/pace/first-reading.ts';
import { PER_PAGE } from '../engine/ports.ts';
import type { BudgetName, StreamDefinition } from '../streams/definition.ts';
import { type Grain, type WeekStart, windowStarts } from '../streams/windows.ts';

/** An enabled stream, as far as it is known before anything is read. */
export interface StreamFacts {
  readonly stream: StreamDefinition;
  /** Why it will not be read; null when it will be. */
  readonly standsStill: { readonly state: string; readonly reason: string } | null;
  /** `total_entries`; null when nobody said. */
  readonly rows: number | null;
  /** Length of one record as JSON; null when none was seen. */
  readonly recordBytes: number | null;
  /** For a list with days: those of its newest and its oldest record; empty when they are not known. */
  readonly days: readonly string[];
}

export interface PlannedBudget {
  readonly requests: number;
  readonly perSeconds: number;
  /** So many of the requests are for what is read for the first time; the others are kept for what is current. */
  readonly room: number;
}

export interface PlanSettings {
  readonly grain: Grain;
  readonly weekStart: WeekStart;
  readonly startDate: string | null;
  readonly endDate: string | null;
  /** `YYYY-MM-DD`. */
  readonly today: string;
  readonly budgets: Readonly<Record<BudgetName, PlannedBudget>>;
}

export interface PlannedStream {
  readonly stream: string;
  readonly budget: BudgetName;
  readonly rows: number | null;
  /** Null when nothing is known of how many there will be. */
  readonly requests: number | null;
  /** Most of them may turn out not to be needed: windows in which nothing is recorded are not read. */
  readonly isAtMost: boolean;
  /** Says what the requests are for, or why there are none. */
  readonly note: string;
}

export interface Plan {
  readonly streams: readonly PlannedStream[];
  /** `seconds`: what the budget takes to allow them; Harvest's own time for its answers comes on top. */
  readonly budgets: Readonly<Record<BudgetName, { readonly requests: number; readonly seconds: number }>>;
  /** Both budgets are spent side by side. */
  readonly seconds: number;
  /** On the topics, before compression and replication, of the rows that are counted. */
  readonly topicBytes: number;
  /** Of the index in memory, for the rows that are counted. */
  readonly indexBytes: number;
  /** The memory that the process may need as a whole. */
  readonly containerBytes: number;
  /** Sentences. */
  readonly unknown: readonly string[];
}

/** Avro and Kafka's framing against the JSON of a record, measured over all lists of the simulator (test/unit/cli/plan.test.ts). */
const BYTES_OF_JSON = 0.35;
/** Slots of the index are filled to a half; see docs/operating/sizing.md. */
const INDEX_BYTES = { plain: 42, dated: 67 } as const;
/** Enough for half a million rows. */
const CONTAINER_BYTES = 256 * 2 ** 20;
const CONTAINER_ROWS = 500_000;

/** The plan for these streams, in their order; parents are among them. */
export function planOf(facts: readonly StreamFacts[], settings: PlanSettings): Plan {
  const byName = new Map(facts.map((each) => [each.stream.name, each]));
  const streams = facts.map((each) => planned(each, byName, settings));
  const budgetOf = (name: BudgetName) => {
    const requests = sum(streams.filter(({ budget }) => budget === name).map((each) => each.requests ?? 0));
    return { requests, seconds: secondsFor(requests, settings.budgets[name]) };
  };
  const budgets = { general: budgetOf('general'), reports: budgetOf('reports') };
  const indexBytes = sum(facts.map(indexBytesOf));
  const rows = sum(facts.map((each) => each.rows ?? 0));
  const more = rows > CONTAINER_ROWS ? indexBytes * (1 - CONTAINER_ROWS / rows) : 0;
  return {
    streams,
    budgets,
    seconds: Math.max(budgets.general.seconds, budgets.reports.seconds),
    topicBytes: Math.round(sum(facts.map((each) => (each.rows ?? 0) * (each.recordBytes ?? 0) * BYTES_OF_JSON))),
    indexBytes,
    containerBytes: Math.round(CONTAINER_BYTES + 2 * more),
    unknown: unknownOf(facts, streams, settings),
  };
}

/** How long a sliding window holds back the last of so many requests. */
export function secondsFor(requests: number, { room, perSeconds }: PlannedBudget): number {
  return Math.floor(Math.max(0, requests - 1) / room) * perSeconds;
}

function planned(
  { stream, standsStill, rows }: StreamFacts,
  byName: ReadonlyMap<string, StreamFacts>,
  settings: PlanSettings,
): PlannedStream {
  const about = { stream: stream.name, budget: stream.budget, rows, isAtMost: false };
  if (standsStill) return { ...about, requests: 0, note: `${standsStill.state}: ${standsStill.reason}` };
  const parent = byName.get(stream.parent?.stream ?? '');
  const windows = stream.kind === 'report' ? windowsOf(stream, byName, settings) : [];
  const extent = {
    // Reports are not asked for their number; the first of what they sum up bounds it.
    rows: rows ?? byName.get(stream.sources[0] ?? '')?.rows ?? null,
    parents: parent?.rows ?? null,
    windows: windows.length,
  };
  const requests = firstRequests(stream, extent, PER_PAGE);
  switch (stream.kind) {
    case 'whole':
      return { ...about, requests, note: 'read whole' };
    case 'list': {
      const isCounted = requests !== null;
      const note = isCounted ? `pages of ${PER_PAGE}, and one count` : 'Harvest does not say how many there are';
      return { ...about, requests, note };
    }
    case 'child': {
      const name = stream.parent!.stream;
      if (parent?.standsStill) return { ...about, requests: 0, note: `waits for ${name}, which is not read` };
      return { ...about, requests, note: `one for each of ${name}` };
    }
    case 'derived':
      return { ...about, requests, note: `read out of ${stream.parent!.stream}` };
    case 'report': {
      const note = `one for each ${settings.grain} since ${windows[0]}`;
      return { ...about, requests, isAtMost: settings.startDate === null, note };
    }
  }
}

function windowsOf(
  { sources }: StreamDefinition,
  byName: ReadonlyMap<string, StreamFacts>,
  { grain, weekStart, startDate, endDate, today }: PlanSettings,
): string[] {
  const days = sources.flatMap((name) => byName.get(name)?.days ?? []).map((day) => Date.parse(day) / 86_400_000);
  return windowStarts({ grain, weekStart, startDate, endDate, today, days, isWhole: false });
}

function indexBytesOf({ stream, rows }: StreamFacts): number {
  return (rows ?? 0) * (stream.dated === null ? INDEX_BYTES.plain : INDEX_BYTES.dated);
}

function unknownOf(
  facts: readonly StreamFacts[],
  streams: readonly PlannedStream[],
  { startDate }: PlanSettings,
): string[] {
  const isRead = (kind: StreamDefinition['kind']) =>
    facts.some(({ stream, standsStill }) => stream.kind === kind && standsStill === null);
  const uncounted = streams.filter(({ requests }) => requests === null).map(({ stream }) => stream);
  const dayless = facts.filter(({ stream, standsStill, rows, days }) => {
    const isSource = facts.some(
      (other) => other.stream.kind === 'report' && other.stream.sources.includes(stream.name),
    );
    return isSource && standsStill === null && (rows === null || (rows > 0 && days.length === 0));
  });
  return [
    ...(uncounted.length > 0 ? [`how many requests ${uncounted.join(', ')} need`] : []),
    ...(isRead('child') ? ['how many rows lie below each parent: of children only the requests are known'] : []),
    ...(isRead('report') && startDate === null
      ? ['in which windows nothing is recorded: those are not read, so reports need fewer requests']
      : []),
    ...(startDate === null && dayless.length > 0
      ? [
          `how far ${dayless.map(({ stream }) => stream.name).join(' and ')} reach back, and so how many windows there are`,
        ]
      : []),
    ...(isRead('report') ? ['how many rows a window has; beyond 2000 it takes another request'] : []),
  ];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
