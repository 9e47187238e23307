// Authentication: bearer tokens, and the id host's OAuth and accounts endpoints (HARVEST-API, Authentication).
import type { Call, Reply } from './answer.ts';
import { readFields } from './body.ts';
import type { Account } from './model/account.ts';
import { badRequest, Refusal } from './refusal.ts';

export interface OAuthOptions {
  readonly clientId: string;
  readonly clientSecret: string;
  /** An authorization code that can be exchanged once, besides those that the authorisation page gives. */
  readonly code: string;
  /** The only redirect address that is taken; null takes any. */
  readonly redirectUri: string | null;
  readonly refreshToken: string;
  /** Whether each refresh gives a new refresh token and kills the old one. */
  readonly rotate: boolean;
  /** Life of an access token. */
  readonly expiresInSeconds: number;
}

export const defaultOAuth: OAuthOptions = {
  clientId: 'simulated-client',
  clientSecret: 'simulated-secret',
  code: 'simulated-code',
  redirectUri: null,
  refreshToken: 'simulated-refresh-token',
  rotate: false,
  expiresInSeconds: 1_209_600,
};

export class Tokens {
  /** Access token → when it dies; null for personal access tokens, which do not. */
  readonly #access = new Map<string, number | null>();
  readonly #refresh = new Set<string>();
  /** Code → the redirect address that it was given to; null for any. */
  readonly #codes = new Map<string, string | null>();
  readonly #oauth: OAuthOptions;
  readonly #account: Account;
  #issued = 0;

  constructor(account: Account, personalToken: string, oauth: OAuthOptions) {
    this.#account = account;
    this.#oauth = oauth;
    this.#access.set(personalToken, null);
    this.#refresh.add(oauth.refreshToken);
    this.#codes.set(oauth.code, null);
  }

  /** From now on the token is refused. Works for access and refresh tokens. */
  revoke(token: string): void {
    this.#access.delete(token);
    this.#refresh.delete(token);
  }

  /** Every access token is refused from now on; refresh tokens keep working. */
  revokeAllAccess(): void {
    this.#access.clear();
  }

  accept(token: string): void {
    this.#access.set(token, null);
  }

  /** Throws 400 without User-Agent, 401 for a bad token or account id. */
  authenticate(call: Call): void {
    if (!call.headers['user-agent']) throw badRequest('User-Agent header is required');
    this.#authenticateBearer(call);
    const accountId = call.headers['harvest-account-id'] ?? call.query.get('account_id');
    if (accountId !== String(this.#account.id)) throw invalidToken();
  }

  /** Whether an application with that redirect address may ask a person to be let in. */
  knows(clientId: string, redirectUri: string): boolean {
    const isOurs = clientId === this.#oauth.clientId && redirectUri === (this.#oauth.redirectUri ?? redirectUri);
    return isOurs && URL.canParse(redirectUri);
  }

  /** A code for that redirect address, good once. */
  newCode(redirectUri: string): string {
    const code = `simulated-code-${this.#account.dice.hex(12)}`;
    this.#codes.set(code, redirectUri);
    return code;
  }

  /** `POST /api/v2/oauth2/token`, form or JSON. */
  exchange(call: Call): Reply {
    const fields = readFields(call);
    const { clientId, clientSecret, rotate } = this.#oauth;
    if (fields.client_id !== clientId || fields.client_secret !== clientSecret) {
      throw oauthError(401, 'invalid_client', 'Client authentication failed.');
    }
    if (fields.grant_type === 'authorization_code') {
      const code = String(fields.code);
      const givenTo = this.#codes.get(code);
      const isOurs = givenTo === null || (givenTo !== undefined && givenTo === (fields.redirect_uri ?? givenTo));
      this.#codes.delete(code);
      if (!isOurs) throw invalidGrant();
      return this.#issue(this.#newRefreshToken());
    }
    if (fields.grant_type === 'refresh_token') {
      const old = String(fields.refresh_token);
      if (!this.#refresh.has(old)) throw invalidGrant();
      if (!rotate) return this.#issue(old);
      this.#refresh.delete(old);
      return this.#issue(this.#newRefreshToken());
    }
    throw oauthError(400, 'unsupported_grant_type', 'The authorization grant type is not supported.');
  }

  /** `GET /api/v2/accounts`: this account, and a Forecast one that a client has to leave alone. */
  accounts(call: Call): Reply {
    this.#authenticateBearer(call);
    const { id, company } = this.#account;
    const { id: userId, first_name, last_name, email } = this.#account.me();
    return {
      status: 200,
      body: {
        user: { id: userId, first_name, last_name, email },
        accounts: [
          { id, name: company.name, product: 'harvest', google_sign_in_required: false },
          { id: id + 1, name: company.name, product: 'forecast', google_sign_in_required: false },
        ],
      },
    };
  }

  #authenticateBearer(call: Call): void {
    const token = /^Bearer (.+)$/i.exec(call.headers.authorization ?? '')?.[1] ?? call.query.get('access_token');
    const expiresAt = this.#access.get(token ?? '');
    if (expiresAt === undefined || (expiresAt !== null && this.#account.seconds() >= expiresAt)) throw invalidToken();
  }

  #issue(refreshToken: string): Reply {
    const { expiresInSeconds } = this.#oauth;
    this.#issued += 1;
    const accessToken = `simulated-access-${this.#issued}`;
    this.#access.set(accessToken, this.#account.seconds() + expiresInSeconds);
    return {
      status: 200,
      body: {
        access_token: accessToken,
        refresh_token: refreshToken,
        token_type: 'bearer',
        expires_in: expiresInSeconds,
        scope: `harvest:${this.#account.id}`,
      },
    };
  }

  #newRefreshToken(): string {
    const token = `simulated-refresh-${this.#account.dice.hex(12)}`;
    this.#refresh.add(token);
    return token;
  }
}

export function invalidToken(): Refusal {
  const description = 'The access token provided is expired, revoked, malformed or invalid for other reasons.';
  return new Refusal(
    401,
    { error: 'invalid_token', error_description: description },
    { 'www-authenticate': 'Bearer realm="Rack::OAuth2 Protected Resources"' },
  );
}

const oauthError = (status: number, error: string, description: string): Refusal =>
  new Refusal(status, { error, error_description: description });

const invalidGrant = (): Refusal =>
  oauthError(400, 'invalid_grant', 'The provided authorization grant is invalid, expired or revoked.');
