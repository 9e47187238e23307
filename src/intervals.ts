// The intervals of the configuration in the words of the engine, and what they cost while an account lives.
import type { Config } from './config/options.ts';
import type { StreamConfig } from './config/stream-options.ts';
import { type Intervals, type PolledStream, type PollingSettings, pacing } from './engine/pace/polling.ts';
import { enabledStreams } from './settings.ts';

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

/** How often each stream of the reports budget is read when nothing is edited. */
export function reportIntervalsMs(config: Config): number[] {
  const reports = enabledStreams(config).filter(({ budget }) => budget === 'reports');
  return reports.map(({ name }) => Number(config.streams[name]!.poll_interval_seconds) * 1000);
}

/** So many lists change at a time in an account that people work in. */
const CHANGING = 5;

/** A sentence on how often lists are polled while an account lives, for how much of the budget; a warning when that is too much. */
export function pollsLine(config: Config): string {
  const { requests, per_seconds } = config.harvest.budgets.general;
  const lists = enabledStreams(config).filter(({ budget }) => budget === 'general');
  const streams = lists.map((definition): PolledStream => {
    const place = lists.filter(({ kind }) => kind === 'list').indexOf(definition);
    const changedAt = place >= 0 && place < CHANGING ? 0 : Number.NEGATIVE_INFINITY;
    return { definition, intervals: intervalsOf(config.streams[definition.name]!), changedAt, isPolled: true };
  });
  const polling = pollingOf(config);
  const paced = pacing(streams, polling, { requests, windowMs: per_seconds * 1000 }, 0);
  const cost = `${Math.ceil(paced.requests)} of ${requests} requests in ${per_seconds} s`;
  if (paced.stretch > 1) {
    const asked = Math.ceil(paced.requests * paced.stretch);
    return `Polls and count checks would take ${asked} of ${requests} requests in ${per_seconds} s, polling.budget_share leaves them ${cost}: while the account lives their intervals are ${paced.stretch.toFixed(1)} times as long.`;
  }
  const seconds = [...paced.paces].flatMap(([name, { pollMs }]) =>
    lists.some(({ kind, name: own }) => kind === 'list' && own === name) ? [pollMs / 1000] : [],
  );
  if (seconds.length === 0) return `Polls take ${cost}.`;
  return `While the account lives, a change is seen within ${Math.min(...seconds)} to ${Math.max(...seconds)} s: ${cost}, with ${CHANGING} lists changing.`;
}
