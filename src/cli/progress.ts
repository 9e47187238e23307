// How the snapshots go on: a block redrawn in place on a terminal, a log line now and then elsewhere.
// Rendering is pure; `Screen` remembers only what it drew last.
import type { Clock } from '../base/clock.ts';
import { counted } from '../base/words.ts';
import type { AccountStatus, StreamStatus } from '../engine/status.ts';
import { type Snapshot, secondsLeft } from '../observe/estimate.ts';
import type { Logger } from '../observe/log.ts';
import { duration } from '../observe/readiness.ts';
import { type Column, type Output, table } from './output.ts';
import { standardOutput } from './standard-output.ts';

const DRAW_INTERVAL_MS = 1_000;
const LINE_INTERVAL_MS = 15_000;
const ROWS_SHOWN = 12;

/** A terminal with a block that stays below the lines written to it. */
export class Screen {
  readonly #output: Output;
  #block: readonly string[] = [];

  constructor(output: Output) {
    this.#output = output;
  }

  /** A line above the block: log lines come through here, so that neither destroys the other. */
  write(line: string): void {
    this.#output.write(this.#erasure() + line + this.#text());
  }

  /** Draws `block` where the block before it stood; an empty one takes it away. */
  draw(block: readonly string[]): void {
    const erasure = this.#erasure();
    // A line that the terminal would break in two would spoil the count of lines to go back.
    const width = Math.max(20, (this.#output.columns ?? 80) - 1);
    this.#block = block.map((line) => line.slice(0, width));
    if (erasure !== '' || block.length > 0) this.#output.write(erasure + this.#text());
  }

  #text(): string {
    return this.#block.map((line) => `${line}\n`).join('');
  }

  /** Up over the block, and everything below erased. */
  #erasure(): string {
    return this.#block.length > 0 ? `\x1b[${this.#block.length}A\x1b[J` : '';
  }
}

/** The screen of this process: the log of a terminal writes through it too. */
export const screen = new Screen(standardOutput);

export interface ProgressOptions {
  readonly status: () => readonly AccountStatus[];
  readonly clock: Clock;
  /** Whether a person looks on: a block on `screen`, instead of a log line now and then. */
  readonly terminal: boolean;
  readonly log: Pick<Logger, 'info'>;
  readonly screen?: Screen;
}

/** Shows progress while any snapshot is incomplete, until `close`. */
export function showProgress(options: ProgressOptions): { close(): void } {
  const { status, clock, terminal, log } = options;
  const canvas = options.screen ?? screen;
  let since: Snapshot | null = null;
  let cancel: () => void;

  const show = (): void => {
    const now = { atMs: clock.monotonic(), accounts: status() };
    // The pace is counted from when streams are known: opening is no reading.
    if (since === null && now.accounts.some(({ streams }) => streams.length > 0)) since = now;
    const incomplete = since !== null && isIncomplete(now);
    if (terminal) canvas.draw(incomplete ? renderBlock(since ?? now, now) : []);
    else if (incomplete) log.info({ event: 'progress' }, renderLine(since ?? now, now));
    cancel = clock.after(terminal ? DRAW_INTERVAL_MS : LINE_INTERVAL_MS, show);
  };
  cancel = clock.after(DRAW_INTERVAL_MS, show);
  return {
    close: () => {
      cancel();
      if (terminal) canvas.draw([]);
    },
  };
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
    counted(rowsOf(now), 'row'),
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

function rowsPerSecond(since: Snapshot, now: Snapshot): number {
  const seconds = (now.atMs - since.atMs) / 1000;
  return seconds < 1 ? 0 : Math.max(0, Math.round((rowsOf(now) - rowsOf(since)) / seconds));
}

/** Streams that stand still are not waited for: they need a person, and say so elsewhere. */
function isIncomplete(snapshot: Snapshot): boolean {
  return streamsOf(snapshot).some(({ state, complete }) => state === 'RUNNING' && !complete);
}

function streamsOf({ accounts }: Snapshot): StreamStatus[] {
  return accounts.flatMap(({ streams }) => streams);
}

function rowsOf(snapshot: Snapshot): number {
  return streamsOf(snapshot).reduce((sum, { rows }) => sum + rows, 0);
}
