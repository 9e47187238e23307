// The HTTP server: health, readiness, metrics, status, the page and its events. Read-only routes, nothing cached, no log-in: what
// is served holds no secret (promise P10), by default only this machine can ask, and only under a name of ours.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clock, repeat } from '../base/clock.ts';
import { PublisherError } from '../base/errors.ts';
import type { ClusterStatus } from '../cluster/status.ts';
import type { AccountStatus } from '../engine/status.ts';
import { clusterReadiness, fleetView } from './cluster.ts';
import { Estimate } from './estimate.ts';
import { HISTORY_STEP_MS, History } from './history.ts';
import { isOurHost } from './hosts.ts';
import type { Metrics } from './metrics.ts';
import { PAGE_POLICY, type PageFacts, renderMain, renderPage } from './page.ts';
import { readiness, vitality } from './readiness.ts';
import { eventOf, Viewers } from './viewers.ts';

export interface HttpOptions {
  readonly listen: { readonly host: string; readonly port: number };
  /** Names with a dot by which it may be asked for; addresses and other names always are. */
  readonly allowedHosts: readonly string[];
  readonly version: string;
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, 'render' | 'contentType'>;
  readonly accounts: () => readonly AccountStatus[];
  /** Accounts that a defect of ours has ended: the process should be restarted. */
  readonly dead: () => readonly string[];
  /** The state of the group; null, or left out, without one. */
  readonly cluster?: () => ClusterStatus | null;
}

export interface HttpServer {
  /** `http://127.0.0.1:8080`, with the port that was really taken. */
  readonly address: string;
  close(): Promise<void>;
}

const SILENCE_MS = 5_000;

interface HttpAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly policy?: string;
}

type Route = () => HttpAnswer | Promise<HttpAnswer>;

interface Served {
  readonly routes: ReadonlyMap<string, Route>;
  readonly viewers: Viewers;
  readonly allowedHosts: readonly string[];
}

