// How often lists are polled and counted: fast while something changes in them, slowly while the account sleeps, and never for
// more than a share of the budget. Pure: what changed when and the settings in, intervals out (docs/operating/freshness.md).
import type { StreamDefinition } from '../../streams/definition.ts';

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
export type Pace = { readonly [interval in keyof Intervals]: number } & {
  /** How far into each `countMs` of the clock it is this list's turn to be counted. */
  readonly countTurnMs: number;
};

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
  /** By how much the intervals of lists are longer than they should be; 1 when everything fits. */
  readonly stretch: number;
  /** What polls and count checks would take by the intervals as they should be, as a share of what they may; above 1 they are stretched. */
  readonly load: number;
  /** Requests of polls and count checks in a window of the general budget. */
  readonly requests: number;
  /** Something changed in the account within the hour. */
  readonly lives: boolean;
}

const LIVELY_MS = 600_000;
const ACCOUNT_LIVES_MS = 3_600_000;
/** Of their share, so much is left free: polls come in flocks, some have a second page, and what does not fit waits for seconds. */
const FREE_SHARE = 1 / 10;
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
  const load = perWindow / roomOf(polling.budgetShare * budget.requests);
  const stretch = Math.max(1, load);
  const lists = asked.filter(({ stream: { definition } }) => definition.kind === 'list');
  const paces = asked.map((each): [string, Pace] => {
    const { definition } = each.stream;
    const pace = stretched(definition, each.pace, stretch);
    const turn = Math.max(0, lists.indexOf(each)) / Math.max(1, lists.length);
    return [definition.name, { ...pace, countTurnMs: pace.countMs * turn }];
  });
  return { paces: new Map(paces), stretch, load, requests: perWindow / stretch, lives };
}

/** The requests of polls and count checks that `share` requests hold without one of them waiting. */
export function roomOf(share: number): number {
  return share * (1 - FREE_SHARE);
}

/** Intervals as they should be. */
type Asked = Omit<Pace, 'countTurnMs'>;

function askedPace(
  { intervals, changedAt }: PolledStream,
  polling: PollingSettings,
  lives: boolean,
  now: number,
): Asked {
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
function requestsIn(windowMs: number, { definition, isPolled }: PolledStream, { pollMs, countMs }: Asked): number {
  if (!isPolled || !isPaced(definition)) return 0;
  return windowMs / pollMs + (definition.kind === 'list' ? windowMs / countMs : 0);
}

function stretched(definition: PolledStream['definition'], { pollMs, countMs, reconcileMs }: Asked, by: number): Asked {
  return isPaced(definition)
    ? { pollMs: pollMs * by, countMs: countMs * by, reconcileMs }
    : { pollMs, countMs, reconcileMs };
}

function isPaced({ kind, budget }: PolledStream['definition']): boolean {
  return budget === 'general' && (kind === 'list' || kind === 'whole');
}
