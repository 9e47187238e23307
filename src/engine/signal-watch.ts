// Looks for what people asked for with commands, beside everything else an account does.
import type { Clock } from '../base/clock.ts';
import type { Sink } from './ports.ts';
import type { StreamRuntime } from './state/stream-runtime.ts';

/** How soon a signal is seen. */
const INTERVAL_MS = 5_000;

export class SignalWatch {
  readonly #sink: Sink;
  readonly #clock: Clock;
  readonly #streams: ReadonlyMap<string, StreamRuntime>;
  /** Carried out: the sink may not know yet. */
  readonly #done = new Set<string>();
  /** Looks so far. */
  looks = 0;
  isLooking = false;
  /** Whether the first look since it began has ended. */
  hasLooked = false;

  constructor(sink: Sink, clock: Clock, streams: ReadonlyMap<string, StreamRuntime>) {
    this.#sink = sink;
    this.#clock = clock;
    this.#streams = streams;
  }

  /**
   * Hands signals to their streams, beside the work, until it is stopped or `signal` aborts; `looked` resolves after the first
   * look. `rouse` is called when something was found, `fail` with what the sink throws.
   */
  begin(signal: AbortSignal, rouse: () => void, fail: (thrown: unknown) => void) {
    const stopped = new AbortController();
    const both = AbortSignal.any([signal, stopped.signal]);
    let ended: Promise<void> = Promise.resolve();
    const looked = new Promise<void>((resolve) => {
      const watching = this.#run(both, (found) => {
        resolve();
        if (found > 0) rouse();
      });
      ended = watching.catch((thrown) => (both.aborted ? undefined : fail(thrown))).finally(resolve);
    });
    const stop = () => {
      stopped.abort();
      return ended;
    };
    return { looked, stop };
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
    for (const [name, runtime] of this.#streams) runtime.signals = signals.filter(({ stream }) => stream === name);
    this.looks++;
    this.hasLooked = true;
    onLook(signals.length);
    await this.#clock.sleep(INTERVAL_MS, signal);
  }

  /** The signals were carried out by a commit. */
  carriedOut(runtime: StreamRuntime, ids: readonly string[]): void {
    for (const id of ids) this.#done.add(id);
    runtime.signals = runtime.signals.filter(({ id }) => !this.#done.has(id));
  }
}
