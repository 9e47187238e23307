// Requests of a stream that keep failing: who waits for them meanwhile, and when `run --once` gives up.
import type { Pace } from '../base/backoff.ts';
import { isoSeconds } from '../base/clock.ts';
import { PublisherError } from '../base/errors.ts';
import { type BudgetView, LONG_PAUSE_MS } from './ports.ts';
import type { StreamRuntime, TaskKind } from './state/stream-runtime.ts';

/** How failed steps of a stream are repeated; only `run --once` ever gives up. */
export const RETRY_PACE: Pace = { baseMs: 1_000, mostMs: 300_000, tries: 6 };

/** Whether requests that keep failing are a reason for this task to wait. */
export function isKeptWaiting(kind: TaskKind, { retry }: StreamRuntime): boolean {
  return retry !== null && (isReading(retry.kind) || retry.kind === kind);
}

/** The stream's own reading, which everything else of it follows. */
export function isReading(kind: TaskKind): boolean {
  return kind === 'read' || kind === 'window';
}

/** `run --once` no longer waits for it. */
export function isHopeless({ retry }: StreamRuntime): boolean {
  return retry?.backoff.isSpent ?? false;
}

/** Harvest answers nothing but requests to wait, for longer than `run --once` does; null otherwise. */
export function throttledForLong(budgets: readonly BudgetView[]): PublisherError | null {
  const budget = budgets.find((each) => each.throttledMs() > LONG_PAUSE_MS);
  if (budget === undefined) return null;
  const until = isoSeconds(budget.pausedUntil());
  const message = `Harvest asked to make no ${budget.name} requests until ${until}, and has answered nothing else since it first did`;
  return new PublisherError('harvest.throttled', message);
}
