// The status that the page, /status, readiness and the progress line show. Built on demand by the engine; plain data.
import type { Stall } from '../base/watchdog.ts';
import type { BudgetName } from '../streams/definition.ts';
import type { StreamState } from './events.ts';
import type { FreshnessStatus } from './pace/freshness.ts';

export interface ScanStatus {
  readonly purpose: string;
  readonly pages: number;
  readonly rows: number;
  /** Rows (lists), parents (children) or windows (reports) in all, when known. */
  readonly total: number | null;
  readonly unit: 'rows' | 'parents' | 'windows';
  readonly startedAt: string;
}

/** Work that is left: to be read, asked for or deleted. */
export interface Backlog {
  /** Changed parents whose children are to be read, and since when there are any. */
  readonly pendingParents: number;
  readonly pendingSince: string | null;
  /** Report windows to be read again: entries changed, something else may have restated them, or their missing rows are held. */
  readonly dirtyWindows: number;
  readonly touchedWindows: number;
  readonly heldWindows: number;
  /** Rows that lists no longer have and that are asked for one by one, and those that answered 404. */
  readonly candidates: number;
  readonly confirmed: number;
  readonly reconciliation: {
    readonly cause: string;
    readonly startedAt: string;
    readonly read: number;
    readonly found: number;
  } | null;
  /** Rows that Harvest's count had less than the topic at the last count check. */
  readonly missing: number;
  readonly countedAt: string | null;
  readonly reconciledAt: string | null;
}

export interface Retrying {
  readonly since: string;
  readonly attempt: number;
  readonly reason: string;
  readonly remedy: string;
}

export interface StreamStatus {
  readonly stream: string;
  readonly state: StreamState;
  readonly reason: string | null;
  readonly remedy: string | null;
  /** Since when the stream is in this state. */
  readonly since: string;
  readonly nextProbeAt: string | null;
  /** The snapshot is complete: the topic holds everything that Harvest held when it began. */
  readonly complete: boolean;
  readonly cursor: string | null;
  /** Rows on the topic. */
  readonly rows: number;
  /** Seconds since the server time up to which the topic is known to be equal; null before the snapshot ends. */
  readonly lagSeconds: number | null;
  readonly lastCommitAt: string | null;
  /** How often changes are asked for now. */
  readonly pollIntervalSeconds: number;
  readonly nextDueAt: string | null;
  readonly scan: ScanStatus | null;
  readonly backlog: Backlog;
  /** Set while requests fail and are repeated. */
  readonly retrying: Retrying | null;
  readonly deadLetters: number;
}

export interface BudgetStatus {
  readonly name: BudgetName;
  readonly requests: number;
  readonly perSeconds: number;
  readonly used: number;
  readonly waiting: number;
  readonly pausedUntil: string | null;
  /** Until the next request may start; 0 when it may now. */
  readonly freeInSeconds: number;
  /** Requests that the snapshots still need, and how long the budget takes to allow them; at least so many while not all is known. */
  readonly firstScans: { readonly requests: number; readonly seconds: number; readonly isKnown: boolean };
  /** Harvest has answered nothing else for more than an hour, or will have: somebody should look why. */
  readonly isPausedForLong: boolean;
}

/** A loop that stands still although it could go on. */
export interface StallStatus {
  readonly loop: string;
  readonly waiting: string;
  readonly seconds: number;
}

export function stallStatus(stalls: readonly Stall[]): StallStatus[] {
  return stalls.map(({ loop, waiting, forMs }) => ({ loop, waiting, seconds: Math.round(forMs / 1000) }));
}

export interface AccountStatus {
  readonly accountId: string;
  /** Taken: somebody outside of the group has it. */
  readonly phase: 'opening' | 'running' | 'waiting' | 'stopped' | 'taken';
  /** The error code of what keeps it from running. */
  readonly code: string | null;
  /** Why it is waiting or stopped. */
  readonly reason: string | null;
  readonly remedy: string | null;
  readonly startedAt: string;
  readonly streams: readonly StreamStatus[];
  readonly budgets: readonly BudgetStatus[];
  readonly stalls: readonly StallStatus[];
  /** How long the changes of the last hour took; null when there were none. */
  readonly freshness: FreshnessStatus | null;
  /** By how much polls are slower than they should be, because they would take too much of the budget; 1 when they are not. */
  readonly pollStretch: number;
}
