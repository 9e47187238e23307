// How anything is tried again: how long each pause is, when the patience ends, and how loudly it is said. Every loop that
// repeats something takes its pauses from here, and says in a `Pace` how it differs from the others.
import type { Clock, Random } from './clock.ts';

/** How one loop repeats. */
export interface Pace {
  /** The longest that the first pause may be. */
  readonly baseMs: number;
  /** No pause is longer. */
  readonly mostMs: number;
  /** How much longer each pause may be than the one before it; 2 when left out. */
  readonly factor?: number;
  /** Failures in a row after which the patience ends. */
  readonly tries?: number;
  /** How long after the first failure in a row the patience ends. */
  readonly patienceMs?: number;
}

export interface BackoffParts {
  readonly clock: Clock;
  /** Spreads the pauses evenly between nothing and their length; left out, each has its full length. */
  readonly random?: Random;
}

/**
 * Counts failures in a row. Only progress ends the row: that something opened or connected is none, as long as what it was
 * opened for fails.
 */
export class Backoff {
  readonly #pace: Pace;
  readonly #clock: Clock;
  readonly #random: Random;
  #attempt = 0;
  /** Monotonic; when the row of failures began. */
  #since: number | null = null;

  constructor(pace: Pace, { clock, random = () => 1 }: BackoffParts) {
    this.#pace = pace;
    this.#clock = clock;
    this.#random = random;
  }

  /** Failures in a row. */
  get attempt(): number {
    return this.#attempt;
  }

  /** How long nothing has worked; 0 before the first failure. */
  get failingMs(): number {
    return this.#since === null ? 0 : this.#clock.monotonic() - this.#since;
  }

  /** Whether the patience has ended. What repeats for ever never asks. */
  get isSpent(): boolean {
    const { tries = Number.POSITIVE_INFINITY, patienceMs = Number.POSITIVE_INFINITY } = this.#pace;
    return this.#attempt >= tries || (this.#attempt > 0 && this.failingMs >= patienceMs);
  }

  /** Another failure; returns the pause before the next try in ms. */
  failed(): number {
    this.#since ??= this.#clock.monotonic();
    this.#attempt += 1;
    return pauseOf(this.#pace, this.#attempt, this.#random());
  }

  /** Something worked: the next failure is a first one again. */
  progressed(): void {
    this.#attempt = 0;
    this.#since = null;
  }

  /** Something worked, and the patience with what follows counts from now, not only from its first failure. */
  begin(): void {
    this.#attempt = 0;
    this.#since = this.#clock.monotonic();
  }
}

/** The pause after the failure `attempt` (1 is the first) in ms. `chance` is in [0, 1). */
export function pauseOf({ baseMs, mostMs, factor = 2 }: Pace, attempt: number, chance: number): number {
  return Math.round(chance * Math.min(mostMs, baseMs * factor ** (attempt - 1)));
}

/** The first failures may be a blip; what has failed for a minute is not. */
export function loudness(failingMs: number): 'info' | 'warn' | 'error' {
  if (failingMs < BLIP_MS) return 'info';
  return failingMs < OUTAGE_MS ? 'warn' : 'error';
}

const BLIP_MS = 2_000;
const OUTAGE_MS = 60_000;

export interface Repetition extends BackoffParts {
  readonly signal?: AbortSignal | undefined;
  /** Whether a failure may pass; the others are thrown at once. */
  readonly mayPass: (error: unknown) => boolean;
  /** Hears of each failure that will be followed by another try. */
  readonly onPause?: (error: unknown, pauseMs: number, backoff: Backoff) => void;
}

/** Does `work` until it succeeds. Throws its error when that will not pass or the patience ends, the reason of `signal` when that aborts. */
export async function patiently<T>(work: () => Promise<T>, pace: Pace, repetition: Repetition): Promise<T> {
  const { clock, signal, mayPass, onPause } = repetition;
  const backoff = new Backoff(pace, repetition);
  backoff.begin();
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      signal?.throwIfAborted();
      const pauseMs = backoff.failed();
      if (!mayPass(error) || backoff.isSpent) throw error;
      onPause?.(error, pauseMs, backoff);
      await clock.sleep(pauseMs, signal);
    }
  }
}

/**
 * Looks until `look` sees something, that is anything but null; null when the patience ends first. Throws what `look` throws,
 * the reason of `signal` when that aborts.
 */
export async function until<T>(
  look: () => Promise<T | null>,
  pace: Pace,
  { clock, random, signal }: BackoffParts & { readonly signal: AbortSignal },
): Promise<T | null> {
  const backoff = new Backoff(pace, { clock, ...(random && { random }) });
  backoff.begin();
  for (;;) {
    const seen = await look();
    if (seen !== null) return seen;
    const pauseMs = backoff.failed();
    if (backoff.isSpent) return null;
    await clock.sleep(pauseMs, signal);
    signal.throwIfAborted();
  }
}
