// The engine's own account of itself, for people: built on demand from the stream runtimes.
import { isoSeconds } from '../base/clock.ts';
import type { ErrorCode } from '../base/errors.ts';
import type { Stall } from '../base/watchdog.ts';
import type { BudgetName } from '../streams/definition.ts';
import { type Extent, firstRequests } from './pace/first-reading.ts';
import type { FreshnessStatus } from './pace/freshness.ts';
import { type BudgetView, LONG_PAUSE_MS, PRIORITY } from './ports.ts';
import { reportWindows } from './reports/report-span.ts';
import { nextTask, type ScheduleView, waitsFor } from './schedule.ts';
import type { Memory } from './state/memory.ts';
import { isRunning, type StreamRow, stateOf, whyOf } from './state/stream-row.ts';
import type { StreamRuntime } from './state/stream-runtime.ts';
import { type AccountStatus, type BudgetStatus, type ScanStatus, type StreamStatus, stallStatus } from './status.ts';

export interface Phase {
  readonly name: AccountStatus['phase'];
  readonly code?: ErrorCode;
  readonly reason: string | null;
  readonly remedy: string | null;
}

export function accountStatus(parts: {
  readonly accountId: string;
  readonly phase: Phase;
  readonly startedAt: number;
  readonly view: ScheduleView;
  readonly budgets: readonly BudgetView[];
  readonly pageRows: number;
  readonly stalls: readonly Stall[];
  readonly freshness: FreshnessStatus | null;
  readonly pollStretch: number;
  readonly now: number;
}): AccountStatus {
  const { accountId, phase, startedAt, view, budgets, pageRows, stalls, freshness, pollStretch, now } = parts;
  const streams = [...view.streams.values()];
  return {
    accountId,
    phase: phase.name,
    code: phase.code ?? null,
    reason: phase.reason,
    remedy: phase.remedy,
    startedAt: isoSeconds(startedAt),
    streams: streams.map((runtime) => streamStatus(runtime, view, accountId, now)),
    budgets: budgets.map((budget) => budgetStatus(budget, firstRequestsLeft(budget.name, view, pageRows, now), now)),
    stalls: stallStatus(stalls),
    freshness,
    pollStretch,
  };
}

function budgetStatus(budget: BudgetView, firstScans: ReturnType<typeof firstRequestsLeft>, now: number): BudgetStatus {
  const pausedUntil = budget.pausedUntil();
  const inSeconds = (ms: number) => Math.ceil(ms / 1000);
  // What is current is read beside it.
  const firstScansMs = firstScans.requests > 0 ? budget.freeInMs(firstScans.requests, PRIORITY.children) : 0;
  return {
    name: budget.name,
    requests: budget.requests,
    perSeconds: budget.windowMs / 1000,
    used: budget.used(),
    waiting: budget.waiting(),
    pausedUntil: pausedUntil === 0 ? null : isoSeconds(pausedUntil),
    freeInSeconds: inSeconds(budget.freeInMs(1)),
    firstScans: { ...firstScans, seconds: inSeconds(firstScansMs) },
    isPausedForLong: Math.max(budget.throttledMs(), pausedUntil - now) > LONG_PAUSE_MS,
  };
}

/** Requests that the snapshots still need. What cannot be told yet counts as one. */
function firstRequestsLeft(
  name: BudgetName,
  view: ScheduleView,
  pageRows: number,
  now: number,
): { readonly requests: number; readonly isKnown: boolean } {
  const unread = [...view.streams.values()].filter(({ definition, row, parent }) => {
    return definition.budget === name && isRunning(row) && !row.complete && (parent === null || isRunning(parent.row));
  });
  const left = unread.map((runtime) => {
    const all = firstRequests(runtime.definition, extentOf(runtime, view, now), pageRows);
    return { requests: Math.max(1, (all ?? 0) - requestsMade(runtime)), isKnown: all !== null };
  });
  return {
    requests: left.reduce((sum, { requests }) => sum + requests, 0),
    isKnown: left.every(({ isKnown }) => isKnown) && !unread.some((runtime) => mayGrow(runtime, view)),
  };
}

function extentOf(runtime: StreamRuntime, view: ScheduleView, now: number): Extent {
  const { definition, parent } = runtime;
  return {
    rows: rowsTold(runtime),
    parents: parent && (parent.row.complete ? parent.index.size : rowsTold(parent)),
    windows: definition.kind === 'report' ? reportWindows(runtime, view, now).held.length : null,
  };
}

/** Harvest's count of a list, as its first page says it. */
function rowsTold({ row: { position } }: StreamRuntime): number | null {
  return position.kind === 'list' ? (position.scan?.total ?? null) : null;
}

function requestsMade({ row: { position } }: StreamRuntime): number {
  switch (position.kind) {
    case 'list':
      return position.scan?.pages ?? 0;
    case 'child':
      return position.scan?.visited ?? 0;
    case 'report':
      return position.scan?.windows ?? 0;
    case 'derived':
      return 0;
  }
}

/** Whether more windows may come to light, because the lists that a report sums up are not read. */
function mayGrow({ definition }: StreamRuntime, { streams, settings }: ScheduleView): boolean {
  if (definition.kind !== 'report' || settings.startDate !== null) return false;
  return definition.sources.some((name) => streams.get(name)?.row.complete === false);
}

