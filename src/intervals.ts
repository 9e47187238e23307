// The intervals of the configuration in the words of the engine, and what they cost while an account lives.
import type { Config } from './config/options.ts';
import type { StreamConfig } from './config/stream-options.ts';
import { currentReadings, generalAllotment, reportsAllotment } from './engine/pace/allotment.ts';
import { type Intervals, type Pacing, type PolledStream, type PollingSettings, pacing } from './engine/pace/polling.ts';
import { enabledStreams } from './settings.ts';
import type { BudgetName, StreamDefinition } from './streams/definition.ts';

export function intervalsOf(stream: StreamConfig): Intervals {
  const ms = (given: number | 'auto') => (given === 'auto' ? null : given * 1000);
  return {
    pollMs: ms(stream.poll_interval_seconds),
    countMs: ms(stream.count_interval_seconds),
    reconcileMs: stream.reconcile_interval_seconds * 1000,
  };
}

/** `polling.*` as the engine takes it. */
export function pollingOf({ polling }: Config): PollingSettings {
  return {
    targetMs: polling.target_seconds * 1000,
    quietMs: polling.quiet_seconds * 1000,
    idleMs: polling.idle_seconds * 1000,
    budgetShare: polling.budget_share,
  };
}

/** So many lists change at a time in an account that people work in. */
const CHANGING = 5;

/** The pace of the lists of the general budget while an account lives, in which `changing` of them change. */
function livingPace(config: Config, changing = CHANGING): Pacing {
  const { requests, per_seconds } = config.harvest.budgets.general;
  const lists = listsOf(config);
  const streams = generalStreams(config).map((definition): PolledStream => {
    const place = lists.indexOf(definition);
    const changedAt = place >= 0 && place < changing ? 0 : Number.NEGATIVE_INFINITY;
    return { definition, intervals: intervalsOf(config.streams[definition.name]!), changedAt, isPolled: true };
  });
  return pacing(streams, pollingOf(config), { requests, windowMs: per_seconds * 1000 }, 0);
}

function listsOf(config: Config): StreamDefinition[] {
  return generalStreams(config).filter(({ kind }) => kind === 'list');
}

function generalStreams(config: Config): StreamDefinition[] {
  return enabledStreams(config).filter(({ budget }) => budget === 'general');
}

/** What is left of each budget for a first run, in requests a window, while everything current of a living account is read too. */
export function firstRunRooms(config: Config): Readonly<Record<BudgetName, number>> {
  const { budgets } = config.harvest;
  const { idleMs, budgetShare } = pollingOf(config);
  const reports = enabledStreams(config)
    .filter(({ budget }) => budget === 'reports')
    .map(({ name, kind }) => ({ kind, pollMs: intervalsOf(config.streams[name]!).pollMs ?? idleMs }));
  const windowMs = budgets.reports.per_seconds * 1000;
  const current = currentReadings(reports, windowMs, config.reports.restate_seconds * 1000);
  return {
    general: generalAllotment(budgets.general.requests, livingPace(config).requests, budgetShare, true).bulk,
    reports: reportsAllotment(budgets.reports.requests, current, true).rest,
  };
}

/** How soon changes of a living account are seen, and what that takes of a window of the general budget. */
export interface ExpectedPolls {
  /** How many lists are taken to change at a time, and with how many at the most all intervals would hold. */
  readonly changing: { readonly taken: number; readonly most: number };
  /** Seconds between two polls of a list, the shortest and the longest; null when no list is polled. */
  readonly within: { readonly least: number; readonly most: number } | null;
  /** As the engine reckons them. */
  readonly pacing: Pacing;
}

export function expectedPolls(config: Config): ExpectedPolls {
  const lists = listsOf(config);
  const pacing = livingPace(config);
  const seconds = lists.map(({ name }) => pacing.paces.get(name)!.pollMs / 1000);
  const holding = lists.findIndex((_, place) => livingPace(config, place + 1).stretch > 1);
  return {
    changing: { taken: Math.min(CHANGING, lists.length), most: holding < 0 ? lists.length : holding },
    within: seconds.length === 0 ? null : { least: Math.min(...seconds), most: Math.max(...seconds) },
    pacing,
  };
}
