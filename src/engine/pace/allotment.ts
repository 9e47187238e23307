// How the window of a budget is divided: what is read on time has a reserve, what is read for the first time gets the rest at
// once, and nothing is left without a turn. Pure: the needs in, a bound for each lane out.
import type { StreamDefinition } from '../../streams/definition.ts';
import { BURST_SHARE, type Lane } from '../ports.ts';

export type Allotment = Readonly<Record<Lane, number>>;

const UNBOUNDED = Number.POSITIVE_INFINITY;
/** Nothing is divided: everything that is due is caught up as fast as the budget allows. */
export const UNDIVIDED: Allotment = {
  timely: UNBOUNDED,
  rest: UNBOUNDED,
  bulk: UNBOUNDED,
  burst: UNBOUNDED,
  children: UNBOUNDED,
  again: UNBOUNDED,
};
/** Polls come in flocks, and one may have several pages. */
const MARGIN = 1.15;
/** Windows that were read before have so little of the reports budget while others are unread. */
const AGAIN_SHARE = 1 / 60;
/** At least so much of the general budget is left to what is not polled, whatever `polling.budget_share` says. */
const REST_SHARE = 1 / 5;
/** So polls and count checks take no more of it. */
export const MOST_TIMELY_SHARE = 1 - REST_SHARE;
/** Of the arithmetic of shares: 100 × 0.29 is a little less than 29. */
export const ROUNDING = 1e-9;
/**
 * Of what polls leave, so much is for what follows from a change or a deletion in an account that lives: it asks a few requests, one
 * after the other, and each would wait for a window behind those of a snapshot.
 */
const PROMPT_SHARE = 1 / 12;
/** Evenly, but for what it costs that a request counts until a part of the window after its answer. */
const BURST_MARGIN = 1.25;

/**
 * The general budget of `requests` a window: polls and count checks, of which `polled` are expected, take at most `share`; the
 * rest leaves them the room that they need, and no more. While the account `lives`, snapshots, children and slack leave some of
 * it to confirmations and to children of what changed. While lists are read whole (`isReading`), children leave them half.
 */
export function generalAllotment(
  requests: number,
  polled: number,
  share: number,
  lives: boolean,
  isReading = false,
): Allotment {
  const timely = timelyRequests(requests, share);
  const reserve = Math.min(timely, Math.ceil(polled * MARGIN) + 1);
  const rest = atLeastOne(requests - reserve);
  const children = isReading ? atLeastOne(rest / 2) : UNBOUNDED;
  if (!lives) return { ...UNDIVIDED, timely, rest, bulk: rest, children };
  const bulk = atLeastOne(rest * (1 - PROMPT_SHARE));
  return { ...UNDIVIDED, timely, rest, bulk, burst: Math.ceil(bulk * BURST_SHARE * BURST_MARGIN), children };
}

/** The most of a window of `requests` that polls and count checks get when their share is to be `share`. */
export function timelyRequests(requests: number, share: number): number {
  return atLeastOne(requests * Math.min(share, MOST_TIMELY_SHARE) + ROUNDING);
}

/**
 * The reports budget: current windows, of which `current` readings are expected, have a reserve of at most half; while windows
 * are unread, the history has all that this leaves, never less than half, but for a turn of dirty windows of the past.
 */
export function reportsAllotment(requests: number, current: number, isUnread: boolean): Allotment {
  const half = Math.ceil(requests / 2);
  const reserve = Math.min(Math.ceil(current), requests - half);
  const rest = atLeastOne(requests - reserve);
  if (!isUnread) return { ...UNDIVIDED, rest };
  return { ...UNDIVIDED, rest, timely: atLeastOne(requests - half), again: atLeastOne(requests * AGAIN_SHARE) };
}

/**
 * Readings of the current windows of reports in `windowMs`: by their intervals or, in an account that lives, whenever something
 * has touched them, `restateMs` apart (null where none does).
 */
export function currentReadings(
  reports: readonly { readonly kind: StreamDefinition['kind']; readonly pollMs: number }[],
  windowMs: number,
  restateMs: number | null,
): number {
  return reports.reduce((sum, { kind, pollMs }) => {
    const isTouched = kind === 'report' && restateMs !== null;
    return sum + windowMs / (isTouched ? Math.min(pollMs, restateMs) : pollMs);
  }, 0);
}

function atLeastOne(requests: number): number {
  return Math.max(1, Math.floor(requests));
}
