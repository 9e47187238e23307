// Whether the main loop still answers, as the thread of the member sees it: asks again and again, and says when the loop has stood
// still for too long and when it goes on.
import type { Clock } from '../base/clock.ts';

export interface LoopWatchParts {
  readonly clock: Clock;
  readonly everyMs: number;
  readonly stallMs: number;
  /** To be answered by the main loop at once, with `answered`. */
  readonly ping: () => void;
  readonly onAnswer: (lagMs: number) => void;
  readonly onStall: () => void;
  readonly onMove: () => void;
}

export class LoopWatch {
  readonly #parts: LoopWatchParts;
  /** How long the main loop has not answered; null when nothing is asked. */
  #silentMs: number | null = null;
  #isStalled = false;
  #lookedAt = 0;

  constructor(parts: LoopWatchParts) {
    this.#parts = parts;
  }

  begin(): void {
    this.#lookedAt = this.#parts.clock.monotonic();
    this.#look();
  }

  answered(): void {
    const { clock, onAnswer, onMove } = this.#parts;
    onAnswer(Math.max(0, (this.#silentMs ?? 0) + clock.monotonic() - this.#lookedAt));
    this.#silentMs = null;
    if (this.#isStalled) onMove();
    this.#isStalled = false;
  }

  /** Counts by its own looks: a process that was stopped as a whole has not stood still in its main loop. */
  #look(): void {
    const { clock, everyMs, stallMs, ping, onStall } = this.#parts;
    const now = clock.monotonic();
    const passedMs = Math.min(now - this.#lookedAt, 2 * everyMs);
    this.#lookedAt = now;
    if (this.#silentMs === null) {
      this.#silentMs = 0;
      ping();
    } else {
      this.#silentMs += passedMs;
      if (this.#silentMs >= stallMs && !this.#isStalled) {
        this.#isStalled = true;
        onStall();
      }
    }
    clock.after(everyMs, () => this.#look());
  }
}
