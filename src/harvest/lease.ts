// The rows of a budget, and how far a process may go on those that it has stored: so many attempts, and only for
// so long (promise P6). Whoever takes the account over counts all of them, so any row that may be the durable one must
// cover what we do; and since they end, it knows from when on a process that slept will start none of them any more.
import { assert } from '../base/errors.ts';
import type { BudgetRow } from '../engine/ports.ts';

/**
 * Attempts start under a row only so long after its making. Longer than a poll interval, so that an account where nothing
 * happens stores no row for this alone.
 */
export const LEASE_MS = 90_000;

/** One look at both clocks. */
export interface Instant {
  readonly monotonic: number;
  readonly wall: number;
}

/** An attempt that had not ended when a row was written: whoever reads it must count it as ending then. */
const IN_FLIGHT = Number.MAX_SAFE_INTEGER;

/** A budget at this moment: when attempts ended (monotonic), how many have not, and until when it is paused (wall). */
export interface BudgetCount {
  readonly ended: readonly number[];
  readonly running: number;
  readonly pausedUntil: number;
}

export function rowOf(
  { ended, running, pausedUntil }: BudgetCount,
  lease: number,
  { monotonic, wall }: Instant,
): BudgetRow {
  const attempts = ended.map((time) => Math.ceil(time + wall - monotonic));
  for (let each = 0; each < running; each++) attempts.push(IN_FLIGHT);
  return { attempts, lease, lease_ms: LEASE_MS, pausedUntil, at: wall };
}

/**
 * When the attempts of another process' row ended, as monotonic times of ours. Of leased ones nobody knows whether they have
 * been started: they run until the lease is over, counted from this reading, because the clock of another machine tells us
 * nothing; and so do those that the writer has itself found leased.
 */
export function attemptsIn(row: BudgetRow, { monotonic, wall }: Instant): number[] {
  const writtenAt = row.at ?? wall;
  const attempts = row.attempts.map((time) => {
    if (time === IN_FLIGHT) return monotonic;
    return time > writtenAt ? monotonic + time - writtenAt : monotonic - Math.max(0, wall - time);
  });
  // Rows of before leases ended say nothing of it.
  const leaseMs = row.lease_ms ?? LEASE_MS;
  for (let each = 0; each < row.lease; each++) attempts.push(monotonic + leaseMs);
  return attempts;
}

/** The attempts that a row allows. It ends by whichever clock is faster: the monotonic one stands still while a machine is suspended. */
interface Grant {
  /** So many attempts, counted from the first one of the process. */
  readonly attempts: number;
  readonly end: Instant;
}

const FOREVER: Instant = { monotonic: Number.POSITIVE_INFINITY, wall: Number.POSITIVE_INFINITY };

export class Leases {
  /** Of the row that a successor would find, as far as we know. */
  #grant: Grant;
  #durable: BudgetRow | null = null;
  /** Of rows that were handed out and may be durable already. */
  readonly #unconfirmed = new Map<BudgetRow, Grant>();

  /** Bounded by rows; or, where nobody stores any, by nothing. */
  constructor(isBounded: boolean) {
    this.#grant = { attempts: isBounded ? 0 : Number.POSITIVE_INFINITY, end: FOREVER };
  }

  /** A row leaves, to be stored: from now on it may turn out to be the durable one, whether or not we learn of it. */
  handOut(row: BudgetRow, started: number, { monotonic, wall }: Instant): void {
    const end = { monotonic: monotonic + LEASE_MS, wall: wall + LEASE_MS };
    this.#unconfirmed.set(row, { attempts: started + row.lease, end });
  }

  /** A row that was handed out is durable; those before it no longer are. */
  confirm(row: BudgetRow): void {
    const grant = this.#unconfirmed.get(row);
    assert(grant !== undefined, 'a stored row of a budget is one that it handed out');
    for (const older of this.#unconfirmed.keys()) {
      this.#unconfirmed.delete(older);
      if (older === row) break;
    }
    this.#grant = grant;
    this.#durable = row;
  }

  /**
   * The row that was read back, at a start or after a doubt. True when it is one of ours: which of them does not matter to
   * what we remember, and the strictest of them counts until the next one is stored.
   */
  readBack(row: BudgetRow | null): boolean {
    const isOurs = [...this.#unconfirmed.keys(), this.#durable].some((ours) => sameRow(ours, row));
    this.#grant = this.#strictest();
    this.#unconfirmed.clear();
    this.#durable = row;
    return isOurs;
  }

  /** Whether one more attempt may start after `started` of them. */
  allow(started: number, { monotonic, wall }: Instant): boolean {
    const { attempts, end } = this.#strictest();
    return monotonic < end.monotonic && wall < end.wall && started < attempts;
  }

  /** Little is left, or nothing although somebody waits: a new row should be stored. */
  isLow(started: number, now: Instant, isNeeded: boolean): boolean {
    const { attempts } = this.#strictest();
    return attempts - started < (this.#durable?.lease ?? 0) / 4 || (isNeeded && !this.allow(started, now));
  }

  #strictest(): Grant {
    return [...this.#unconfirmed.values()].reduce(stricter, this.#grant);
  }
}

function stricter(a: Grant, b: Grant): Grant {
  return {
    attempts: Math.min(a.attempts, b.attempts),
    end: { monotonic: Math.min(a.end.monotonic, b.end.monotonic), wall: Math.min(a.end.wall, b.end.wall) },
  };
}

function sameRow(a: BudgetRow | null, b: BudgetRow | null): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
