// One HTTP exchange: a request out, a whole answer back. Follows no redirect, repeats nothing and judges no status;
// what an answer means is failures.ts, whether it may be asked at all is budget.ts.
import { request as send } from 'undici';
import { openAgent } from '../base/http-agent.ts';
import type { Proxies } from '../base/proxies.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** As it came over the wire: `content-encoding` is not undone. */
  readonly body: Buffer;
}

/** Resolves with whatever the server answered; rejects when there is no whole answer, or when `signal` aborts. */
export type Transport = (request: HttpRequest, signal: AbortSignal) => Promise<HttpAnswer>;

export interface Timeouts {
  readonly connectMs: number;
  readonly headersMs: number;
  /** Between two pieces of a body. */
  readonly bodyMs: number;
  /** A whole attempt, so that a body that drips cannot hold a stream for ever. */
  readonly totalMs: number;
  /** A whole refresh of the token: short, because a stop waits for one that is under way. */
  readonly refreshMs: number;
}

export const TIMEOUTS: Timeouts = {
  connectMs: 10_000,
  headersMs: 30_000,
  bodyMs: 60_000,
  totalMs: 120_000,
  refreshMs: 8_000,
};

/** A page of 2000 records is about 1 MB, a tenth of it compressed; far more than that is not a page. */
const LARGEST_BODY_BYTES = 64 * 2 ** 20;

/** A transport over keep-alive connections; `close` drops them. */
export function openTransport(options: {
  connections: number;
  timeouts: Timeouts;
  ca: string | undefined;
  proxies: Proxies | undefined;
}): {
  readonly transport: Transport;
  close(): Promise<void>;
} {
  const { connections, timeouts, ca, proxies } = options;
  const agent = openAgent({
    connections,
    headersTimeout: timeouts.headersMs,
    bodyTimeout: timeouts.bodyMs,
    maxResponseSize: LARGEST_BODY_BYTES,
    connectMs: timeouts.connectMs,
    ca,
    proxies,
  });
  return {
    transport: async ({ method, url, headers, body }, signal) => {
      const answer = await send(url, { dispatcher: agent, method, headers, body: body ?? null, signal });
      return {
        status: answer.statusCode,
        headers: singleValued(answer.headers),
        body: Buffer.from(await answer.body.arrayBuffer()),
      };
    },
    close: () => agent.destroy(),
  };
}

function singleValued(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const single: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) single[name] = Array.isArray(value) ? (value[0] ?? '') : value;
  }
  return single;
}
