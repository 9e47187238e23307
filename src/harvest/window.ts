// At most so many attempts in any sliding window: a token is taken when an attempt starts and comes back one window after
// the attempt ENDED, because the request reached the server somewhere between (budget.ts).

export class SlidingWindow {
  readonly #windowMs: number;
  /** Monotonic times at which attempts ended, oldest first; in the future for those that a former process may yet start. */
  #ended: number[] = [];
  #running = 0;
  /** So many attempts are allowed; infinite for a window that only counts. */
  most: number;

  constructor(most: number, windowMs: number) {
    this.most = most;
    this.#windowMs = windowMs;
  }

  get running(): number {
    return this.#running;
  }

  start(): void {
    this.#running += 1;
  }

  /** An attempt ends at `now`; from then on it counts for so many. */
  end(now: number, times = 1): void {
    this.#running -= 1;
    this.#ended.push(...Array(times).fill(now));
    this.#ended.sort(ascending);
  }

  /** Attempts of a former process, by their ends. More than `most` of them hold nothing back for longer. */
  inherit(ended: readonly number[]): void {
    this.#ended = [...ended, ...this.#ended].sort(ascending).slice(-this.most);
  }

  /** Ends of the attempts that count at `now`. */
  ended(now: number): readonly number[] {
    const kept = this.#ended.findIndex((time) => time + this.#windowMs > now);
    this.#ended.splice(0, kept < 0 ? this.#ended.length : kept);
    return this.#ended;
  }

  used(now: number): number {
    return this.ended(now).length + this.#running;
  }

  /** When the next attempt may start; infinite while all tokens are with running ones, and then one of them has to end. */
  freeAt(now: number): number {
    const tooMany = this.used(now) - this.most;
    if (tooMany < 0) return Number.NEGATIVE_INFINITY;
    const leaving = this.#ended[tooMany];
    return leaving === undefined ? Number.POSITIVE_INFINITY : leaving + this.#windowMs;
  }

  /** When the last of so many attempts may start, if all are made as soon as they may and end at once. */
  lastFreeAt(attempts: number, now: number): number {
    // Each token serves once a window, so whole windows of attempts come on top of the rest.
    const rounds = Math.floor((attempts - 1) / this.most);
    const place = this.used(now) + ((attempts - 1) % this.most) - this.most;
    // Tokens with running attempts come back last, a window from now at the earliest.
    const free = place < 0 ? now : (this.#ended[place] ?? now) + this.#windowMs;
    return Math.max(now, free) + (rounds > 0 ? rounds * this.#windowMs : 0);
  }
}

function ascending(a: number, b: number): number {
  return a - b;
}