/** Throws PublisherError `http.listen` when the address cannot be taken. */
export async function openHttp(options: HttpOptions): Promise<HttpServer> {
  const { host, port } = options.listen;
  const history = new History();
  const { clock } = options;
  const facts = pageFacts(options, history);
  const served: Served = {
    routes: routesOf(options, facts),
    viewers: new Viewers(clock, () => eventOf('page', renderMain(facts()))),
    allowedHosts: options.allowedHosts,
  };
  const server = createServer(
    // Node looks for clients that are too slow only every 30 s unless told otherwise.
    { headersTimeout: 5_000, requestTimeout: 10_000, connectionsCheckingInterval: 1_000, maxHeaderSize: 8_192 },
    (request, response) => {
      void respond(served, request, response);
    },
  );
  server.maxConnections = 100;
  // One that asks and never reads would keep its place for ever.
  server.setTimeout(SILENCE_MS);
  await listen(server, host, port);
  const stop = repeat(clock, HISTORY_STEP_MS, () => record(history, options));
  // A failure of a listening server concerns one connection; without a listener it would end the process.
  server.on('error', () => {});
  const taken = server.address() as AddressInfo;
  return {
    address: `http://${host.includes(':') ? `[${host}]` : host}:${taken.port}`,
    close: () =>
      new Promise((resolve) => {
        stop();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function record(history: History, { clock, accounts }: HttpOptions): void {
  try {
    history.record(clock.now(), accounts());
  } catch {
    // The view failed, not the work: the hour has a hole.
  }
}

/** What the page shows, as it is when it is asked for. */
function pageFacts({ version, clock, accounts }: HttpOptions, history: History): () => PageFacts {
  const startedAt = clock.monotonic();
  const estimates = new Map<string, Estimate>();
  const estimateOf = ({ accountId }: AccountStatus) => {
    const estimate = estimates.get(accountId) ?? new Estimate();
    estimates.set(accountId, estimate);
    return estimate;
  };
  return () => ({
    version,
    now: clock.now(),
    uptimeSeconds: Math.floor((clock.monotonic() - startedAt) / 1000),
    accounts: accounts(),
    timeLeft: (account) => estimateOf(account).timeLeft({ atMs: clock.monotonic(), accounts: [account] }),
    moments: ({ accountId }) => history.of(accountId),
  });
}

function routesOf(
  { metrics, accounts, dead, cluster = () => null }: HttpOptions,
  facts: () => PageFacts,
): ReadonlyMap<string, Route> {
  const routes: Record<string, Route> = {
    '/health/live': () => {
      const answer = vitality(dead(), accounts());
      const isAlive = answer.alive && (cluster()?.isAlive ?? true);
      return json(isAlive ? 200 : 503, { ...answer, alive: isAlive });
    },
    '/health/ready': () => {
      const group = cluster();
      const answer = group ? clusterReadiness(group, accounts()) : readiness(accounts());
      return json(answer.ready ? 200 : 503, answer);
    },
    '/metrics': async () => ({ status: 200, type: metrics.contentType, body: await metrics.render() }),
    '/status': () => {
      const { version, uptimeSeconds, accounts } = facts();
      const group = cluster();
      return json(200, { version, uptimeSeconds, ...(group && { cluster: group }), accounts });
    },
    '/fleet': () => {
      const group = cluster();
      return group
        ? json(200, fleetView(group))
        : json(404, { error: 'this instance is in no group (cluster.enabled)' });
    },
    '/': () => ({ status: 200, type: 'text/html; charset=utf-8', body: renderPage(facts()), policy: PAGE_POLICY }),
  };
  return new Map(Object.entries(routes));
}

const EVENTS = '/events';

const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

async function respond(served: Served, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '/').split('?')[0]!;
  const readOnly = request.method === 'GET' || request.method === 'HEAD';
  const refusal = refusalOf(served, path, request);
  if (refusal === null && path === EVENTS && request.method === 'GET') {
    try {
      return served.viewers.add(response, HEADERS);
    } catch {
      return send(response, UNREADABLE, false, readOnly);
    }
  }
  const answer = refusal ?? (await answerOf(served.routes.get(path)));
  send(response, answer, request.method === 'HEAD', readOnly);
}

/** What is wrong with a request before it is looked at; null when nothing is. */
function refusalOf(
  { routes, viewers, allowedHosts }: Served,
  path: string,
  request: IncomingMessage,
): HttpAnswer | null {
  const { method, headers } = request;
  if (!routes.has(path) && path !== EVENTS) return json(404, { error: 'not found' });
  if (method !== 'GET' && method !== 'HEAD') return json(405, { error: 'only GET and HEAD' });
  if (!isOurHost(headers.host, allowedHosts)) {
    return json(421, { error: `not asked for by a name of ours: put ${headers.host} into http.allowed_hosts` });
  }
  if (path === EVENTS && method === 'HEAD') return { ...json(200, null), type: 'text/event-stream; charset=utf-8' };
  return path === EVENTS && viewers.isFull ? json(503, { error: 'too many open pages' }) : null;
}

function send(response: ServerResponse, answer: HttpAnswer, headersOnly: boolean, readOnly: boolean): void {
  response.writeHead(answer.status, {
    ...HEADERS,
    'content-type': answer.type,
    'content-length': Buffer.byteLength(answer.body),
    ...(answer.policy !== undefined && { 'content-security-policy': answer.policy }),
    ...(answer.status === 405 && { allow: 'GET, HEAD' }),
    // A body that nobody reads must not be taken for the next request.
    ...(!readOnly && { connection: 'close' }),
  });
  response.end(headersOnly ? undefined : answer.body);
}

async function answerOf(route: Route | undefined): Promise<HttpAnswer> {
  try {
    return await route!();
  } catch {
    return UNREADABLE;
  }
}

function json(status: number, value: unknown): HttpAnswer {
  return { status, type: 'application/json; charset=utf-8', body: `${JSON.stringify(value)}\n` };
}

/** The view failed, not the work: the loops go on, and the one who asked learns no details. */
const UNREADABLE = json(500, { error: 'the status could not be read' });

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'the port is in use' : (cause.code ?? 'unknown reason');
      reject(new PublisherError('http.listen', `http.listen ${host}:${port} cannot be taken: ${why}`, { cause }));
    });
    server.listen(port, host, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}
