// An account's turn to open: few open at once, because each asks brokers, registry and Harvest for much, and a crowd is slower than a
// queue.
import type { Clock } from './base/clock.ts';
import type { Turns } from './base/turns.ts';
import type { PublisherEvent } from './engine/events.ts';

/** One that needs long to open, a million rows for one, holds up nobody for longer. */
const TURN_MAX_MS = 10_000;

export class OpeningTurn {
  readonly #turns: Turns;
  readonly #clock: Clock;
  #give = () => {};

  constructor(turns: Turns, clock: Clock) {
    this.#turns = turns;
    this.#clock = clock;
  }

  /** Waits for it; not when `signal` aborts first. */
  async take(signal: AbortSignal): Promise<void> {
    const give = await this.#turns.take(signal);
    const cancel = this.#clock.after(TURN_MAX_MS, give);
    this.#give = () => {
      cancel();
      give();
    };
  }

  /** An account that is open, or waits for something else, lets others open meanwhile. */
  hear({ name }: PublisherEvent): void {
    if (name === 'account.opened' || name === 'account.waiting') this.give();
  }

  give(): void {
    this.#give();
  }
}
