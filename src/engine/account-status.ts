// The engine's own account of itself, for people: built on demand from the live streams.
import { isoSeconds } from '../base/clock.ts';
import { windowCount } from '../streams/windows.ts';
import type { LiveStream } from './live-stream.ts';
import type { BudgetView } from './ports.ts';
import { reportSpan } from './report-step.ts';
import { dueAt, type ScheduleView, waitsFor } from './schedule.ts';
import type { AccountStatus, StreamStatus, SweepStatus } from './status.ts';

export interface Phase {
  readonly name: AccountStatus['phase'];
  readonly reason: string | null;
  readonly remedy: string | null;
}

export function accountStatus(parts: {
  readonly accountId: string;
  readonly phase: Phase;
  readonly startedAt: number;
  readonly view: ScheduleView;
  readonly budgets: readonly BudgetView[];
  readonly now: number;
}): AccountStatus {
  const { accountId, phase, startedAt, view, budgets, now } = parts;
  return {
    accountId,
    phase: phase.name,
    reason: phase.reason,
    remedy: phase.remedy,
    startedAt: isoSeconds(startedAt),
    streams: [...view.streams.values()].map((live) => streamStatus(live, view, now)),
    budgets: budgets.map((budget) => ({
      name: budget.name,
      requests: budget.requests,
      perSeconds: budget.windowMs / 1000,
      used: budget.used(),
      waiting: budget.waiting(),
      pausedUntil: budget.pausedUntil() > now ? isoSeconds(budget.pausedUntil()) : null,
    })),
  };
}

function streamStatus(live: LiveStream, view: ScheduleView, now: number): StreamStatus {
  const { row, definition, retry } = live;
  const due = dueAt(live, view, now);
  const refusedParent =
    live.parent !== null && live.parent.row.state !== 'RUNNING' && row.state === 'RUNNING' ? live.parent : null;
  const waiting = row.complete ? null : waitsFor(live, view.streams);
  return {
    stream: definition.name,
    state: refusedParent?.row.state ?? row.state,
    reason: refusedParent
      ? `its parents cannot be read: ${refusedParent.row.reason}`
      : (row.reason ?? (waiting && `waits for ${waiting}`)),
    remedy: refusedParent?.row.remedy ?? row.remedy,
    since: refusedParent?.row.since ?? row.since,
    nextProbeAt: row.state === 'FORBIDDEN' || row.state === 'BLOCKED' ? isoSeconds(live.probeAt) : null,
    complete: row.complete,
    cursor: row.position.kind === 'list' ? row.position.cursor : null,
    rows: row.rows,
    lagSeconds: row.synced_to === null ? null : Math.max(0, Math.round((now - Date.parse(row.synced_to)) / 1000)),
    lastCommitAt: live.lastCommitAt === null ? null : isoSeconds(live.lastCommitAt),
    nextDueAt: due === null ? null : isoSeconds(Math.max(due, now)),
    sweep: sweepStatus(live, view, now),
    retrying: retry && { since: isoSeconds(retry.since), attempt: retry.attempt, reason: retry.error.message },
    deadLetters: row.dead_letters,
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
      const span = reportSpan(view, now);
      const total = windowCount(span.first.from, span.last.from, position.grain);
      return { purpose: 'first', pages: windows, rows: windows, total, unit: 'windows', startedAt };
    }
  }
}
