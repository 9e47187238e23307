// Account status as the engine would report it, for tests of what shows it.
import type { AccountStatus, Backlog, BudgetStatus, StreamStatus } from '../../src/engine/status.ts';

export const NOW = Date.UTC(2026, 10, 21, 6, 30, 0);

const before = (seconds: number) => new Date(NOW - seconds * 1000).toISOString().replace('.000', '');

export const NO_BACKLOG: Backlog = {
  pendingParents: 0,
  pendingSince: null,
  dirtyWindows: 0,
  touchedWindows: 0,
  heldWindows: 0,
  candidates: 0,
  confirmed: 0,
  reconciliation: null,
  missing: 0,
  countedAt: null,
  reconciledAt: null,
};

export function stream(name: string, rest: Partial<StreamStatus> = {}): StreamStatus {
  return {
    stream: name,
    state: 'RUNNING',
    reason: null,
    remedy: null,
    since: before(3_600),
    nextProbeAt: null,
    complete: true,
    cursor: before(330),
    rows: 1_234,
    lagSeconds: 30,
    lastCommitAt: before(42),
    pollIntervalSeconds: 60,
    nextDueAt: before(-30),
    scan: null,
    retrying: null,
    backlog: NO_BACKLOG,
    deadLetters: 0,
    ...rest,
  };
}

export function firstScan(rows: number, total: number | null, rest: Partial<StreamStatus> = {}): Partial<StreamStatus> {
  const scan = {
    purpose: 'snapshot',
    pages: Math.ceil(rows / 2_000),
    rows,
    total,
    unit: 'rows',
    startedAt: before(60),
  } as const;
  return { complete: false, cursor: null, lagSeconds: null, rows, scan, ...rest };
}

const FREE = { freeInSeconds: 0, firstScans: { requests: 0, seconds: 0, isKnown: true } };

export function budget(name: 'general' | 'reports', rest: Partial<BudgetStatus> = {}): BudgetStatus {
  const perSeconds = name === 'general' ? 15 : 900;
  return {
    name,
    requests: 95,
    perSeconds,
    used: 12,
    waiting: 0,
    pausedUntil: null,
    isPausedForLong: false,
    ...FREE,
    ...rest,
  };
}

export function account(streams: readonly StreamStatus[], rest: Partial<AccountStatus> = {}): AccountStatus {
  return {
    accountId: '1234567',
    phase: 'running',
    code: null,
    reason: null,
    remedy: null,
    startedAt: before(3_600),
    streams,
    budgets: [budget('general'), budget('reports')],
    stalls: [],
    freshness: null,
    pollStretch: 1,
    ...rest,
  };
}
