// The engine's own account of itself, for people: built on demand from the live streams.
import { isoSeconds } from '../base/clock.ts';
import type { ErrorCode } from '../base/errors.ts';
import type { Stall } from '../base/watchdog.ts';
import type { BudgetName } from '../streams/definition.ts';
import type { LiveStream } from './state/stream-runtime.ts';
import { type BudgetView, LONG_PAUSE_MS } from './ports.ts';
import { reportWindows } from './reports/report-span.ts';
import { nextTask, type ScheduleView, waitsFor } from './schedule.ts';
import { type AccountStatus, type BudgetStatus, type StreamStatus, type SweepStatus, stallStatus } from './status.ts';
import { type StreamRow, stateOf, whyOf } from './state/stream-row.ts';

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
    streams: streams.map((live) => streamStatus(live, view, accountId, now)),
    budgets: budgets.map((budget) => budgetStatus(budget, firstSweepRequests(budget.name, view, pageRows, now), now)),
    stalls: stallStatus(stalls),
  };
}

function budgetStatus(budget: BudgetView, firstSweeps: number, now: number): BudgetStatus {
  const pausedUntil = budget.pausedUntil();
  return {
    ...allowance(budget, firstSweeps),
    name: budget.name,
    requests: budget.requests,
    perSeconds: budget.windowMs / 1000,
    used: budget.used(),
    waiting: budget.waiting(),
    pausedUntil: pausedUntil === 0 ? null : isoSeconds(pausedUntil),
    isPausedForLong: Math.max(budget.throttledMs(), pausedUntil - now) > LONG_PAUSE_MS,
  };
}

function allowance(budget: BudgetView, requests: number): Pick<BudgetStatus, 'freeInSeconds' | 'firstSweeps'> {
  const seconds = (count: number) => Math.ceil(budget.freeInMs(count) / 1000);
  return { freeInSeconds: seconds(1), firstSweeps: { requests, seconds: requests > 0 ? seconds(requests) : 0 } };
}

/** What is known: pages of lists whose total is, parents not visited, report windows not read, those of reports that wait too. */
function firstSweepRequests(name: BudgetName, view: ScheduleView, pageRows: number, now: number): number {
  const unread = [...view.streams.values()].filter(({ definition, row }) => {
    return definition.budget === name && row.state === 'RUNNING' && !row.complete;
  });
  return unread.reduce((sum, live) => {
    const sweep = sweepStatus(live, view, now);
    if (sweep === null)
      return sum + (live.row.position.kind === 'report' ? reportWindows(live, view, now).held.length : 0);
    const left = Math.max(0, (sweep.total ?? 0) - sweep.rows);
    return sum + (sweep.unit === 'rows' ? Math.ceil(left / pageRows) : left);
  }, 0);
}

function streamStatus(live: LiveStream, view: ScheduleView, accountId: string, now: number): StreamStatus {
  const { row, definition, retry } = live;
  const due = nextTask(live, view, now)?.at ?? null;
  const refusedParent =
    live.parent !== null && live.parent.row.state !== 'RUNNING' && row.state === 'RUNNING' ? live.parent : null;
  const waiting = row.complete ? null : waitsFor(live, view.streams);
  return {
    stream: definition.name,
    state: refusedParent?.row.state ?? stateOf(row),
    ...reasonOf(live, accountId, refusedParent, waiting),
    nextProbeAt: isProbed(row) ? isoSeconds(live.probeAt) : null,
    complete: row.complete,
    cursor: row.position.kind === 'list' ? row.position.cursor : null,
    rows: row.rows,
    lagSeconds: row.synced_to === null ? null : Math.max(0, Math.round((now - Date.parse(row.synced_to)) / 1000)),
    lastCommitAt: live.lastCommitAt === null ? null : isoSeconds(live.lastCommitAt),
    pollIntervalSeconds: live.intervals.pollMs / 1000,
    nextDueAt: due === null || due === Number.POSITIVE_INFINITY ? null : isoSeconds(Math.max(due, now)),
    sweep: sweepStatus(live, view, now),
    backlog: backlogOf(live),
    retrying: retry && {
      since: isoSeconds(retry.since),
      attempt: retry.backoff.attempt,
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
  live: LiveStream,
  accountId: string,
  refusedParent: LiveStream | null,
  waiting: string | null,
): Pick<StreamStatus, 'reason' | 'remedy' | 'since'> {
  const { row } = live;
  if (refusedParent) {
    const { reason, remedy, since } = refusedParent.row;
    return { reason: `its parents cannot be read: ${reason}`, remedy, since };
  }
  if (stateOf(row) === 'HELD') return { ...whyOf(row, live.definition.name, accountId), since: row.hold!.since };
  return { reason: row.reason ?? (waiting && `waits for ${waiting}`), remedy: row.remedy, since: row.since };
}

/** What waits to be read or deleted, for people to see that it moves. */
function backlogOf({ row }: LiveStream): StreamStatus['backlog'] {
  const { position, suspects, gone, census } = row;
  const pending = position.kind === 'child' ? position.pending.length : 0;
  return {
    pendingParents: pending,
    pendingSince: position.kind === 'child' ? position.pending_since : null,
    dirtyWindows: position.kind === 'report' ? position.dirty.length : 0,
    touchedWindows: position.kind === 'report' ? position.touched.length : 0,
    heldWindows: position.kind === 'report' ? position.held.length : 0,
    suspects: suspects.length,
    gone: gone.length,
    census:
      census === null
        ? null
        : { cause: census.cause, startedAt: census.started_at, read: census.read, found: census.found },
    missing: row.missing,
    talliedAt: row.uncounted ? null : row.tallied_at,
    censusAt: position.kind === 'report' ? position.round_at : row.census_at,
  };
}

function sweepStatus(live: LiveStream, view: ScheduleView, now: number): SweepStatus | null {
  const { position, complete } = live.row;
  const { sweep } = position;
  if (sweep === null) return null;
  const startedAt = sweep.started_at;
  switch (position.kind) {
    case 'list': {
      const { purpose, pages, read, total } = position.sweep!;
      return { purpose, pages, rows: read, total, unit: 'rows', startedAt };
    }
    case 'child': {
      const { visited } = position.sweep!;
      const purpose = complete ? 'children' : 'first';
      return { purpose, pages: visited, rows: visited, total: live.parent!.index.size, unit: 'parents', startedAt };
    }
    case 'report': {
      const { windows } = position.sweep!;
      const total = reportWindows(live, view, now).held.length;
      return { purpose: 'first', pages: windows, rows: windows, total, unit: 'windows', startedAt };
    }
  }
}
