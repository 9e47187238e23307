// How the snapshots go on. Rendering is pure.
import type { Clock } from '../base/clock.ts';
import { counted } from '../base/words.ts';
import type { AccountStatus, StreamStatus } from '../engine/status.ts';
import { budgetNote, Estimate, type StatusAt, timeLeft } from '../observe/estimate.ts';
import type { Logger } from '../observe/log.ts';
import { type Column, table } from './output.ts';
import { type Screen, showProgress } from './progress.ts';

const ROWS_SHOWN = 12;

/** Shows progress while any snapshot is incomplete, until `close`. */
export function showSnapshots(options: {
  readonly status: () => readonly AccountStatus[];
  readonly clock: Clock;
  readonly terminal: boolean;
  readonly log: Pick<Logger, 'info'>;
  readonly canvas?: Screen;
}): { close(): void } {
  const { status, log, ...others } = options;
  const estimate = new Estimate();
  const look = (): StatusAt | null => {
    const now = { atMs: others.clock.monotonic(), accounts: status() };
    return isIncomplete(now) ? now : null;
  };
  return showProgress({
    ...others,
    block: () => {
      const now = look();
      return now ? renderBlock(estimate.since(now), now) : [];
    },
    tell: () => {
      const now = look();
      if (now) log.info({ event: 'progress' }, renderLine(estimate.since(now), now));
    },
  });
}

/** `12 of 32 streams complete, 148 000 rows, 2 450 rows/s, about 3 min left` */
export function renderLine(since: StatusAt, now: StatusAt): string {
  const opening = now.accounts.filter(({ phase }) => phase !== 'running');
  const readable = streamsOf(now).filter(({ state }) => state !== 'FEATURE_OFF');
  const complete = readable.filter((stream) => stream.complete);
  const standing = readable.filter(({ state }) => state === 'FORBIDDEN' || state === 'BLOCKED');
  const rate = rowsPerSecond(since, now);
  const left = timeLeft(since, now);
  return [
    ...opening.map(({ accountId, phase, reason }) => `account ${accountId} ${phase}${reason ? ` (${reason})` : ''}`),
    `${complete.length} of ${readable.length} streams complete`,
    counted(rowsOf(now), 'row'),
    ...(rate > 0 ? [`${rate} rows/s`] : []),
    ...(standing.length > 0 ? [`${standing.length} standing still`] : []),
    ...(left === null ? [] : [left]),
  ].join(', ');
}

/** The line, what is left of the budgets, and a row for each stream that is being read or stands still. */
export function renderBlock(since: StatusAt, now: StatusAt): string[] {
  const budgets = now.accounts.flatMap((account) => account.budgets);
  const left = budgets.map((budget) => {
    const { name, requests, used } = budget;
    return `${name} ${Math.max(0, requests - used)} of ${requests} ${budgetNote(budget)}`;
  });
  const busy = streamsOf(now).filter(
    ({ state, complete, scan }) => state !== 'FEATURE_OFF' && !complete && (scan !== null || state !== 'RUNNING'),
  );
  const lines = [renderLine(since, now)];
  if (left.length > 0) lines.push(`requests left: ${left.join(', ')}`);
  if (busy.length > 0) lines.push('', ...table(busy.slice(0, ROWS_SHOWN), COLUMNS).trimEnd().split('\n'));
  if (busy.length > ROWS_SHOWN) lines.push(`and ${busy.length - ROWS_SHOWN} more`);
  return lines;
}

const COLUMNS: readonly Column<StreamStatus>[] = [
  { title: 'stream', value: ({ stream }) => stream },
  { title: 'pages', value: ({ scan }) => scan?.pages ?? null, align: 'right' },
  {
    title: 'done',
    value: ({ scan }) => scan && `${scan.rows}${scan.total ? ` / ${scan.total}` : ''} ${scan.unit}`,
  },
  { title: '', value: ({ scan }) => (scan?.total ? bar(scan.rows / scan.total) : '') },
  {
    title: '',
    value: ({ state, reason, retrying }) => {
      if (state === 'PAUSED') return reason;
      return state === 'RUNNING' ? (retrying?.reason ?? '') : `${state}: harvest-kafka check tells why`;
    },
  },
];

/** `█████░░░░░  50 %` */
function bar(share: number): string {
  const tenths = Math.floor(Math.min(1, share) * 10);
  return `${'█'.repeat(tenths)}${'░'.repeat(10 - tenths)} ${String(Math.floor(Math.min(1, share) * 100)).padStart(3)} %`;
}

function rowsPerSecond(since: StatusAt, now: StatusAt): number {
  const seconds = (now.atMs - since.atMs) / 1000;
  return seconds < 1 ? 0 : Math.max(0, Math.round((rowsOf(now) - rowsOf(since)) / seconds));
}

/** Streams that stand still are not waited for: they need a person, and say so elsewhere. */
function isIncomplete(snapshot: StatusAt): boolean {
  return streamsOf(snapshot).some(({ state, complete }) => state === 'RUNNING' && !complete);
}

function streamsOf({ accounts }: StatusAt): StreamStatus[] {
  return accounts.flatMap(({ streams }) => streams);
}

function rowsOf(snapshot: StatusAt): number {
  return streamsOf(snapshot).reduce((sum, { rows }) => sum + rows, 0);
}
