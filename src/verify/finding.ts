// What a comparison found out about a stream: plain data for people and programs.
import type { PublisherError } from '../base/errors.ts';
import type { JsonObject, RowId } from '../engine/ports.ts';
import type { Counts } from './comparison.ts';

/**
 * - compared: both sides were asked
 * - FORBIDDEN, FEATURE_OFF, BLOCKED: Harvest does not answer for the stream, as for the daemon; no difference
 * - failed: requests kept failing
 * - unfinished: the comparison was stopped before
 */
export type FindingState = 'compared' | 'FORBIDDEN' | 'FEATURE_OFF' | 'BLOCKED' | 'failed' | 'unfinished';

/** What the daemon's state row says, where it matters: null when the stream is running and complete, or has no row. */
export interface DaemonNote {
  readonly state: string;
  readonly reason: string | null;
  readonly remedy: string | null;
  readonly since: string | null;
  /** Its snapshot has ended. */
  readonly complete: boolean;
}

export interface StaleRow {
  readonly id: RowId;
  /** Names of the differing fields; null beyond the first thousand rows, and for values that cannot be read. */
  readonly fields: readonly string[] | null;
  /** By field, only when asked for. */
  readonly values?: Readonly<Record<string, { readonly harvest: unknown; readonly topic: unknown }>>;
}

export interface StreamFinding {
  readonly stream: string;
  readonly state: FindingState;
  readonly reason: string | null;
  readonly remedy: string | null;
  /** What a stream that was not compared does to the exit code. */
  readonly exit_code: number;
  readonly daemon: DaemonNote | null;
  /** Rows that both sides were asked for. */
  readonly compared: number;
  readonly missing: readonly RowId[];
  readonly extra: readonly RowId[];
  readonly stale: readonly StaleRow[];
  /** Rows that changed while they were looked at. */
  readonly moving: number;
  /** Records that cannot be values: they are in the dead letters. */
  readonly refused: readonly RowId[];
  /** Parents that are there but whose lists are refused. */
  readonly refused_parents: readonly string[];
  /** With a sample of a list alone. */
  readonly count: Counts | null;
}

/** Whether Harvest and the topic differ on the stream. */
export function differs({ missing, extra, stale, count }: StreamFinding): boolean {
  return missing.length + extra.length + stale.length > 0 || (count !== null && count.harvest !== count.topic);
}

/** A finding that found nothing, with what the daemon's state row says. */
export function findingOf(stream: string, row: JsonObject | undefined, accountId: number): StreamFinding {
  const none = { missing: [], extra: [], stale: [], refused: [], refused_parents: [] };
  const counts = { compared: 0, moving: 0, exit_code: 0, count: null };
  return {
    stream,
    state: 'compared',
    reason: null,
    remedy: null,
    daemon: daemonNote(stream, row, accountId),
    ...none,
    ...counts,
  };
}

/** What a failure makes of its stream; null when it is not the stream's alone. */
export function refusalOf({ code, kind }: PublisherError): FindingState | null {
  if (code === 'harvest.forbidden' || code === 'harvest.not_found') return 'FORBIDDEN';
  if (kind === 'blocked') return 'BLOCKED';
  return kind === 'transient' ? 'failed' : null;
}

function daemonNote(stream: string, row: JsonObject | undefined, accountId: number): DaemonNote | null {
  if (row === undefined) return null;
  const hold = (row.hold ?? null) as {
    readonly reason: string;
    readonly since: string;
    readonly released: boolean;
  } | null;
  const paused = (row.paused ?? null) as { readonly by: string; readonly since: string } | null;
  if (paused !== null) {
    const remedy = `harvest-kafka resume ${stream} --account ${accountId}`;
    const { by, since } = paused;
    return { state: 'PAUSED', reason: `paused by ${by}`, since, remedy, complete: row.complete === true };
  }
  if (row.state === 'RUNNING' && hold !== null && !hold.released) {
    const { reason, since } = hold;
    const remedy = `harvest-kafka release ${stream} --account ${accountId}`;
    return { state: 'HELD', reason, since, remedy, complete: row.complete === true };
  }
  if (row.state === 'RUNNING' && row.complete === true) return null;
  const text = (value: unknown) => (typeof value === 'string' ? value : null);
  return {
    state: String(row.state),
    reason: text(row.reason),
    remedy: text(row.remedy),
    since: text(row.since),
    complete: row.complete === true,
  };
}
