// Harvest ID gives tokens for a refresh token or for the code of a log-in: one request that repeats nothing (HARVEST-API,
// Authentication). The caller keeps and uses the tokens.
import type { Clock } from '../base/clock.ts';
import { PublisherError } from '../base/errors.ts';
import { parsedObject } from '../base/json.ts';
import { Secret } from '../base/secret.ts';
import type { JsonObject } from '../engine/ports.ts';
import { attempt } from './attempt.ts';
import { pauseOf, type RequestPlace, unparsable } from './failures.ts';
import { below } from './links.ts';
import { objectOf, textOf } from './pages.ts';
import type { HttpRequest, Transport } from './transport.ts';

export interface ExchangeOptions {
  readonly clientId: string;
  readonly clientSecret: Secret;
  readonly idBase: URL;
  readonly userAgent: string;
  readonly transport: Transport;
  /** How long the request may take as a whole, ms. */
  readonly limitMs: number;
  readonly clock: Clock;
}

export interface Granted {
  readonly accessToken: Secret;
  readonly refreshToken: Secret | null;
  readonly expiresInSeconds: number | null;
}

/** The fields of a grant besides the client's own. */
export type GrantFields =
  | { readonly grant_type: 'refresh_token'; readonly refresh_token: string }
  | { readonly grant_type: 'authorization_code'; readonly code: string; readonly redirect_uri: string };

const REMEDIES = {
  refresh_token:
    'The refresh token or the client secret is no longer good: harvest-kafka login, or authorise again and configure the new token.',
  authorization_code:
    'Check client_id, client_secret and the redirect address of your OAuth2 application; a code is good once and soon expires: harvest-kafka login.',
} as const;

/**
 * Sends the grant as a form. Rejects with `harvest.unauthorised`, `harvest.network`, `harvest.server`, `harvest.throttled` or
 * `harvest.unparsable`; `onPause` hears of a refusal that says how long to wait (ms).
 */
export async function exchange(
  fields: GrantFields,
  options: ExchangeOptions,
  onPause: (error: PublisherError, pauseMs: number) => void = () => {},
): Promise<Granted> {
  const { idBase, userAgent, clientId, clientSecret, transport, limitMs, clock } = options;
  const request: HttpRequest = {
    method: 'POST',
    url: below(idBase, '/api/v2/oauth2/token').href,
    headers: {
      'user-agent': userAgent,
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({
      ...fields,
      client_id: clientId,
      client_secret: clientSecret.reveal(),
    }).toString(),
  };
  const place: RequestPlace = { request, stream: null };
  const answer = await attempt(transport, request, limitMs, clock, null);
  if (answer.status === 200) return grantedBy(objectOf(await textOf(answer, place), place), place);
  const error = refused(answer.status, await textOf(answer, place), place, fields);
  const pauseMs = pauseOf(answer, clock.now());
  if (pauseMs !== null) onPause(error, pauseMs);
  throw error;
}

function refused(status: number, body: string, place: RequestPlace, { grant_type }: GrantFields): PublisherError {
  const { method, url } = place.request;
  if (status === 400 || status === 401) {
    const message = `${method} ${url} answered ${status}: ${errorWord(body)}`;
    return new PublisherError('harvest.unauthorised', message, { remedy: REMEDIES[grant_type] });
  }
  // Nothing here says that the grant itself is bad, so it is worth asking again later.
  const code = status === 429 ? 'harvest.throttled' : 'harvest.server';
  return new PublisherError(code, `${method} ${url} answered ${status}`);
}

function grantedBy(body: JsonObject, place: RequestPlace): Granted {
  const { access_token, refresh_token, expires_in } = body;
  if (typeof access_token !== 'string' || access_token === '') throw unparsable(place, 'no access_token in the answer');
  return {
    accessToken: new Secret(access_token),
    refreshToken: typeof refresh_token === 'string' && refresh_token !== '' ? new Secret(refresh_token) : null,
    expiresInSeconds: typeof expires_in === 'number' && expires_in > 0 ? expires_in : null,
  };
}

/** `invalid_grant` and its like; the description beside it is left out, as it may repeat what was sent. */
function errorWord(body: string): string {
  const { error } = parsedObject(body) ?? {};
  return typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? error : 'no error word in the answer';
}
