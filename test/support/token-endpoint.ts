// A token endpoint (RFC 6749, 4.4) of the test's own: gives unsecured tokens to the one client that it knows.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import { LAB_USER, unsecuredToken } from '../../lab/stack/broker-config.ts';

export const CLIENT = { client_id: 'a-client', client_secret: 'canary-client-secret' } as const;

export interface TokenRequests {
  readonly url: string;
  /** Bodies of the requests, in order. */
  readonly asked: string[];
  /** How many tokens were given. */
  issued: number;
  /** Life of a token in seconds; null is not told. */
  life: number | null;
  /** Answered in place of a token. */
  failure: { readonly status: number; readonly body: string } | null;
}

export async function startTokenEndpoint(): Promise<TokenRequests> {
  const expected = `Basic ${Buffer.from(`${CLIENT.client_id}:${CLIENT.client_secret}`).toString('base64')}`;
  const server = createServer(async (request, response) => {
    endpoint.asked.push(await text(request));
    const answer = (status: number, body: string) => response.writeHead(status).end(body);
    if (endpoint.failure) return answer(endpoint.failure.status, endpoint.failure.body);
    if (request.headers.authorization !== expected) return answer(401, '{"error":"invalid_client"}');
    endpoint.issued++;
    const access_token = unsecuredToken(LAB_USER.username, endpoint.life ?? 3_600);
    const told = endpoint.life === null ? {} : { expires_in: endpoint.life };
    return answer(200, JSON.stringify({ access_token, token_type: 'Bearer', ...told }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/oauth2/token`;
  const endpoint: TokenRequests = { url, asked: [], issued: 0, life: 3_600, failure: null };
  return endpoint;
}
