// How the first sweeps go on: a block redrawn in place on a terminal, a line now and then elsewhere.
// Rendering is pure; `Progress` remembers only what it drew last.
import type { AccountStatus, StreamStatus } from '../engine/status.ts';
import { duration } from '../observe/readiness.ts';
import { type Column, type Output, table } from './output.ts';

/** The accounts' status as seen at a moment of the monotonic clock. */
export interface Snapshot {
  readonly atMs: number;
  readonly accounts: readonly AccountStatus[];
}

const LINE_INTERVAL_MS = 15_000;
const ROWS_SHOWN = 12;

export class Progress {
  readonly #output: Output;
  #first: Snapshot | null = null;
  #drawnLines = 0;
  #lastLineMs = Number.NEGATIVE_INFINITY;

  constructor(output: Output) {
    this.#output = output;
  }

  /** Call it about once a second. */
  show(now: Snapshot): void {
    // The pace is counted from when streams are known: opening is no reading.
    if (this.#first === null && now.accounts.some(({ streams }) => streams.length > 0)) this.#first = now;
    const since = this.#first ?? now;
    if (this.#output.isTTY) {
      // A line that the terminal would break in two would spoil the count of lines to go back.
      const width = Math.max(20, (this.#output.columns ?? 80) - 1);
      const lines = renderBlock(since, now).map((line) => line.slice(0, width));
      this.#output.write(`${this.#erasure()}${lines.map((line) => `${line}\n`).join('')}`);
      this.#drawnLines = lines.length;
    } else if (now.atMs - this.#lastLineMs >= LINE_INTERVAL_MS) {
      this.#output.write(`${renderLine(since, now)}\n`);
      this.#lastLineMs = now.atMs;
    }
  }

  /** Takes the block away, so that something else can be printed; the next `show` draws it again below. */
  clear(): void {
    if (this.#drawnLines > 0) this.#output.write(this.#erasure());
    this.#drawnLines = 0;
  }

  /** Up over what was drawn, and everything below erased. */
  #erasure(): string {
    return this.#drawnLines > 0 ? `\x1b[${this.#drawnLines}A\x1b[J` : '';
  }
}

/** `12 of 32 streams complete, 148 000 rows, 2 450 rows/s, about 3 min left` */
export function renderLine(since: Snapshot, now: Snapshot): string {
  const opening = now.accounts.filter(({ phase }) => phase !== 'running');
  const readable = streamsOf(now).filter(({ state }) => state !== 'FEATURE_OFF');
  const complete = readable.filter((stream) => stream.complete);
  const standing = readable.filter(({ state }) => state === 'FORBIDDEN' || state === 'BLOCKED');
  const rate = rowsPerSecond(since, now);
  const left = secondsLeft(since, now);
  return [
    ...opening.map(({ accountId, phase, reason }) => `account ${accountId} ${phase}${reason ? ` (${reason})` : ''}`),
    `${complete.length} of ${readable.length} streams complete`,
    `${rowsOf(now)} rows`,
    ...(rate > 0 ? [`${rate} rows/s`] : []),
    ...(standing.length > 0 ? [`${standing.length} standing still`] : []),
    ...(left === null ? [] : [`about ${duration(left)} left`]),
  ].join(', ');
}

/** The line, what is left of the budgets, and a row for each stream that is being read or stands still. */
export function renderBlock(since: Snapshot, now: Snapshot): string[] {
  const budgets = now.accounts.flatMap((account) => account.budgets);
  const left = budgets.map(({ name, requests, used, perSeconds }) => {
    return `${name} ${Math.max(0, requests - used)} of ${requests} per ${duration(perSeconds)}`;
  });
  const busy = streamsOf(now).filter(
    ({ state, complete, sweep }) => state !== 'FEATURE_OFF' && !complete && (sweep !== null || state !== 'RUNNING'),
  );
  const lines = [renderLine(since, now)];
  if (left.length > 0) lines.push(`requests left: ${left.join(', ')}`);
  if (busy.length > 0) lines.push('', ...table(busy.slice(0, ROWS_SHOWN), COLUMNS).trimEnd().split('\n'));
  if (busy.length > ROWS_SHOWN) lines.push(`and ${busy.length - ROWS_SHOWN} more`);
  return lines;
}

const COLUMNS: readonly Column<StreamStatus>[] = [
  { title: 'stream', value: ({ stream }) => stream },
  { title: 'pages', value: ({ sweep }) => sweep?.pages ?? null, align: 'right' },
  {
    title: 'done',
    value: ({ sweep }) => sweep && `${sweep.rows}${sweep.total ? ` / ${sweep.total}` : ''} ${sweep.unit}`,
  },
  { title: '', value: ({ sweep }) => (sweep?.total ? bar(sweep.rows / sweep.total) : '') },
  {
    title: '',
    value: ({ state, reason, retrying }) => (state === 'RUNNING' ? (retrying?.reason ?? '') : `${state}: ${reason}`),
  },
];

/** `█████░░░░░  50 %` */
function bar(share: number): string {
  const tenths = Math.floor(Math.min(1, share) * 10);
  return `${'█'.repeat(tenths)}${'░'.repeat(10 - tenths)} ${String(Math.floor(Math.min(1, share) * 100)).padStart(3)} %`;
}

function rowsPerSecond(since: Snapshot, now: Snapshot): number {
  const seconds = (now.atMs - since.atMs) / 1000;
  return seconds < 1 ? 0 : Math.max(0, Math.round((rowsOf(now) - rowsOf(since)) / seconds));
}

/**
 * What the slowest sweep under way still needs at its pace so far; null while no pace is known. Sweeps that have not
 * begun are not guessed at, hence "about".
 */
function secondsLeft(since: Snapshot, now: Snapshot): number | null {
  const before = new Map(
    since.accounts.flatMap(({ accountId, streams }) =>
      streams.map(({ stream, sweep }) => [`${accountId} ${stream}`, sweep] as const),
    ),
  );
  const seconds = (now.atMs - since.atMs) / 1000;
  const estimates = now.accounts.flatMap(({ accountId, streams }) =>
    streams.flatMap(({ stream, complete, sweep }) => {
      if (complete || !sweep?.total) return [];
      const earlier = before.get(`${accountId} ${stream}`);
      const done = sweep.rows - (earlier?.startedAt === sweep.startedAt ? earlier.rows : 0);
      return done > 0 ? [(Math.max(0, sweep.total - sweep.rows) * seconds) / done] : [];
    }),
  );
  return estimates.length === 0 || seconds < 1 ? null : Math.max(...estimates);
}

function streamsOf({ accounts }: Snapshot): StreamStatus[] {
  return accounts.flatMap(({ streams }) => streams);
}

function rowsOf(snapshot: Snapshot): number {
  return streamsOf(snapshot).reduce((sum, { rows }) => sum + rows, 0);
}
