// The live streams of an account that nothing was read of, for tests of single steps.
import type { Pace } from '../../src/engine/pace/polling.ts';
import type { StreamRuntime } from '../../src/engine/state/stream-runtime.ts';
import { createStreams } from '../../src/engine/state/stream-runtimes.ts';
import type { StreamPace } from '../../src/engine/step.ts';
import { catalog } from '../../src/streams/catalog.ts';

/** Those of the catalog with these names. */
export function streamsOf(names: readonly string[]) {
  const intervals = { pollMs: 1, countMs: 1, reconcileMs: 1 };
  const plans = catalog.filter(({ name }) => names.includes(name)).map((definition) => ({ definition, intervals }));
  return createStreams(plans, 'month', 0);
}

/** A view of the schedule in which nothing waits for a budget, and nobody has given a signal. */
export const AT_ONCE = {
  once: false,
  only: null,
  waitMs: () => 0,
  isSlacksTurn: () => false,
  paceOf: asConfigured,
  signalFor: () => undefined,
};

/** Intervals that are all given; lists are counted at every poll. */
export function asConfigured({ intervals }: StreamRuntime): StreamPace {
  return { ...(intervals as Pace), countSince: Number.POSITIVE_INFINITY };
}
