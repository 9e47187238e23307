// A real HTTP server that answers as a test says, and a client to talk to it whose waits are skipped, not slept.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { Secret } from '../../../src/base/secret.ts';
import type { PublisherEvent } from '../../../src/engine/events.ts';
import type { PageRequest } from '../../../src/engine/ports.ts';
import { createSource, type HarvestSource, type SourceOptions } from '../../../src/harvest/client.ts';
import { findStream } from '../../../src/streams/catalog.ts';
import { EPOCH } from '../../support/epoch.ts';
import { type SkippingClock, skippingClock } from '../../support/skipping-clock.ts';

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface ScriptedHarvest {
  readonly url: string;
  readonly seen: readonly Seen[];
}

export type Script = (response: ServerResponse, request: Seen, count: number) => void;

/** Listens until the test is over. `script` gets each request and how many came before it. */
export async function scripted(script: Script): Promise<ScriptedHarvest> {
  const seen: Seen[] = [];
  const listener: RequestListener = async (request, response) => {
    let body = '';
    for await (const piece of request) body += piece;
    const { method = '', url = '', headers } = request;
    const each = { method, url, headers, body };
    // The server's own would be the machine's day.
    response.sendDate = false;
    response.setHeader('date', new Date(EPOCH).toUTCString());
    script(response, each, seen.push(each) - 1);
  };
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

export function json(
  response: ServerResponse,
  body: unknown,
  status = 200,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

export const TOKEN = 'canary-access-token-1234567890';

/** A client of `server` (both hosts), closed when the test is over. */
export function clientOf(
  server: ScriptedHarvest,
  options: Partial<SourceOptions> = {},
): { source: HarvestSource; clock: SkippingClock; events: PublisherEvent[] } {
  const clock = skippingClock();
  const events: PublisherEvent[] = [];
  const source = createSource({
    baseUrl: server.url,
    idBaseUrl: server.url,
    userAgent: 'harvest-kafka-tests (tests@example.com)',
    accountId: 42,
    credential: { accessToken: new Secret(TOKEN) },
    budgets: { general: { requests: 100, perSeconds: 15 }, reports: { requests: 100, perSeconds: 900 } },
    clock,
    random: () => 0.5,
    emit: (event) => events.push(event),
    ...options,
  });
  onTestFinished(() => source.close());
  return { source, clock, events };
}

export function page(stream: string, target: PageRequest['target'] = { query: {} }): PageRequest {
  return { stream: findStream(stream)!, target, purpose: 'poll', priority: 1 };
}

/** The reason with which a promise was rejected. */
export async function failureOf(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  return promise.then(
    (value) => {
      throw new Error(`expected a failure, got ${JSON.stringify(value)}`);
    },
    (thrown) => thrown,
  );
}
