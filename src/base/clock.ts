// Time and chance, passed in by whoever builds a part, so that the whole engine can run under virtual time.
// This file is the only one that touches Date, timers and Math.random; a test checks that.

/** All times are milliseconds. `now` is wall time since the epoch, `monotonic` never goes back. */
export interface Clock {
  now(): number;
  monotonic(): number;
  /** Resolves after `ms`, or at once when `signal` aborts: waking early is ordinary, so it never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Runs `task` once after `ms`; the returned function cancels it. Never keeps the process alive. */
  after(ms: number, task: () => void): () => void;
}

/** Returns a number in [0, 1). */
export type Random = () => number;

// setTimeout fires at once for delays above 2^31 - 1 ms (24.8 days).
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted || ms <= 0) return resolve();
      const wake = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, Math.min(ms, LONGEST_TIMER_MS));
      signal?.addEventListener('abort', wake, { once: true });
    }),
  after: (ms, task) => {
    const timer = setTimeout(task, Math.min(Math.max(ms, 0), LONGEST_TIMER_MS));
    timer.unref();
    return () => clearTimeout(timer);
  },
};

export const systemRandom: Random = () => Math.random();

/** A whole-second ISO 8601 time as Harvest writes it: `2026-11-21T06:30:00Z`. */
export function isoSeconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/**
 * The wall time `at`, which was at most `waitMs` ahead when it was set; 0, which is at once, when it is further ahead than
 * that: the clock has been set back since, and nobody is to wait until it is there again.
 */
export function unlessSetBack(at: number, waitMs: number, now: number): number {
  return at - now > waitMs ? 0 : at;
}

/** Runs `task` again and again, `everyMs` after it ended; the returned function ends that. */
export function repeat(clock: Pick<Clock, 'after'>, everyMs: number, task: () => void): () => void {
  let cancel = clock.after(everyMs, function again() {
    task();
    cancel = clock.after(everyMs, again);
  });
  return () => cancel();
}

/** Waits for `work`, whatever becomes of it, but not longer than `ms`; leaves no timer behind that would hold the process. */
export async function atMost(clock: Clock, ms: number, work: Promise<unknown> | undefined): Promise<void> {
  const done = new AbortController();
  const ended = Promise.resolve(work).then(
    () => done.abort(),
    () => done.abort(),
  );
  await Promise.race([ended, clock.sleep(ms, done.signal)]);
}
