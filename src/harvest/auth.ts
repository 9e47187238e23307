// Which access token goes onto the wire: a personal one as it is, or an OAuth2 one that is refreshed (HARVEST-API, Authentication).
// Leaves the meaning of a 401 to the client and files to token-store.ts.
import { createHash } from 'node:crypto';
import { PublisherError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import type { Emit } from '../engine/events.ts';
import { type ExchangeOptions, exchange, type Granted } from './oauth-exchange.ts';
import { isSame, type TokenStore } from './token-store.ts';

export interface Auth {
  /** The token to use now. Rejects as `renew` does when one has to be got first. */
  token(signal: AbortSignal): Promise<Secret>;
  /**
   * After Harvest refused `refused`: true when there is another token to try. Rejects with `harvest.unauthorised`,
   * `harvest.network`, `harvest.server`, `harvest.throttled`, `harvest.unparsable` or `config.invalid`.
   */
  renew(refused: Secret, signal: AbortSignal): Promise<boolean>;
  /** Waits for a refresh that is under way: its answer may be the only copy of the next refresh token. */
  close(): Promise<void>;
}

/** A personal access token: it is good or it is not. */
export function personalToken(token: Secret): Auth {
  // A request may have been refused with the token that this one has replaced.
  return { token: async () => token, renew: async (refused) => refused !== token, close: async () => {} };
}

/**
 * The credential as it is configured now: a secret may be a file that somebody replaces while we run. When Harvest refuses it,
 * `reread` is asked for the present one; null when it cannot be told.
 */
export class ConfiguredAuth<Credential> implements Auth {
  #auth: Auth;
  #fingerprint: string;
  readonly #made: (credential: Credential) => Auth;
  readonly #reread: () => Credential | null;

  constructor(credential: Credential, made: (credential: Credential) => Auth, reread: () => Credential | null) {
    this.#auth = made(credential);
    this.#fingerprint = fingerprintOf(credential);
    this.#made = made;
    this.#reread = reread;
  }

  async token(signal: AbortSignal): Promise<Secret> {
    const auth = this.#auth;
    try {
      return await auth.token(signal);
    } catch (thrown) {
      if (!isUnauthorised(thrown) || !this.#isReplaced(auth)) throw thrown;
      return this.#auth.token(signal);
    }
  }

  async renew(refused: Secret, signal: AbortSignal): Promise<boolean> {
    const auth = this.#auth;
    try {
      return (await auth.renew(refused, signal)) || this.#isReplaced(auth);
    } catch (thrown) {
      if (!isUnauthorised(thrown) || !this.#isReplaced(auth)) throw thrown;
      return true;
    }
  }

  close(): Promise<void> {
    return this.#auth.close();
  }

  /** Whether another credential than that of `auth` is configured by now; it is used from here on. */
  #isReplaced(auth: Auth): boolean {
    // Of several requests that were refused together, the first has replaced it already.
    if (auth !== this.#auth) return true;
    const present = this.#reread();
    if (present === null || fingerprintOf(present) === this.#fingerprint) return false;
    this.#fingerprint = fingerprintOf(present);
    this.#auth = this.#made(present);
    return true;
  }
}

/** Tells credentials apart without keeping them in another place. */
function fingerprintOf(credential: unknown): string {
  const told = JSON.stringify(credential, function (this: Record<string, unknown>, name, value) {
    // Asked of its holder: a secret redacts itself before a replacer sees it.
    const held = this[name];
    return held instanceof Secret ? held.reveal() : value;
  });
  return createHash('sha256').update(told).digest('hex');
}

function isUnauthorised(thrown: unknown): boolean {
  return thrown instanceof PublisherError && thrown.code === 'harvest.unauthorised';
}

export interface OAuthCredential {
  readonly clientId: string;
  readonly clientSecret: Secret;
  /** As configured, the store may hold a newer one that descends from it; null when only the store has one. */
  readonly refreshToken: Secret | null;
  /** Where the newest refresh token is kept; null keeps it in memory, which loses it if Harvest replaces tokens. */
  readonly tokenFile: string | null;
}

export interface OAuthOptions extends ExchangeOptions, Pick<OAuthCredential, 'refreshToken'> {
  readonly store: TokenStore;
  readonly emit: Emit;
}

/** Refreshing early costs nothing; refreshing late costs a refused request. */
const EARLY_MS = 300_000;

/** An OAuth2 grant. One refresh at a time, whoever asks; it is not tied to the signal of the one who asked first. */
export class OAuthGrant implements Auth {
  readonly #options: OAuthOptions;
  /** The newest refresh token that we know; null before the store was read. */
  #newest: Secret | null = null;
  /** The token that the store held when we last read or wrote it: another one there is of a new log-in. */
  #stored: Secret | null = null;
  #access: { readonly token: Secret; readonly staleAt: number } | null = null;
  #refreshing: Promise<Secret> | null = null;
  /** Harvest ID asked us to wait until then (monotonic). */
  #throttled: { readonly until: number; readonly error: PublisherError } | null = null;

  constructor(options: OAuthOptions) {
    this.#options = options;
  }

  async token(signal: AbortSignal): Promise<Secret> {
    const { clock } = this.#options;
    if (this.#access !== null && clock.monotonic() < this.#access.staleAt) return this.#access.token;
    return unlessAborted(this.#refreshOnce(), signal);
  }

  async renew(refused: Secret, signal: AbortSignal): Promise<boolean> {
    // Several requests may have been refused with the same token; the first of them has already replaced it.
    if (this.#access?.token === refused) await unlessAborted(this.#refreshOnce(), signal);
    return true;
  }

  async close(): Promise<void> {
    await this.#refreshing?.catch(() => {});
  }

  #refreshOnce(): Promise<Secret> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  async #refresh(): Promise<Secret> {
    const { store, refreshToken: configured, clock, emit } = this.#options;
    const found = await store.read(configured);
    const isNewLogin = found !== null && !isSame(found, this.#stored);
    const current = (isNewLogin ? null : this.#newest) ?? found ?? configured ?? nothingToRefresh();
    // Written before it is spent as well: a file that cannot be written is better found out while this token is good.
    await this.#keep(current);
    const granted = await this.#exchange(current);
    // Before the access token is used: a crash in between must find the refresh token that works.
    await this.#keep(granted.refreshToken ?? current);

    const lifeMs = granted.expiresInSeconds === null ? Number.POSITIVE_INFINITY : granted.expiresInSeconds * 1000;
    this.#access = {
      token: granted.accessToken,
      staleAt: clock.monotonic() + lifeMs - Math.min(EARLY_MS, lifeMs / 10),
    };
    emit({ name: 'token.refreshed', expiresInSeconds: granted.expiresInSeconds });
    return granted.accessToken;
  }

  async #keep(newest: Secret): Promise<void> {
    const { store, refreshToken } = this.#options;
    this.#newest = newest;
    await store.write(refreshToken, newest);
    this.#stored = newest;
  }

  async #exchange(current: Secret): Promise<Granted> {
    const { clock } = this.#options;
    if (this.#throttled !== null && clock.monotonic() < this.#throttled.until) throw this.#throttled.error;
    const fields = { grant_type: 'refresh_token', refresh_token: current.reveal() } as const;
    return exchange(fields, this.#options, (error, pauseMs) => {
      this.#throttled = { until: clock.monotonic() + pauseMs, error };
    });
  }
}

function nothingToRefresh(): never {
  throw new PublisherError(
    'config.invalid',
    'there is no refresh token: token_file holds none, and none is configured',
    {
      remedy: 'harvest-kafka login gets one in the browser and writes token_file; or set oauth.refresh_token.',
    },
  );
}

/** Waits for `work`, or rejects with the reason of `signal`; the work itself goes on. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason);
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true });
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}
