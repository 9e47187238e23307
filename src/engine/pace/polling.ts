// How often lists are polled and counted: fast while something changes in them, slowly while the account sleeps, and never for
// more than a share of the budget. Pure: what changed when and the settings in, intervals out (docs/operating/freshness.md).
import type { StreamDefinition } from '../../streams/definition.ts';
import { MOST_TIMELY_SHARE, ROUNDING, timelyRequests } from './allotment.ts';

/** `polling.*` of the configuration. */
export interface PollingSettings {
  /** A list in which something changed within ten minutes. */
  readonly targetMs: number;
  /** The other lists of an account in which anything changed within the hour. */
  readonly quietMs: number;
  /** All others. */
  readonly idleMs: number;
  /** The most of the general budget that polls and count checks take together; above 0, at most 1. */
  readonly budgetShare: number;
}

/** How often a stream is read; null is for the rules of this file. */
export interface Intervals {
  readonly pollMs: number | null;
  readonly countMs: number | null;
  readonly reconcileMs: number;
}

/** The same with every number known. */
export type Pace = { readonly [interval in keyof Intervals]: number };

export interface PolledStream {
  readonly definition: Pick<StreamDefinition, 'name' | 'kind' | 'budget'>;
  readonly intervals: Intervals;
  /** Wall time (ms) of its last change, as far as is known; 0 when there was none. */
  readonly changedAt: number;
  /** It is polled: running, and read once. */
  readonly isPolled: boolean;
}

export interface Pacing {
  readonly paces: ReadonlyMap<string, Pace>;
  /** Requests of polls and count checks in a window of the general budget, by the intervals as they should be. */
  readonly asked: number;
  /** So many of them have room. */
  readonly room: number;
  /** By how much the intervals of lists are longer than they should be; 1 when all have room. */
  readonly stretch: number;
  /** Requests of polls and count checks in a window, by the intervals as they are. */
  readonly requests: number;
  /** Something changed in the account within the hour. */
  readonly lives: boolean;
}

const LIVELY_MS = 600_000;
const ACCOUNT_LIVES_MS = 3_600_000;
/** Of their share polls and count checks are planned for so much: they come in flocks, and what does not fit waits for seconds. */
const PLANNED_SHARE = 9 / 10;
/** A count check tells of deletions, which nothing else does. */
const COUNT_MS = { lively: 45_000, idle: 300_000 };

/** The paces of all streams of an account, whose general budget has so many requests in a window. */
export function pacing(
  streams: readonly PolledStream[],
  polling: PollingSettings,
  budget: { readonly requests: number; readonly windowMs: number },
  now: number,
): Pacing {
  // Reports are reckoned anew also while nobody does anything, as long as a timer runs.
  const own = streams.filter(({ definition }) => definition.budget === 'general');
  const lives = own.some(({ changedAt }) => isWithin(ACCOUNT_LIVES_MS, changedAt, now));
  const asked = streams.map((stream) => ({ stream, pace: askedPace(stream, polling, lives, now) }));
  const perWindow = asked.reduce((sum, { stream, pace }) => sum + requestsIn(budget.windowMs, stream, pace), 0);
  const room = sharedRequests(budget.requests, polling.budgetShare) * PLANNED_SHARE;
  const stretch = Math.max(1, perWindow / room);
  const paces = asked.map(
    ({ stream: { definition }, pace }) => [definition.name, stretched(definition, pace, stretch)] as const,
  );
  return { paces: new Map(paces), asked: perWindow, room, stretch, requests: perWindow / stretch, lives };
}

/** What polls and count checks are given of a window: whole requests, but of a share below one, of which they get one at least. */
export function sharedRequests(requests: number, budgetShare: number): number {
  return Math.min(requests * Math.min(budgetShare, MOST_TIMELY_SHARE), timelyRequests(requests, budgetShare));
}

/** The smallest `polling.budget_share`, in hundredths, under which so many of them have room; null when none is enough. */
export function shareFor(asked: number, requests: number): number | null {
  const timely = Math.ceil(asked / PLANNED_SHARE);
  const share = Math.ceil((timely / requests) * 100 - ROUNDING) / 100;
  return share <= MOST_TIMELY_SHARE ? share : null;
}

function askedPace(
  { intervals, changedAt }: PolledStream,
  polling: PollingSettings,
  lives: boolean,
  now: number,
): Pace {
  const isLively = isWithin(LIVELY_MS, changedAt, now);
  const pollMs = isLively ? polling.targetMs : lives ? polling.quietMs : polling.idleMs;
  const countMs = lives ? COUNT_MS.lively : COUNT_MS.idle;
  return {
    pollMs: intervals.pollMs ?? pollMs,
    countMs: intervals.countMs ?? countMs,
    reconcileMs: intervals.reconcileMs,
  };
}

/** Times ahead of the clock are of a clock that was set back: a little of it may be Harvest's that runs ahead of ours. */
function isWithin(ms: number, changedAt: number, now: number): boolean {
  return Math.abs(now - changedAt) < ms;
}

/** Only lists of the general budget are polled for what changed; children and reports have budgets' shares of their own. */
function requestsIn(windowMs: number, { definition, isPolled }: PolledStream, { pollMs, countMs }: Pace): number {
  if (!isPolled || !isPaced(definition)) return 0;
  return windowMs / pollMs + (definition.kind === 'list' ? windowMs / countMs : 0);
}

function stretched(definition: PolledStream['definition'], { pollMs, countMs, reconcileMs }: Pace, by: number): Pace {
  return isPaced(definition)
    ? { pollMs: pollMs * by, countMs: countMs * by, reconcileMs }
    : { pollMs, countMs, reconcileMs };
}

function isPaced({ kind, budget }: PolledStream['definition']): boolean {
  return budget === 'general' && (kind === 'list' || kind === 'whole');
}
