// How long the snapshots still take, as far as anybody can say.
import type { AccountStatus, BudgetStatus, StreamStatus } from '../engine/status.ts';
import { duration } from './readiness.ts';

/** The accounts' status as seen at a moment of the monotonic clock. */
export interface StatusAt {
  readonly atMs: number;
  readonly accounts: readonly AccountStatus[];
}

/**
 * The longer of two: what the slowest scan under way still needs at its pace so far, and what the budgets take to allow the
 * requests that are known to be needed. Null while neither is known; scans whose size is not are not guessed at, hence "about".
 */
export function secondsLeft(since: StatusAt, now: StatusAt): number | null {
  const seconds = (now.atMs - since.atMs) / 1000;
  const estimates = now.accounts.flatMap(({ accountId, streams, budgets }) => [
    ...budgets.map(({ firstScans }) => firstScans.seconds),
    ...(seconds < 1 ? [] : streams.map((stream) => atItsPace(stream, scanBefore(since, accountId, stream), seconds))),
  ]);
  const longest = Math.max(0, ...estimates);
  return longest > 0 ? longest : null;
}

/** `about 3 h left`, or `at least` while not everything is known that is to be read; null as above. */
export function timeLeft(since: StatusAt, now: StatusAt): string | null {
  const seconds = secondsLeft(since, now);
  if (seconds === null) return null;
  const isKnown = now.accounts.every(({ budgets }) => budgets.every(({ firstScans }) => firstScans.isKnown));
  return `${isKnown ? 'about' : 'at least'} ${duration(seconds)} left`;
}

/** `next in 9 min` while a budget is spent, else how many requests there are in which time. */
export function budgetNote({ freeInSeconds, perSeconds }: BudgetStatus): string {
  return freeInSeconds > 0 ? `next in ${duration(freeInSeconds)}` : `per ${duration(perSeconds)}`;
}

function atItsPace({ complete, scan }: StreamStatus, earlier: StreamStatus['scan'], seconds: number): number {
  // Windows of reports have no pace: many are read at once, then none until their budget is free, which it says itself.
  if (complete || !scan?.total || scan.unit === 'windows') return 0;
  const done = scan.rows - (earlier?.startedAt === scan.startedAt ? earlier.rows : 0);
  return done > 0 ? (Math.max(0, scan.total - scan.rows) * seconds) / done : 0;
}

function scanBefore({ accounts }: StatusAt, accountId: string, { stream }: StreamStatus): StreamStatus['scan'] {
  const account = accounts.find((each) => each.accountId === accountId);
  return account?.streams.find((each) => each.stream === stream)?.scan ?? null;
}

/** Estimates for whoever looks now and then: the pace is counted from the first look at which streams were known. */
export class Estimate {
  #since: StatusAt | null = null;

  /** The look from which the pace is counted. */
  since(now: StatusAt): StatusAt {
    if (now.accounts.some(({ streams }) => streams.length > 0)) this.#since ??= now;
    return this.#since ?? now;
  }

  timeLeft(now: StatusAt): string | null {
    return timeLeft(this.since(now), now);
  }
}
