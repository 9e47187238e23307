// A person's log-in at Harvest ID: the address to open in a browser, and what the tokens that come of it open (HARVEST-API,
// Authentication).
import type { Secret } from '../base/secret.ts';
import type { JsonObject } from '../engine/ports.ts';
import { attempt } from './attempt.ts';
import { type RequestPlace, refusal } from './failures.ts';
import { below } from './links.ts';
import type { ExchangeOptions } from './oauth-exchange.ts';
import { objectOf, textOf } from './pages.ts';
import type { HttpRequest } from './transport.ts';

/** An account of Harvest's that a token opens. */
export interface OpenedAccount {
  readonly id: string;
  readonly name: string;
}

export interface OpenedAccounts {
  /** The name of the token's owner. */
  readonly person: string;
  readonly accounts: readonly OpenedAccount[];
}

/** A person says yes or no at this address; Harvest ID then sends the browser to `redirectUri` with a code and `state`. */
export function authorizeUrl(
  idBase: URL,
  { clientId, redirectUri, state }: { readonly clientId: string; readonly redirectUri: string; readonly state: string },
): string {
  const url = below(idBase, '/oauth2/authorize');
  const query = { client_id: clientId, response_type: 'code', redirect_uri: redirectUri, state };
  url.search = new URLSearchParams(query).toString();
  return url.href;
}

/** The Harvest accounts of the token's owner; Forecast's are left out. Rejects with `harvest.*`. */
export async function accountsOf(
  token: Secret,
  { idBase, userAgent, transport, limitMs, clock }: Omit<ExchangeOptions, 'clientId' | 'clientSecret'>,
): Promise<OpenedAccounts> {
  const request: HttpRequest = {
    method: 'GET',
    url: below(idBase, '/api/v2/accounts').href,
    headers: { 'user-agent': userAgent, accept: 'application/json', authorization: `Bearer ${token.reveal()}` },
  };
  const place: RequestPlace = {
    request,
    stream: null,
    conceal: (text) => text.replaceAll(token.reveal(), '[redacted]'),
  };
  const answer = await attempt(transport, request, limitMs, clock, null);
  const text = await textOf(answer, place);
  if (answer.status !== 200) throw refusal(answer, text, place);
  const { user, accounts } = objectOf(text, place);
  const { first_name, last_name } = (user ?? {}) as JsonObject;
  const rows = (Array.isArray(accounts) ? accounts : []) as JsonObject[];
  return {
    person: [first_name, last_name].filter((name) => typeof name === 'string').join(' '),
    accounts: rows
      .filter(({ product }) => product === 'harvest')
      .map(({ id, name }) => ({ id: String(id), name: String(name) })),
  };
}
