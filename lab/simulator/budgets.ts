// The two request budgets, as moving windows over the simulator's clock (HARVEST-API, Budgets), and the log of every
// request that arrived, so that tests can ask how polite a client was.
import type { BudgetName } from '../../src/streams/definition.ts';

export interface Budget {
  readonly requests: number;
  readonly seconds: number;
}

export const HARVEST_BUDGETS: Readonly<Record<BudgetName, Budget>> = {
  general: { requests: 100, seconds: 15 },
  reports: { requests: 100, seconds: 15 * 60 },
};

export class MovingWindow {
  readonly #budget: Budget | null;
  #admitted: number[] = [];

  /** Null lets everything through. */
  constructor(budget: Budget | null) {
    this.#budget = budget;
  }

  /** Null when the request may pass, else the seconds to wait. A refused request costs nothing. */
  admit(now: number): number | null {
    if (!this.#budget) return null;
    const { requests, seconds } = this.#budget;
    this.#admitted = this.#admitted.filter((at) => at > now - seconds * 1000);
    const oldest = this.#admitted[0];
    if (this.#admitted.length < requests || oldest === undefined) {
      this.#admitted.push(now);
      return null;
    }
    return Math.max(1, Math.ceil((oldest + seconds * 1000 - now) / 1000));
  }
}

export interface LoggedRequest {
  /** Milliseconds of the simulator's clock. */
  readonly at: number;
  readonly method: string;
  /** Path and query as sent. */
  readonly target: string;
  /** Null for addresses that belong to no stream. */
  readonly stream: string | null;
  /** Null on the id host, which has no known budget. */
  readonly budget: BudgetName | null;
  /** 0 when the connection was reset or left hanging. */
  readonly status: number;
}

export class RequestLog {
  #requests: LoggedRequest[] = [];

  add(request: LoggedRequest): void {
    this.#requests.push(request);
  }

  all(): readonly LoggedRequest[] {
    return this.#requests;
  }

  clear(): void {
    this.#requests = [];
  }

  /** How often each status was answered. */
  statuses(): Record<number, number> {
    return tally(this.#requests.map(({ status }) => status));
  }

  /** How often each path was asked for, query left out. */
  byPath(): Record<string, number> {
    return tally(this.#requests.map(({ target }) => target.split('?')[0] as string));
  }

  /** How many answers had that status. */
  count(status: number): number {
    return this.#requests.filter((request) => request.status === status).length;
  }

  /** The most requests that arrived within any window of the budget's length; without refused ones when asked so. */
  maxInAnyWindow(
    budget: BudgetName,
    options: { readonly seconds?: number; readonly admittedOnly?: boolean } = {},
  ): number {
    const windowMs = (options.seconds ?? HARVEST_BUDGETS[budget].seconds) * 1000;
    const times = this.#requests
      .filter((request) => request.budget === budget && !(options.admittedOnly && request.status === 429))
      .map(({ at }) => at)
      .sort((a, b) => a - b);
    let most = 0;
    let oldest = 0;
    times.forEach((at, newest) => {
      while (at - (times[oldest] as number) >= windowMs) oldest += 1;
      most = Math.max(most, newest - oldest + 1);
    });
    return most;
  }
}

function tally<K extends string | number>(values: readonly K[]): Record<K, number> {
  const counts = {} as Record<K, number>;
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
