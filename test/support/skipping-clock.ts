// Time that passes in waits alone, each of which is over at once: what the machine needs meanwhile changes no figure.
import type { Clock } from '../../src/base/clock.ts';
import { clockFrom, EPOCH } from './epoch.ts';

/** A real clock never shows the same time twice. */
const LOOK_MS = 0.01;

export interface SkippingClock extends Clock {
  /** How long each wait was, in ms, in the order of their ends. */
  readonly sleeps: readonly number[];
}

/** Only what `after` plans, such as a request's time-out, happens in real time. Waits that run beside each other pass together. */
export function skippingClock(): SkippingClock {
  const sleeps: number[] = [];
  let passed = 0;
  const monotonic = () => {
    passed += LOOK_MS;
    return passed;
  };
  return {
    sleeps,
    monotonic,
    now: () => Math.floor(EPOCH + monotonic()),
    sleep: async (ms, signal) => {
      const until = passed + ms;
      await new Promise((resolve) => setImmediate(resolve));
      if (signal?.aborted) return;
      sleeps.push(ms);
      passed = Math.max(passed, until);
    },
    after: clockFrom().after,
  };
}
