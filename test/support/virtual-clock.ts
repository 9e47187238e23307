// Time that moves only when nobody has anything left to do now: hours of budget in milliseconds of test.
import type { Clock } from '../../src/base/clock.ts';
import { EPOCH } from './epoch.ts';

export class VirtualClock implements Clock {
  #now = 0;
  #timers: { at: number; wake: () => void }[] = [];
  /** Wall time at monotonic zero. */
  #epoch: number;
  readonly #tick: () => number;

  /**
   * `tick` says by how much time moves with each look at the clock, in ms: a real one never shows the same time twice, and
   * what is decided on two looks is decided on two times.
   */
  constructor(epoch = EPOCH, tick: () => number = () => 0) {
    this.#epoch = epoch;
    this.#tick = tick;
  }

  // Bound: it is passed on by itself. In whole milliseconds, as wall clocks are read.
  readonly now = (): number => Math.floor(this.#epoch + this.monotonic());

  monotonic(): number {
    this.#now += this.#tick();
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted || ms <= 0) return resolve();
      const wake = () => {
        cancel();
        // A signal that outlives many sleeps would gather their listeners.
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const cancel = this.after(ms, wake);
      signal?.addEventListener('abort', wake, { once: true });
    });
  }

  after(ms: number, task: () => void): () => void {
    const timer = { at: this.#now + Math.max(ms, 0), wake: task };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Somebody sets the wall clock: it jumps, monotonic time does not. */
  set(ms: number): void {
    this.#epoch += ms;
  }

  /** Lets `ms` pass, or less when nothing is planned any more and `ms` is left out. */
  async pass(ms = Number.POSITIVE_INFINITY): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await settled();
      const next = this.#timers.reduce((first, timer) => (timer.at < first.at ? timer : first), {
        at: Number.POSITIVE_INFINITY,
        wake: () => {},
      });
      if (next.at > end || next.at === Number.POSITIVE_INFINITY) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      // Looks may have moved the clock past it: then it is late.
      this.#now = Math.max(this.#now, next.at);
      next.wake();
    }
    if (end !== Number.POSITIVE_INFINITY) this.#now = Math.max(this.#now, end);
    await settled();
  }
}

/** The same time on a machine whose wall clock is off by so much, and may be set while everything goes on. */
export class MachineClock implements Clock {
  offMs = 0;
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  readonly now = (): number => this.#clock.now() + this.offMs;

  monotonic(): number {
    return this.#clock.monotonic();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#clock.sleep(ms, signal);
  }

  after(ms: number, task: () => void): () => void {
    return this.#clock.after(ms, task);
  }
}

/** All promises that can move without time have moved. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
