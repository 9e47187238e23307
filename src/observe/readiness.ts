// The meaning of the accounts' status: is the process ready, and how is each account in one plain sentence. Pure.
import { CODES } from '../base/errors.ts';
import type { AccountStatus, BudgetStatus, StallStatus, StreamStatus } from '../engine/status.ts';

/** Something that keeps an account or stream from being equal to Harvest, and what to do about it. */
export interface Concern {
  readonly account: string;
  readonly stream?: string;
  readonly state: string;
  readonly reason: string;
  readonly remedy: string | null;
}

export interface Readiness {
  readonly ready: boolean;
  /** Why it is not ready. */
  readonly reasons: readonly Concern[];
  /** Worth knowing, yet no obstacle. */
  readonly notes: readonly Concern[];
}

export interface Vitality {
  readonly alive: boolean;
  readonly dead: readonly string[];
  readonly stalls: readonly (StallStatus & { readonly account: string })[];
}

/**
 * Alive means: no defect of ours has ended an account or keeps one of its loops still, which a restart of the process mends.
 * A refusal by others, or their silence, a restart does not mend.
 */
export function vitality(dead: readonly string[], accounts: readonly AccountStatus[]): Vitality {
  const stalls = accounts.flatMap(({ accountId: account, stalls }) => stalls.map((stall) => ({ account, ...stall })));
  return { alive: dead.length === 0 && stalls.length === 0, dead, stalls };
}

/**
 * Ready means: every enabled stream that can be read has been read completely once, and goes on being read. A module
 * that is switched off, and requests that are being repeated, are notes (promise P9: a bad token is never green).
 */
export function readiness(accounts: readonly AccountStatus[]): Readiness {
  const reasons: Concern[] = [];
  const notes: Concern[] = [];
  for (const account of accounts) {
    if (account.phase !== 'running') reasons.push(accountConcern(account));
    for (const budget of account.budgets)
      if (budget.isPausedForLong) notes.push(pauseConcern(account.accountId, budget));
    for (const stall of account.stalls) reasons.push(stallConcern(account.accountId, stall));
    for (const stream of account.streams) {
      // Why an account does not run is told once; that its streams are not read meanwhile follows from it.
      if (account.phase !== 'running' && stream.state === 'RUNNING') continue;
      const concern = streamConcern(account.accountId, stream);
      if (concern === null) continue;
      (isObstacle(stream) ? reasons : notes).push(concern);
    }
  }
  return { ready: accounts.length > 0 && reasons.length === 0, reasons, notes };
}

/** The account's work, or why it stands still, as one sentence. */
export function headline(account: AccountStatus): string {
  const { phase, streams, stalls } = account;
  if (phase === 'opening') return 'Opening: fencing older instances and reading the topics back.';
  if (phase === 'waiting') return `Waiting, and trying again by itself: ${sentence(account.reason)}`;
  if (phase === 'taken') return `Left alone: ${sentence(account.reason)}`;
  if (phase === 'stopped') return `Stopped: ${sentence(account.reason)}`;
  if (stalls.length > 0)
    return `Stands still: ${stallConcern(account.accountId, stalls[0]!).reason}. ${CODES.bug.remedy}`;

  const standing = streams.filter((stream) => stream.state === 'FORBIDDEN' || stream.state === 'BLOCKED');
  const held = streams.filter((stream) => stream.state === 'HELD');
  const paused = streams.filter((stream) => stream.state === 'PAUSED');
  const running = streams.filter((stream) => stream.state === 'RUNNING');
  const complete = running.filter((stream) => stream.complete);
  const retrying = running.filter((stream) => stream.retrying !== null);
  const lag = Math.max(0, ...running.map((stream) => stream.lagSeconds ?? 0));
  const enabled = streams.filter((stream) => stream.state !== 'FEATURE_OFF');
  const parts = [
    progress(complete.length, running.length, enabled.length, lag),
    standing.length > 0 ? `${names(standing)} ${standing.length === 1 ? 'stands' : 'stand'} still` : '',
    held.length > 0 ? `deletions of ${names(held)} are held` : '',
    paused.length > 0 ? `${names(paused)} ${paused.length === 1 ? 'is' : 'are'} paused` : '',
    retrying.length > 0 ? `requests for ${names(retrying)} fail and are repeated` : '',
    ...account.budgets.filter(({ isPausedForLong }) => isPausedForLong).map(pauseReason),
  ];
  return `${parts.filter(Boolean).join('; ')}.`;
}

/** `48 s`, `12 min`, `3 h`, `2 d`: the two most useful digits of a time. */
export function duration(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

function accountConcern(account: AccountStatus): Concern {
  return {
    account: account.accountId,
    state: account.phase,
    reason: account.reason ?? 'the topics are being read back',
    remedy: account.remedy,
  };
}

function pauseConcern(account: string, budget: BudgetStatus): Concern {
  const remedy =
    'If that cannot be meant, restart: the next process asks once. Lower harvest.budgets if other programs share the account.';
  return { account, state: 'PAUSED', reason: pauseReason(budget), remedy };
}

function pauseReason({ name, pausedUntil }: BudgetStatus): string {
  return `Harvest asked to make no ${name} requests until ${pausedUntil}`;
}

function stallConcern(account: string, { loop, waiting, seconds }: StallStatus): Concern {
  const reason = `${waiting}, and nothing of it moved for ${duration(seconds)} (${loop})`;
  return { account, state: 'STALLED', reason, remedy: CODES.bug.remedy };
}

function streamConcern(account: string, status: StreamStatus): Concern | null {
  const { stream, state, reason, remedy, retrying } = status;
  if (state !== 'RUNNING') return { account, stream, state, reason: reason ?? 'unknown', remedy };
  const why = retrying ?? { reason: reason ?? 'the snapshot is not complete', remedy };
  const concern = { account, stream, reason: why.reason, remedy: why.remedy };
  if (!status.complete) return { ...concern, state: 'INCOMPLETE' };
  if (retrying) return { ...concern, state: 'RETRYING' };
  return null;
}

function isObstacle({ state, complete }: StreamStatus): boolean {
  return state === 'FORBIDDEN' || state === 'BLOCKED' || (state === 'RUNNING' && !complete);
}

function names(streams: readonly StreamStatus[]): string {
  const shown = streams.slice(0, 3).map(({ stream }) => stream);
  const more = streams.length - shown.length;
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ');
}

function progress(complete: number, running: number, enabled: number, lagSeconds: number): string {
  if (running === 0) return 'No stream is read';
  if (complete < running) {
    return `Reading everything for the first time: ${complete} of ${enabled} streams are complete`;
  }
  const streams = running === 1 ? '1 stream is complete' : `all ${running} streams are complete`;
  return `In step with Harvest: ${streams}, at most ${duration(lagSeconds)} behind`;
}

function sentence(reason: string | null): string {
  const text = reason ?? 'the reason is not known';
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
