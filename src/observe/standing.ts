// How a stream, an account and the whole are, in a colour and a word that needs no manual. Pure.
import type { StreamState } from '../engine/events.ts';
import type { AccountStatus, StreamStatus } from '../engine/status.ts';
import { latenessOf } from './history.ts';
import { readiness } from './readiness.ts';

export type Shade = 'good' | 'busy' | 'bad' | 'off';

export interface Standing {
  readonly shade: Shade;
  readonly word: string;
  /** What needs a person is lowest. */
  readonly rank: number;
}

const PHASES = {
  stopped: { shade: 'bad', word: 'stopped', rank: 4 },
  taken: { shade: 'bad', word: 'taken', rank: 4 },
  waiting: { shade: 'busy', word: 'waiting', rank: 5 },
  opening: { shade: 'busy', word: 'opening', rank: 6 },
} as const;

/** States that Harvest, or a person, has put a stream in. */
const STATES: Readonly<Record<Exclude<StreamState, 'RUNNING'>, Standing>> = {
  FORBIDDEN: { shade: 'bad', word: 'forbidden', rank: 0 },
  BLOCKED: { shade: 'bad', word: 'blocked', rank: 1 },
  HELD: { shade: 'bad', word: 'held', rank: 2 },
  PAUSED: { shade: 'off', word: 'paused', rank: 7 },
  FEATURE_OFF: { shade: 'off', word: 'module off', rank: 12 },
};

const STALLED = { shade: 'bad', word: 'stands still', rank: 3 } as const;

/** A stream is as well as its account: nobody reads it while that stands still. */
export function standingOf(stream: StreamStatus, { phase, stalls }: AccountStatus): Standing {
  const { state, complete, retrying, scan } = stream;
  if (state !== 'RUNNING') return STATES[state];
  if (stalls.length > 0) return STALLED;
  if (phase !== 'running') return PHASES[phase];
  if (retrying) return { shade: 'busy', word: 'retrying', rank: 7 };
  if (complete && latenessOf(stream)! >= 1) return { shade: 'busy', word: 'late', rank: 8 };
  if (complete) return { shade: 'good', word: 'in step', rank: 11 };
  if (scan === null) return { shade: 'busy', word: 'queued', rank: 10 };
  return { shade: 'busy', word: scan.total ? `snapshot ${percent(progressOf(stream))}` : 'snapshot', rank: 9 };
}

export function accountStanding(account: AccountStatus): Standing {
  if (account.stalls.length > 0) return STALLED;
  if (account.phase !== 'running') return PHASES[account.phase];
  if (account.streams.some(({ state }) => state !== 'RUNNING' && STATES[state].shade === 'bad'))
    return { shade: 'bad', word: 'needs a person', rank: 0 };
  const done = progress([account]);
  return done < 1
    ? { shade: 'busy', word: `snapshot ${percent(done)}`, rank: 9 }
    : { shade: 'good', word: 'running', rank: 11 };
}

/** What goes by itself, such as a snapshot under way, is neither well nor an alarm. */
export function overallStanding(accounts: readonly AccountStatus[]): Standing {
  const { ready, reasons } = readiness(accounts);
  if (ready) return { shade: 'good', word: 'ready', rank: 11 };
  const states = new Set(reasons.map(({ state }) => state));
  if (states.size === 0 || [...states].some((state) => state !== 'INCOMPLETE' && state !== 'opening'))
    return { shade: 'bad', word: 'not ready', rank: 0 };
  if (states.has('opening')) return { shade: 'busy', word: 'not ready', rank: 6 };
  return { shade: 'busy', word: `snapshot ${percent(progress(accounts))}`, rank: 9 };
}

/** The share of the snapshots that is done, each stream counting as much as another. */
function progress(accounts: readonly AccountStatus[]): number {
  const read = accounts.flatMap(({ streams }) =>
    streams.filter(({ state }) => state === 'RUNNING' || state === 'HELD'),
  );
  return read.length === 0 ? 1 : read.reduce((sum, stream) => sum + progressOf(stream), 0) / read.length;
}

function progressOf({ complete, scan }: StreamStatus): number {
  if (complete) return 1;
  return scan?.total ? Math.min(0.99, scan.rows / scan.total) : 0;
}

/** Rounded down: what is not done is never 100 %. */
export function percent(share: number): string {
  return `${Math.floor(100 * share)} %`;
}
