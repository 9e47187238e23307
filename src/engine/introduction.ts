// The very first request of an account, before topics and schemas are made for it: a token that is refused should leave nothing
// behind. An account that was published before has its topics, and asks within the budget that they remember.
import type { Clock } from '../base/clock.ts';
import { asPublisherError, isPassing, PublisherError } from '../base/errors.ts';
import type { Emit } from './events.ts';
import type { JsonObject } from './ports.ts';
import { TokenWait } from './token-wait.ts';

export interface IntroductionParts {
  readonly accountId: string;
  readonly source: {
    introduce(signal: AbortSignal): Promise<JsonObject>;
    readonly accepted: boolean;
  };
  /** Whether the account was published before; throws when that cannot be told now. */
  readonly isKnown: () => Promise<boolean>;
  /** Whether a token that is refused is waited for, because other accounts go on. */
  readonly mayWait: () => boolean;
  /** Hears why the account waits. */
  readonly onRefused: (error: PublisherError) => void;
  readonly clock: Clock;
  readonly emit: Emit;
}

/** While the log is down, nobody publishes the account and spends its budget: the token may be asked about. */
function unlessPassing(thrown: unknown): boolean {
  if (isPassing(asPublisherError(thrown))) return false;
  throw thrown;
}

/** Resolves when Harvest has taken the token of an account that is new. Throws PublisherError `harvest.*`, and what of `isKnown` does not pass. */
export async function introduce(parts: IntroductionParts, signal: AbortSignal): Promise<void> {
  const { accountId, source, isKnown, mayWait, onRefused, clock, emit } = parts;
  if (source.accepted || (await isKnown().catch(unlessPassing))) return;
  try {
    await source.introduce(signal);
  } catch (thrown) {
    signal.throwIfAborted();
    const error = asPublisherError(thrown);
    if (error.code === 'harvest.forbidden' || error.code === 'harvest.not_found') {
      const message = `account ${accountId}: no stream can be read: ${error.message}`;
      throw new PublisherError('harvest.nothing_readable', message);
    }
    if (error.code !== 'harvest.unauthorised' || !mayWait()) throw error;
    onRefused(error);
    const wait = new TokenWait({ source: { whoAmI: (until) => source.introduce(until) }, clock, emit });
    wait.begin(error);
    await wait.over(signal);
  }
}
