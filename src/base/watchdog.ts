// Sees loops that stand still: something waits that could go on, and nothing starts or finishes. Asks the loops for facts and
// shares nothing with them, no queue, no promise and no timer, so that what stops a loop cannot stop its watchdog.
import type { Clock } from './clock.ts';

/** A loop as its watchdog sees it. */
export interface Loop {
  /** Short and stable: a label of metrics. */
  readonly name: string;
  /**
   * Work that waits although it could go on, in a few words; null for none. Work that is told to wait, has used up its budget
   * or has nobody to talk to does not count.
   */
  readonly owes: () => string | null;
  /** Another number whenever something starts, finishes, or is tried in vain. */
  readonly moves: () => number;
  /** How long it may stand still; a minute when left out. */
  readonly patienceMs?: number;
}

/** A loop that stands still. */
export interface Stall {
  readonly loop: string;
  readonly waiting: string;
  readonly forMs: number;
}

interface Watched {
  readonly loop: Loop;
  moves: number;
  stillMs: number;
  /** Null while it is not said to stand still. */
  stall: Stall | null;
}

const LOOK_MS = 5_000;
const PATIENCE_MS = 60_000;

interface WatchdogParts {
  readonly loops: readonly Loop[];
  readonly clock: Clock;
  /** Hears of each standstill once. */
  readonly onStall: (stall: Stall) => void;
  /** Hears when it is over. */
  readonly onEnd: (stall: Stall) => void;
}

export class Watchdog {
  readonly #parts: WatchdogParts;
  readonly #watched: readonly Watched[];
  #lookedAt: number;
  #disarm = () => {};

  constructor(parts: WatchdogParts) {
    this.#parts = parts;
    this.#watched = parts.loops.map((loop) => ({ loop, moves: loop.moves(), stillMs: 0, stall: null }));
    this.#lookedAt = parts.clock.monotonic();
  }

  /** Looks by itself from now on. */
  start(): void {
    // Armed before anything that could fail.
    this.#disarm = this.#parts.clock.after(LOOK_MS, () => this.start());
    this.look();
  }

  /** Ends the watch. What stood still is no longer said to. */
  stop(): void {
    this.#disarm();
    for (const watched of this.#watched) watched.stall = null;
  }

  /** Looks, and tells the loops that stand still now: the answer does not hang on a timer. */
  look(): readonly Stall[] {
    const now = this.#parts.clock.monotonic();
    // A process that was stopped, or was busy, for an hour has not watched for an hour.
    const passedMs = Math.min(now - this.#lookedAt, LOOK_MS);
    this.#lookedAt = now;
    for (const watched of this.#watched) this.#lookAt(watched, passedMs);
    return this.#watched.flatMap(({ stall }) => stall ?? []);
  }

  #lookAt(watched: Watched, passedMs: number): void {
    const { name, owes, moves, patienceMs = PATIENCE_MS } = watched.loop;
    const waiting = owes();
    const moved = moves();
    if (waiting === null || moved !== watched.moves) {
      const { stall } = watched;
      watched.moves = moved;
      watched.stillMs = 0;
      watched.stall = null;
      if (stall) this.#parts.onEnd(stall);
      return;
    }
    watched.stillMs += passedMs;
    if (watched.stillMs < patienceMs) return;
    const isNews = watched.stall === null;
    watched.stall = { loop: name, waiting, forMs: Math.round(watched.stillMs) };
    if (isNews) this.#parts.onStall(watched.stall);
  }
}
