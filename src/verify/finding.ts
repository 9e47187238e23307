// The result of a stream's comparison: plain data for people and programs.
import type { PublisherError } from '../base/errors.ts';
import type { JsonObject, RowId } from '../engine/ports.ts';
import type { RowCounts } from './comparison.ts';

/**
 * - compared: both sides were asked
 * - FORBIDDEN, FEATURE_OFF, BLOCKED: Harvest does not answer for the stream, as for the daemon; no difference
 * - failed: requests kept failing
 * - unfinished: the comparison was stopped before
 */
export type FindingState = 'compared' | 'FORBIDDEN' | 'FEATURE_OFF' | 'BLOCKED' | 'failed' | 'unfinished';

/** The daemon's state row, where it matters: null when the stream is running and complete, or has no row. */
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
  /** For the command, of a stream that was not compared. */
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
  readonly count: RowCounts | null;
}

/** Whether Harvest and the topic differ on the stream. */
export function differs({ missing, extra, stale, count }: StreamFinding): boolean {
  return missing.length + extra.length + stale.length > 0 || (count !== null && count.harvest !== count.topic);
}

/** A finding that found nothing, with what the daemon's state row says. */
export function findingOf(stream: string, row: JsonObject | undefined, accountId: number): StreamFinding {
  return {
    ...{ stream, state: 'compared', reason: null, remedy: null, exit_code: 0 },
    daemon: row === undefined ? null : daemonNote(stream, row, accountId),
    ...{ compared: 0, moving: 0, count: null },
    ...{ missing: [], extra: [], stale: [], refused: [], refused_parents: [] },
  };
}

/** The state of a stream after this failure; null when it is not the stream's alone. */
export function refusalOf({ code, kind }: PublisherError): FindingState | null {
  if (code === 'harvest.forbidden' || code === 'harvest.not_found') return 'FORBIDDEN';
  if (kind === 'blocked') return 'BLOCKED';
  return kind === 'transient' ? 'failed' : null;
}

function daemonNote(stream: string, row: JsonObject, accountId: number): DaemonNote | null {
  const complete = row.complete === true;
  const hold = row.hold as { readonly reason: string; readonly since: string; readonly released: boolean } | null;
  const paused = (row.paused ?? null) as { readonly by: string; readonly since: string } | null;
  if (paused !== null) {
    const remedy = `harvest-kafka resume ${stream} --account ${accountId}`;
    return { state: 'PAUSED', reason: `paused by ${paused.by}`, since: paused.since, remedy, complete };
  }
  if (row.state === 'RUNNING' && hold && !hold.released) {
    const { reason, since } = hold;
    const remedy = `harvest-kafka release ${stream} --account ${accountId}`;
    return { state: 'HELD', reason, since, remedy, complete };
  }
  if (row.state === 'RUNNING' && complete) return null;
  const text = (value: unknown) => (typeof value === 'string' ? value : null);
  const { state, reason, remedy, since } = row;
  return { state: String(state), reason: text(reason), remedy: text(remedy), since: text(since), complete };
}
