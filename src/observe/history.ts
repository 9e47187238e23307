// The last hour of each account for the charts of the status page: a moment every half minute, in memory alone.
import type { AccountStatus, StreamStatus } from '../engine/status.ts';

export const HISTORY_STEP_MS = 30_000;
export const HISTORY_MS = 3_600_000;

export interface Moment {
  /** Since the epoch. */
  readonly at: number;
  /** The lag of the latest stream as a share of what makes it late; null before anything is known to be equal. */
  readonly lateness: number | null;
  /** Share of each budget that was used, by its name. */
  readonly budgets: Readonly<Record<string, number>>;
}

/** Lag beyond this is late, on the page and for the alert HarvestKafkaLag: twice the interval, and never under a quarter of an hour. */
export function lateAfterSeconds({ pollIntervalSeconds }: StreamStatus): number {
  return Math.max(2 * pollIntervalSeconds, 900);
}

/** How near to being late: 1 is late. Null where nothing is read, or nothing is known yet. */
export function latenessOf(stream: StreamStatus): number | null {
  const { state, lagSeconds } = stream;
  return (state !== 'RUNNING' && state !== 'HELD') || lagSeconds === null
    ? null
    : lagSeconds / lateAfterSeconds(stream);
}

/** The stream that is nearest to being late; null while none is known to be equal. */
export function latest({ streams }: AccountStatus): StreamStatus | null {
  const known = streams.filter((stream) => latenessOf(stream) !== null);
  return known.length === 0 ? null : known.reduce((a, b) => (latenessOf(b)! > latenessOf(a)! ? b : a));
}

export class History {
  readonly #moments = new Map<string, Moment[]>();

  /** Notes how the accounts are now; what is older than an hour, and accounts that are no more, are forgotten. */
  record(at: number, accounts: readonly AccountStatus[]): void {
    const present = new Set(accounts.map(({ accountId }) => accountId));
    for (const id of this.#moments.keys()) if (!present.has(id)) this.#moments.delete(id);
    for (const account of accounts) {
      const stream = latest(account);
      const budgets = account.budgets.map(({ name, used, requests }) => [name, used / requests]);
      const moment = { at, lateness: stream && latenessOf(stream), budgets: Object.fromEntries(budgets) };
      const kept = this.of(account.accountId).filter((earlier) => earlier.at > at - HISTORY_MS && earlier.at < at);
      this.#moments.set(account.accountId, [...kept, moment]);
    }
  }

  /** Oldest first. */
  of(accountId: string): readonly Moment[] {
    return this.#moments.get(accountId) ?? [];
  }
}
