// Tokens of an OAuth endpoint (KIP-768). Loaded when the configuration names one: other clients of Kafka need no HTTP.
import { request } from 'undici';
import { PublisherError } from '../base/errors.ts';
import { openAgent, proxyRefusal } from '../base/http-agent.ts';
import { parsedObject } from '../base/json.ts';
import type { Proxies } from '../base/proxies.ts';
import { Secret } from '../base/secret.ts';
import type { Issued } from './bearer-tokens.ts';

export interface TokenEndpoint {
  readonly token_endpoint_url: string;
  readonly client_id: string;
  readonly client_secret: Secret;
  readonly scope?: string | undefined;
}

const TIMEOUT_MS = 10_000;
const LARGEST_ANSWER_BYTES = 2 ** 20;

/** Asks the endpoint as Kafka's own clients do: client credentials (RFC 6749, 4.4), the client named by Basic. */
export async function issuedByEndpoint(endpoint: TokenEndpoint, proxies: Proxies): Promise<Issued> {
  const { token_endpoint_url: url, client_id, client_secret, scope } = endpoint;
  const agent = openAgent({ connectMs: TIMEOUT_MS, maxResponseSize: LARGEST_ANSWER_BYTES, proxies });
  try {
    const answer = await request(url, {
      dispatcher: agent,
      method: 'POST',
      headers: {
        accept: 'application/json',
        'content-type': 'application/x-www-form-urlencoded',
        authorization: `Basic ${Buffer.from(`${client_id}:${client_secret.reveal()}`).toString('base64')}`,
      },
      body: new URLSearchParams({ grant_type: 'client_credentials', ...(scope && { scope }) }).toString(),
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
    });
    return issuedIn(url, answer.statusCode, await answer.body.text());
  } catch (thrown) {
    if (thrown instanceof PublisherError) throw thrown;
    const refused = proxyRefusal(thrown);
    throw unavailable(url, refused === null ? (thrown as Error).message : `the proxy answered ${refused}`);
  } finally {
    await agent.destroy();
  }
}

function issuedIn(url: string, status: number, body: string): Issued {
  const { access_token, expires_in, error } = parsedObject(body) ?? {};
  if (status === 200 && typeof access_token === 'string' && access_token !== '') {
    // A life that is not told ends with the log-in.
    return { token: new Secret(access_token), lifeMs: 1000 * (Number(expires_in) || 0) };
  }
  // The description beside the word is left out, as it may repeat what was sent.
  const word = typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? error : 'no error word in the answer';
  if (status < 400 || status >= 500 || status === 408 || status === 429) {
    throw unavailable(url, status === 200 ? 'no access_token in the answer' : `answered ${status}`);
  }
  throw new PublisherError('kafka.unauthorised', `the token endpoint ${url} answered ${status}: ${word}`, {
    remedy: 'Check client_id, client_secret and scope of kafka.sasl.oauthbearer.',
  });
}

function unavailable(url: string, reason: string): PublisherError {
  return new PublisherError('kafka.unavailable', `the token endpoint ${url}: ${reason}`, {
    remedy:
      'Check kafka.sasl.oauthbearer.token_endpoint_url, and HTTPS_PROXY and NO_PROXY if it is reached through a proxy; it is asked again by itself.',
  });
}