function streamStatus(runtime: StreamRuntime, view: ScheduleView, accountId: string, now: number): StreamStatus {
  const { row, definition, memory } = runtime;
  const due = nextTask(runtime, view, now)?.at ?? null;
  const cause = standstillOf(runtime, view);
  const waiting = row.complete ? null : waitsFor(runtime, view.streams);
  // A derived stream is as new as its parent, and is asked for as often.
  const asked = definition.kind === 'derived' ? runtime.parent! : runtime;
  const { synced_to } = row.complete ? asked.row : row;
  return {
    stream: definition.name,
    state: stateOf((cause ?? runtime).row),
    ...reasonOf(runtime, accountId, cause, waiting),
    nextProbeAt: isProbed(row) ? isoSeconds(Math.max(memory.probeAt, now)) : null,
    complete: row.complete,
    cursor: row.position.kind === 'list' ? row.position.cursor : null,
    rows: row.rows,
    lagSeconds: synced_to === null ? null : Math.max(0, Math.round((now - Date.parse(synced_to)) / 1000)),
    lastCommitAt: memory.lastCommitAt === null ? null : isoSeconds(memory.lastCommitAt),
    pollIntervalSeconds: Math.round(view.paceOf(asked).pollMs) / 1000,
    nextDueAt: due === null || due === Number.POSITIVE_INFINITY ? null : isoSeconds(Math.max(due, now)),
    scan: scanStatus(runtime, view, now),
    backlog: backlogOf(runtime),
    retrying: row.paused === null ? retryingOf(memory) : null,
    deadLetters: row.dead_letters,
  };
}

/** The other stream that keeps this one still, refused or paused: its parent, or a list whose days its windows need. */
function standstillOf(runtime: StreamRuntime, { streams }: ScheduleView): StreamRuntime | null {
  const { parent, row } = runtime;
  if (!isRunning(row)) return null;
  if (parent !== null && !isRunning(parent.row)) return parent;
  const other = streams.get(waitsFor(runtime, streams) ?? '');
  return other && !isRunning(other.row) ? other : null;
}

function retryingOf({ retry }: Memory): StreamStatus['retrying'] {
  if (retry === null) return null;
  const { since, attempt, error } = retry;
  return { since: isoSeconds(since), attempt, reason: error.message, remedy: error.remedy };
}

/** Whether it is asked by itself, now and then, if it may be read again. */
function isProbed({ state, hold, paused }: StreamRow): boolean {
  if (paused !== null) return false;
  return state === 'FORBIDDEN' || state === 'BLOCKED' || (hold?.kind === 'refused' && !hold.released);
}

function reasonOf(
  runtime: StreamRuntime,
  accountId: string,
  cause: StreamRuntime | null,
  waiting: string | null,
): Pick<StreamStatus, 'reason' | 'remedy' | 'since'> {
  const { row } = runtime;
  if (cause?.row.paused) {
    const { name } = cause.definition;
    const { reason, remedy } = whyOf(cause.row, name, accountId);
    return { reason: `waits for ${name}: ${reason}`, remedy, since: cause.row.paused.since };
  }
  if (cause) {
    const { reason, remedy, since } = cause.row;
    return { reason: `its parents cannot be read: ${reason}`, remedy, since };
  }
  if (row.paused) return { ...whyOf(row, runtime.definition.name, accountId), since: row.paused.since };
  if (stateOf(row) === 'HELD') return { ...whyOf(row, runtime.definition.name, accountId), since: row.hold!.since };
  return { reason: row.reason ?? (waiting && `waits for ${waiting}`), remedy: row.remedy, since: row.since };
}

function backlogOf({ row }: StreamRuntime): StreamStatus['backlog'] {
  const { position, candidates, confirmed, reconciliation } = row;
  const pending = position.kind === 'child' ? position.pending.length : 0;
  return {
    pendingParents: pending,
    pendingSince: position.kind === 'child' ? position.pending_since : null,
    dirtyWindows: position.kind === 'report' ? position.dirty.length : 0,
    touchedWindows: position.kind === 'report' ? position.touched.length : 0,
    heldWindows: position.kind === 'report' ? position.held.length : 0,
    candidates: candidates.length,
    confirmed: confirmed.length,
    reconciliation: reconciliation && {
      cause: reconciliation.cause,
      startedAt: reconciliation.started_at,
      read: reconciliation.read,
      found: reconciliation.found,
    },
    missing: row.missing,
    countedAt: row.uncounted ? null : row.counted_at,
    reconciledAt: position.kind === 'report' ? position.round_at : row.reconciled_at,
  };
}

function scanStatus(runtime: StreamRuntime, view: ScheduleView, now: number): ScanStatus | null {
  const { position, complete } = runtime.row;
  if (position.kind === 'derived' || position.scan === null) return null;
  const { scan } = position;
  const startedAt = scan.started_at;
  switch (position.kind) {
    case 'list': {
      const { purpose, pages, read, total } = position.scan!;
      return { purpose, pages, rows: read, total, unit: 'rows', startedAt };
    }
    case 'child': {
      const { visited } = position.scan!;
      const purpose = complete ? 'children' : 'snapshot';
      return { purpose, pages: visited, rows: visited, total: runtime.parent!.index.size, unit: 'parents', startedAt };
    }
    case 'report': {
      const { windows } = position.scan!;
      const total = reportWindows(runtime, view, now).held.length;
      return { purpose: 'snapshot', pages: windows, rows: windows, total, unit: 'windows', startedAt };
    }
  }
}
