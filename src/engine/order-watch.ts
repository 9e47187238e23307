// Looks for what people asked for with commands, beside everything else an account does.
import type { Clock } from '../base/clock.ts';
import type { LiveStream } from './live-stream.ts';
import type { Sink } from './ports.ts';

/** How soon an order is seen. */
const INTERVAL_MS = 5_000;

export class OrderWatch {
  readonly #sink: Sink;
  readonly #clock: Clock;
  readonly #streams: ReadonlyMap<string, LiveStream>;
  /** Carried out: the sink may not know yet. */
  readonly #done = new Set<string>();

  constructor(sink: Sink, clock: Clock, streams: ReadonlyMap<string, LiveStream>) {
    this.#sink = sink;
    this.#clock = clock;
    this.#streams = streams;
  }

  /** Hands orders to their streams until `signal` aborts; `onLook` is called after each look. Throws what the sink throws. */
  async run(signal: AbortSignal, onLook: (found: number) => void): Promise<void> {
    while (!signal.aborted) {
      const orders = (await this.#sink.orders(signal)).filter(({ id }) => !this.#done.has(id));
      for (const [name, live] of this.#streams) live.orders = orders.filter(({ stream }) => stream === name);
      onLook(orders.length);
      await this.#clock.sleep(INTERVAL_MS, signal);
    }
  }

  /** The orders were carried out by a commit. */
  carriedOut(live: LiveStream, ids: readonly string[]): void {
    for (const id of ids) this.#done.add(id);
    live.orders = live.orders.filter(({ id }) => !this.#done.has(id));
  }
}
