// The engine's own account of itself, for people: built on demand from the stream runtimes.
import { isoSeconds } from '../base/clock.ts';
import type { ErrorCode } from '../base/errors.ts';
import type { Stall } from '../base/watchdog.ts';
import type { BudgetName } from '../streams/definition.ts';
import { type BudgetView, LONG_PAUSE_MS } from './ports.ts';
import { reportWindows } from './reports/report-span.ts';
import { nextTask, type ScheduleView, waitsFor } from './schedule.ts';
import { type StreamRow, stateOf, whyOf } from './state/stream-row.ts';
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
  readonly now: number;
}): AccountStatus {
  const { accountId, phase, startedAt, view, budgets, pageRows, stalls, now } = parts;
  const streams = [...view.streams.values()];
  return {
    accountId,
    phase: phase.name,
    code: phase.code ?? null,
    reason: phase.reason,
    remedy: phase.remedy,
    startedAt: isoSeconds(startedAt),
    streams: streams.map((runtime) => streamStatus(runtime, view, accountId, now)),
    budgets: budgets.map((budget) => budgetStatus(budget, firstScanRequests(budget.name, view, pageRows, now), now)),
    stalls: stallStatus(stalls),
  };
}

function budgetStatus(budget: BudgetView, firstScans: number, now: number): BudgetStatus {
  const pausedUntil = budget.pausedUntil();
  const freeInSeconds = (requests: number) => Math.ceil(budget.freeInMs(requests) / 1000);
  return {
    name: budget.name,
    requests: budget.requests,
    perSeconds: budget.windowMs / 1000,
    used: budget.used(),
    waiting: budget.waiting(),
    pausedUntil: pausedUntil === 0 ? null : isoSeconds(pausedUntil),
    freeInSeconds: freeInSeconds(1),
    firstScans: { requests: firstScans, seconds: firstScans > 0 ? freeInSeconds(firstScans) : 0 },
    isPausedForLong: Math.max(budget.throttledMs(), pausedUntil - now) > LONG_PAUSE_MS,
  };
}

/** Requests that are known to be left: pages of lists with a total, parents not visited, report windows not read. */
function firstScanRequests(name: BudgetName, view: ScheduleView, pageRows: number, now: number): number {
  const unread = [...view.streams.values()].filter(({ definition, row }) => {
    return definition.budget === name && row.state === 'RUNNING' && !row.complete;
  });
  return unread.reduce((sum, runtime) => {
    const scan = scanStatus(runtime, view, now);
    if (scan === null)
      return sum + (runtime.row.position.kind === 'report' ? reportWindows(runtime, view, now).held.length : 0);
    const left = Math.max(0, (scan.total ?? 0) - scan.rows);
    return sum + (scan.unit === 'rows' ? Math.ceil(left / pageRows) : left);
  }, 0);
}

function streamStatus(runtime: StreamRuntime, view: ScheduleView, accountId: string, now: number): StreamStatus {
  const { row, definition, memory } = runtime;
  const { retry } = memory;
  const due = nextTask(runtime, view, now)?.at ?? null;
  const refusedParent =
    runtime.parent !== null && runtime.parent.row.state !== 'RUNNING' && row.state === 'RUNNING'
      ? runtime.parent
      : null;
  const waiting = row.complete ? null : waitsFor(runtime, view.streams);
  return {
    stream: definition.name,
    state: refusedParent?.row.state ?? stateOf(row),
    ...reasonOf(runtime, accountId, refusedParent, waiting),
    nextProbeAt: isProbed(row) ? isoSeconds(memory.probeAt) : null,
    complete: row.complete,
    cursor: row.position.kind === 'list' ? row.position.cursor : null,
    rows: row.rows,
    lagSeconds: row.synced_to === null ? null : Math.max(0, Math.round((now - Date.parse(row.synced_to)) / 1000)),
    lastCommitAt: memory.lastCommitAt === null ? null : isoSeconds(memory.lastCommitAt),
    pollIntervalSeconds: runtime.intervals.pollMs / 1000,
    nextDueAt: due === null || due === Number.POSITIVE_INFINITY ? null : isoSeconds(Math.max(due, now)),
    scan: scanStatus(runtime, view, now),
    backlog: backlogOf(runtime),
    retrying: retry && {
      since: isoSeconds(retry.since),
      attempt: retry.attempt,
      reason: retry.error.message,
      remedy: retry.error.remedy,
    },
    deadLetters: row.dead_letters,
  };
}

/** Whether it is asked by itself, now and then, if it may be read again. */
function isProbed({ state, hold }: StreamRow): boolean {
  return state === 'FORBIDDEN' || state === 'BLOCKED' || (hold?.kind === 'refused' && !hold.released);
}

function reasonOf(
  runtime: StreamRuntime,
  accountId: string,
  refusedParent: StreamRuntime | null,
  waiting: string | null,
): Pick<StreamStatus, 'reason' | 'remedy' | 'since'> {
  const { row } = runtime;
  if (refusedParent) {
    const { reason, remedy, since } = refusedParent.row;
    return { reason: `its parents cannot be read: ${reason}`, remedy, since };
  }
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
  const { scan } = position;
  if (scan === null) return null;
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
