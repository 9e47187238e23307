// Requests of a stream that keep failing: when they are repeated, what waits for them meanwhile, and when `run --once` gives up.
import { type Pace, pauseOf } from '../base/backoff.ts';
import { isoSeconds } from '../base/clock.ts';
import { PublisherError } from '../base/errors.ts';
import { type BudgetView, LONG_PAUSE_MS } from './ports.ts';
import type { Memory, Retry } from './state/memory.ts';
import { isReading, type TaskKind } from './state/task.ts';

/** How failed steps of a stream are repeated. */
export const RETRY_PACE: Pace = { baseMs: 1_000, mostMs: 300_000 };
/** Failures in a row after which `run --once` gives up. */
const TRIES = 6;

/** Another failure in a row: the pause before the next try grows. `chance` is in [0, 1). */
export function retryAfter(
  before: Retry | null,
  failure: Pick<Retry, 'error' | 'kind' | 'ofWalk'>,
  now: number,
  monotonic: number,
  chance: number,
): Retry {
  const { since, began, attempt } = before ?? { since: now, began: monotonic, attempt: 0 };
  return { ...failure, since, began, attempt: attempt + 1, at: now + pauseOf(RETRY_PACE, attempt + 1, chance) };
}

/** Whether requests that keep failing are a reason for this task to wait. */
export function isKeptWaiting(kind: TaskKind, { retry }: Memory): boolean {
  return retry !== null && (isReading(retry.kind) || retry.kind === kind);
}

/** `run --once` no longer waits for it. */
export function isHopeless({ retry }: Memory): boolean {
  return retry !== null && retry.attempt >= TRIES;
}

/** Harvest answers nothing but requests to wait, for longer than `run --once` does; null otherwise. */
export function throttledForLong(budgets: readonly BudgetView[]): PublisherError | null {
  const budget = budgets.find((each) => each.throttledMs() > LONG_PAUSE_MS);
  if (budget === undefined) return null;
  const until = isoSeconds(budget.pausedUntil());
  const message = `Harvest asked to make no ${budget.name} requests until ${until}, and has answered nothing else since it first did`;
  return new PublisherError('harvest.throttled', message);
}
