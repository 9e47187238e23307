// Requests of a stream that keep failing: when they are repeated, what waits for them meanwhile, and when `run --once` gives up.
import { Backoff, type Pace } from '../base/backoff.ts';
import { type Clock, isoSeconds, type Random } from '../base/clock.ts';
import { PublisherError } from '../base/errors.ts';
import type { Emit } from './events.ts';
import { type BudgetView, LONG_PAUSE_MS } from './ports.ts';
import type { StreamRuntime, TaskKind } from './state/stream-runtime.ts';

/** How failed steps of a stream are repeated; only `run --once` ever gives up. */
export const RETRY_PACE: Pace = { baseMs: 1_000, mostMs: 300_000, tries: 6 };

/** A step failed: it is repeated after a pause that grows. `ofWalk` when the walk itself goes wrong, not a request of it. */
export function retryLater(
  runtime: StreamRuntime,
  kind: TaskKind,
  error: PublisherError,
  parts: { readonly clock: Clock; readonly random: Random; readonly emit: Emit },
  ofWalk = runtime.retry?.ofWalk ?? false,
): void {
  const now = parts.clock.now();
  const { since, backoff } = runtime.retry ?? { since: now, backoff: new Backoff(RETRY_PACE, parts) };
  const retryInMs = backoff.failed();
  runtime.retry = { error, backoff, since, at: now + retryInMs, kind, ofWalk };
  parts.emit({
    name: 'stream.retrying',
    stream: runtime.definition.name,
    code: error.code,
    reason: error.message,
    attempt: backoff.attempt,
    failingMs: Math.round(backoff.failingMs),
    retryInMs,
  });
}

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
