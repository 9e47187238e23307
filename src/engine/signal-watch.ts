// Looks for what people asked for with commands, beside everything else an account does.
import type { Clock } from '../base/clock.ts';
import type { Signal, Sink } from './ports.ts';

/** How soon a signal is seen. All accounts of a process look at the same moments, so that the sink may ask for all of them at once. */
const INTERVAL_MS = 5_000;

export class SignalWatch {
  readonly #sink: Sink;
  readonly #clock: Clock;
  /** Signals that are not carried out yet, the oldest first. */
  #waiting: readonly Signal[] = [];
  /** Carried out: the sink may not know yet. */
  readonly #done = new Set<string>();
  /** Looks so far. */
  looks = 0;
  isLooking = false;
  /** Whether the first look since it began has ended. */
  hasLooked = false;

  constructor(sink: Sink, clock: Clock) {
    this.#sink = sink;
    this.#clock = clock;
  }

  /** The oldest signal of a stream that waits to be carried out. */
  next(stream: string): Signal | undefined {
    return this.#waiting.find((signal) => signal.stream === stream);
  }

  /** The signals were carried out by a commit. */
  carriedOut(ids: readonly string[]): void {
    for (const id of ids) this.#done.add(id);
    this.#waiting = this.#waiting.filter(({ id }) => !this.#done.has(id));
  }

  /**
   * Looks for signals, beside the work, until `signal` aborts, and then resolves `ended`; `looked` resolves after the first
   * look. `rouse` is called when something was found, `fail` with what the sink throws.
   */
  begin(signal: AbortSignal, rouse: () => void, fail: (thrown: unknown) => void) {
    let ended: Promise<void> = Promise.resolve();
    const looked = new Promise<void>((resolve) => {
      const watching = this.#run(signal, (found) => {
        resolve();
        if (found > 0) rouse();
      });
      ended = watching.catch((thrown) => (signal.aborted ? undefined : fail(thrown))).finally(resolve);
    });
    return { looked, ended };
  }

  async #run(signal: AbortSignal, onLook: (found: number) => void): Promise<void> {
    this.isLooking = true;
    this.hasLooked = false;
    try {
      while (!signal.aborted) await this.#look(signal, onLook);
    } finally {
      this.isLooking = false;
    }
  }

  async #look(signal: AbortSignal, onLook: (found: number) => void): Promise<void> {
    const signals = (await this.#sink.signals(signal)).filter(({ id }) => !this.#done.has(id));
    this.#waiting = signals;
    this.looks++;
    this.hasLooked = true;
    onLook(signals.length);
    await this.#clock.sleep(Math.ceil(INTERVAL_MS - (this.#clock.monotonic() % INTERVAL_MS)), signal);
  }
}
