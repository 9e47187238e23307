// A seed draws this once for its whole schedule: the account, what is read of it, and how the world is made.

import { defaultSettings } from '../../../lab/simulator/model/settings.ts';
import type { SimulatorOptions } from '../../../lab/simulator/simulator.ts';
import type { Intervals } from '../../../src/engine/state/stream-runtime.ts';
import type { BudgetLimit } from '../../../src/harvest/client.ts';
import type { BudgetName, StreamDefinition } from '../../../src/streams/definition.ts';
import { ownerOf } from '../../../src/streams/definition.ts';
import type { Grain } from '../../../src/streams/windows.ts';
import { AWKWARD, CALENDAR, type Calendar } from '../epoch.ts';
import { streams as all, harvestStreams as streams } from '../truth.ts';
import { Draw } from './draw.ts';

export const TEST_HOST = 'harvest.test';
export const ID_HOST = 'id.test';
/** Canaries: none of them may come out anywhere. */
export const SECRET = {
  token: 'canary-personal-token',
  clientId: 'client',
  clientSecret: 'canary-client-secret',
  refreshToken: 'canary-refresh-token',
} as const;

const MINUTE = 60_000;
/** Short, so that everything has had its turn within a quarter of an hour. */
export const INTERVALS: Intervals = { pollMs: MINUTE, countMs: MINUTE, reconcileMs: 4 * MINUTE };

export interface Plan {
  readonly seed: number;
  readonly simulator: SimulatorOptions;
  /** When it begins, and with which day the company's weeks do. */
  readonly calendar: Calendar;
  readonly streams: readonly StreamDefinition[];
  readonly grain: Grain;
  readonly budgets: Readonly<Record<BudgetName, BudgetLimit>>;
  readonly hasBudgets: boolean;
  readonly hold: { readonly share: number; readonly atLeast: number };
  /** Whether the token's owner loses its role for a while. */
  readonly narrows: boolean;
  /** Whether a person may release a hold at any time: what is missing is deleted, not hidden. */
  readonly releases: boolean;
  readonly oauth: boolean;
  /** Rows in a page. */
  readonly pageRows: number;
  readonly latencyMs: number;
  /** The publisher's clock: true, off from its beginning, or set while it runs. */
  readonly clock: 'true' | 'off' | 'set';
  readonly episodes: number;
}

const NO_LIMIT: BudgetLimit = { requests: 1_000_000, perSeconds: 1 };
const MOST_ROWS_PER_PAGE = 2000;

export function drawPlan(seed: number, draw: Draw): Plan {
  const narrows = draw.chance(0.2);
  const holdsAll = narrows || draw.chance(0.1);
  const own = streamsRead(draw);
  const hasBudgets = draw.chance(0.25);
  // Enough for the polls and count checks of a minute, or what can wait would wait for ever. Seconds: somebody waits all the time.
  const perSeconds = draw.pick([2, 15, 60]);
  const general = { requests: draw.between(6, 40) + (own.length * perSeconds) / 15, perSeconds };
  if (perSeconds === 2) general.requests = draw.between(3, 6);
  const budgets = hasBudgets
    ? { general, reports: { requests: draw.between(20, 60), perSeconds: 60 } }
    : { general: NO_LIMIT, reports: NO_LIMIT };
  const grain = draw.pick<Grain>(['month', 'month', 'month', 'quarter', 'quarter', 'year', 'week']);
  const counts = {
    ...{ users: draw.between(3, 4), clients: draw.between(3, 5), projects: draw.between(4, 7) },
    ...{ tasks: draw.between(4, 6), expenses: draw.between(3, 14), invoices: draw.between(3, 6) },
    estimates: draw.between(2, 4),
  };
  const window = ({ requests, perSeconds }: BudgetLimit) => ({ requests, seconds: perSeconds });
  const windows = { general: window(budgets.general), reports: window(budgets.reports) };
  return {
    seed,
    calendar: calendarOf(seed),
    simulator: {
      ...{ seed, timeEntries: draw.between(10, 30), years: draw.between(1, 3) / 10, counts },
      ...{ token: SECRET.token, budgets: hasBudgets ? windows : { general: null, reports: null } },
      oauth: { ...SECRET },
      settings: {
        hiddenRecord: draw.pick(['notFound', 'forbidden']),
        // Answering as if nothing were there is for the hold, which these accounts are too small for.
        moduleOff: 'forbidden',
        dropRetryAfter: draw.chance(0.3),
        unknownMembers: draw.chance(0.2) ? { vat_id: 'AT 1' } : null,
        touches: {
          ...defaultSettings().touches,
          renamed: draw.chance(0.3),
          archived: draw.chance(0.3),
          childDeleted: draw.chance(0.3),
        },
      },
    },
    streams: withDerived(seed, own),
    grain,
    ...{ budgets, hasBudgets, narrows, releases: !narrows },
    // With a role that shrinks, nothing is deleted that a person has not released; else mostly all of it.
    hold: holdsAll ? { share: 0, atLeast: 0 } : { share: 1, atLeast: 1_000_000 },
    oauth: draw.chance(0.15),
    pageRows: draw.chance(0.5) ? draw.between(8, 20) : MOST_ROWS_PER_PAGE,
    // A hundred weeks of reports over a slow line take longer than any quiet.
    latencyMs: draw.chance(0.6) ? draw.pick(grain === 'week' ? [300] : [300, 2_000, 12_000]) : 0,
    clock: draw.weighted({ true: 7, off: 1.5, set: 1.5 }),
    episodes: draw.between(3, 8),
  };
}

/** Drawn by itself, so that everything else that a seed means stays. */
function calendarOf(seed: number): Calendar {
  const draw = new Draw(seed * 7919 + 31);
  return draw.chance(0.2) ? draw.pick(AWKWARD) : CALENDAR;
}

/** Half of what is derived from them; drawn by itself, so that everything else that a seed means stays. */
function withDerived(seed: number, own: readonly StreamDefinition[]): StreamDefinition[] {
  const draw = new Draw(seed * 6007 + 17);
  const read = new Set(own.map(({ name }) => name));
  const derived = all.filter(({ kind }) => kind === 'derived' && draw.chance(0.5));
  return [...own, ...derived.filter(({ parent }) => read.has(parent!.stream))];
}

/** Reports need many others, and cost most of the time. */
const REPORTS = streams.filter(({ kind }) => kind === 'report');
const OTHERS = streams.filter(({ kind }) => kind !== 'report');

/** A few streams, and those that they need: parents, owners, and what reports are made from. */
function streamsRead(draw: Draw): StreamDefinition[] {
  const wanted = new Set<string>();
  const want = (name: string | null | undefined) => {
    if (name == null || wanted.has(name)) return;
    wanted.add(name);
    const stream = streams.find((each) => each.name === name)!;
    want(ownerOf(stream));
    want(stream.parent?.stream);
    if (stream.kind === 'report') for (const source of ['company', 'time_entries', 'expenses']) want(source);
  };
  if (draw.chance(0.01)) for (const { name } of streams) want(name);
  for (let count = draw.between(1, 3); count > 0; count--) want(draw.pick(draw.chance(0.2) ? REPORTS : OTHERS).name);
  if (draw.chance(0.5)) want('company');
  if (draw.chance(0.1)) want('tasks');
  return streams.filter(({ name }) => wanted.has(name));
}
