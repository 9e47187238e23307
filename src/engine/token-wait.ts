// A token that Harvest refuses although it was good before: the account stands still, asks again every minute and goes on by
// itself. Whoever replaces the token in its file needs to restart nothing.
import type { Clock } from '../base/clock.ts';
import { asPublisherError, isPassing, type PublisherError } from '../base/errors.ts';
import type { Emit } from './events.ts';
import type { Source } from './ports.ts';

const ASK_AGAIN_MS = 60_000;

interface Refusal {
  readonly error: PublisherError;
  /** Monotonic. */
  readonly since: number;
}

export class TokenWait {
  readonly #source: Pick<Source, 'whoAmI'>;
  readonly #clock: Clock;
  readonly #emit: Emit;
  #refusal: Refusal | null = null;

  constructor({ source, clock, emit }: { source: Pick<Source, 'whoAmI'>; clock: Clock; emit: Emit }) {
    this.#source = source;
    this.#clock = clock;
    this.#emit = emit;
  }

  /** Why the account stands still; null while it does not. */
  get reason(): PublisherError | null {
    return this.#refusal?.error ?? null;
  }

  /** Harvest refused the token: nothing more is to be asked until `over` resolves. */
  begin(error: PublisherError): void {
    this.#refusal ??= { error, since: this.#clock.monotonic() };
  }

  /** Resolves when Harvest takes the token again, or when `signal` aborts. Throws what no waiting mends. */
  async over(signal: AbortSignal): Promise<void> {
    for (let attempt = 1; this.#refusal !== null && !signal.aborted; attempt++) {
      const { error, since } = this.#refusal;
      const { code, message: reason, remedy } = error;
      const failingMs = Math.round(this.#clock.monotonic() - since);
      this.#emit({ name: 'account.waiting', code, reason, remedy, attempt, failingMs, retryInMs: ASK_AGAIN_MS });
      await this.#clock.sleep(ASK_AGAIN_MS, signal);
      if (!signal.aborted) await this.#askAgain(this.#refusal, signal);
    }
  }

  async #askAgain({ error: before, since }: Refusal, signal: AbortSignal): Promise<void> {
    try {
      await this.#source.whoAmI(signal);
    } catch (thrown) {
      if (signal.aborted) return;
      const error = asPublisherError(thrown);
      if (error.code === 'harvest.unauthorised') this.#refusal = { error, since };
      // Whether the token is good shows when Harvest answers; that it may not do something shows that it is.
      if (error.code === before.code || isPassing(error)) return;
      if (error.kind !== 'blocked') throw error;
    }
    this.#refusal = null;
    this.#emit({ name: 'token.accepted', refusedMs: Math.round(this.#clock.monotonic() - since) });
  }
}
