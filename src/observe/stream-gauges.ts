// The gauges of an account's streams as its status has them: one for each stream, or one for all of them together.
import type { StreamState } from '../engine/events.ts';
import type { AccountStatus, StreamStatus } from '../engine/status.ts';
import { METRICS, type Together } from './metrics-table.ts';

export type Labels = Readonly<Record<string, string>>;

interface Sample {
  readonly name: keyof typeof METRICS;
  readonly labels: Labels;
  readonly value: number;
}

const STATES: readonly StreamState[] = ['RUNNING', 'FORBIDDEN', 'FEATURE_OFF', 'BLOCKED', 'HELD', 'PAUSED'];

const BACKLOG = [
  ['pending_parents', 'pendingParents'],
  ['dirty_windows', 'dirtyWindows'],
  ['touched_windows', 'touchedWindows'],
  ['held_windows', 'heldWindows'],
  ['delete_candidates', 'candidates'],
  ['confirmed_deletes', 'confirmed'],
] as const;

/** One for each stream. */
export function samplesByStream({ accountId: account, streams }: AccountStatus, now: number): Sample[] {
  return streams.flatMap((status) => [...samplesOf(status, { account, stream: status.stream }, now)]);
}

/**
 * One for all streams, whose `stream` is empty. What a stream that is not read owes is left out: next to the others' state, it would
 * look as if they did.
 */
export function samplesByAccount({ accountId: account, streams }: AccountStatus, now: number): Iterable<Sample> {
  const whole = new Map<string, Sample>();
  for (const status of streams) {
    const isRead = status.state === 'RUNNING' || status.state === 'HELD';
    for (const sample of samplesOf(status, { account, stream: '' }, now)) {
      const { name, labels, value } = sample;
      if (!isRead && name !== 'stream_state' && name !== 'stream_rows') continue;
      const key = [name, ...Object.values(labels)].join('|');
      const before = whole.get(key);
      const rule = (METRICS[name] as { readonly together?: Together }).together!;
      whole.set(key, before === undefined ? sample : { name, labels, value: TOGETHER[rule](before.value, value) });
    }
  }
  return whole.values();
}

const TOGETHER: Readonly<Record<Together, (one: number, other: number) => number>> = {
  sum: (one, other) => one + other,
  most: Math.max,
  least: Math.min,
};

function* samplesOf(status: StreamStatus, labels: Labels, now: number): Generator<Sample> {
  const { state, complete, retrying, lagSeconds, rows, scan, backlog, lastCommitAt } = status;
  const sample = (name: Sample['name'], value: number, more: Labels = {}): Sample => {
    return { name, labels: { ...labels, ...more }, value };
  };
  yield sample('stream_poll_interval_seconds', status.pollIntervalSeconds);
  if (lastCommitAt !== null) yield sample('stream_last_commit_timestamp_seconds', Date.parse(lastCommitAt) / 1000);
  for (const known of STATES) yield sample('stream_state', Number(state === known), { state: known });
  yield sample('stream_complete', Number(complete));
  yield sample('stream_retrying', Number(retrying !== null));
  yield sample('stream_rows', rows);
  if (lagSeconds !== null) yield sample('stream_lag_seconds', lagSeconds);
  if (backlog.countedAt !== null) yield sample('stream_missing_rows', backlog.missing);
  for (const [kind, count] of BACKLOG) yield sample('stream_backlog', backlog[count], { kind });
  if (backlog.pendingSince !== null) yield sample('stream_backlog_seconds', secondsSince(backlog.pendingSince, now));
  if (backlog.reconciledAt !== null) {
    yield sample('stream_reconciliation_seconds', secondsSince(backlog.reconciledAt, now));
  }
  if (scan?.total) {
    yield sample('scan_progress_ratio', Math.min(1, scan.rows / scan.total), { purpose: scan.purpose });
  }
}

function secondsSince(time: string, now: number): number {
  return Math.max(0, (now - Date.parse(time)) / 1000);
}
