// How long Harvest asked one budget to wait. It is obeyed as told, however long; but what a former process was told is asked for
// once more when it is beyond an hour, because it may have been a mistake, and nobody would ever find out.
import { LONG_PAUSE_MS } from '../engine/ports.ts';

export class Pause {
  /** All times are monotonic. */
  #until = Number.NEGATIVE_INFINITY;
  /** The end of a long pause that a former process was told: one attempt may ask. */
  #inherited: number | null = null;
  #isAsking = false;
  /** Since when Harvest answers nothing else. */
  #since: number | null = null;
  #told = 0;

  /** No attempt starts during the next `ms`. A shorter pause never ends a longer one. */
  begin(ms: number, now: number): void {
    this.#until = Math.max(this.#until, now + ms);
    this.#since ??= now;
    this.#told += 1;
  }

  /** A former process was told to wait, and so much of it is left. */
  inherit(ms: number, now: number): void {
    if (ms > LONG_PAUSE_MS) this.#inherited = now + ms;
    else if (ms > 0) this.begin(ms, now);
  }

  /** When it ends, as far as anybody has said. */
  get until(): number {
    return Math.max(this.#until, this.#inherited ?? Number.NEGATIVE_INFINITY);
  }

  /** From when on the next attempt may start; never while one asks whether the pause still holds. */
  get opensAt(): number {
    return this.#isAsking ? Number.POSITIVE_INFINITY : this.#until;
  }

  /** From the first of the pauses after which nothing but another one came to the end of the last; 0 when there is none. */
  get throttledMs(): number {
    return this.#since === null ? 0 : this.#until - this.#since;
  }

  /** An attempt starts; the returned function is told whether an answer came. */
  start(): (isAnswered: boolean) => void {
    const asks = this.#inherited !== null;
    if (asks) this.#isAsking = true;
    const told = this.#told;
    return (isAnswered) => {
      if (isAnswered && this.#told === told) this.#since = null;
      if (!asks) return;
      this.#isAsking = false;
      if (isAnswered) this.#inherited = null;
    };
  }
}
