// How long the snapshots still take, as far as anybody can say.
import type { AccountStatus, StreamStatus } from '../engine/status.ts';

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

function atItsPace({ complete, scan }: StreamStatus, earlier: StreamStatus['scan'], seconds: number): number {
  if (complete || !scan?.total) return 0;
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

  secondsLeft(now: StatusAt): number | null {
    return secondsLeft(this.since(now), now);
  }
}
