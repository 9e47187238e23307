// Even pacing for commands that ask Harvest beside a daemon: no durable budget counts their requests, so they come one by one,
// few at once, instead of in bursts that a running daemon would feel. How many there may be in a window is the budget's rule.
import Bottleneck from 'bottleneck';
import type { Config } from '../config/options.ts';
import type { Pacer } from '../harvest/caller.ts';
import type { BudgetName } from '../streams/definition.ts';

/** Requests of a budget that may wait for Harvest at the same time. */
const AT_ONCE = 2;
/** A budget of few requests does not make the pace slower than this: the budget itself holds back what comes too soon. */
const EVERY_MS_MAX = 3_000;

export interface ClosablePacer extends Pacer {
  /** Drops the requests that wait, so that no timer of theirs keeps the process alive. */
  close(): void;
}

/** A pacer that spreads the general budget of the configuration over its window; reports keep the same pace beside it. */
export function createPacer({ harvest: { budgets } }: Config): ClosablePacer {
  const { requests, per_seconds } = budgets.general;
  const minTime = Math.min((per_seconds * 1000) / requests, EVERY_MS_MAX);
  // One for each budget: a report request may wait for a quarter of an hour, and must not stand before the others.
  const limiter = () => new Bottleneck({ maxConcurrent: AT_ONCE, minTime });
  const limiters: Readonly<Record<BudgetName, Bottleneck>> = { general: limiter(), reports: limiter() };
  return {
    run: (budget, signal, request) => whileWanted(limiters[budget], signal, request),
    close: () => {
      // It rejects only when it has been stopped before.
      for (const each of Object.values(limiters)) each.stop({ dropWaitingJobs: true }).catch(() => {});
    },
  };
}

/** Bottleneck cannot take a single job back: one that nobody wants any more rejects now, and does nothing at its turn. */
async function whileWanted<T>(limiter: Bottleneck, signal: AbortSignal, request: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const waiting = new AbortController();
  const unwanted = new Promise<never>((_, reject) => {
    const leave = () => reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true, signal: waiting.signal });
  });
  const turn = limiter.schedule(async () => {
    // From here on the request itself heeds the signal.
    waiting.abort();
    signal.throwIfAborted();
    return request();
  });
  try {
    return await Promise.race([turn, unwanted]);
  } finally {
    waiting.abort();
  }
}
