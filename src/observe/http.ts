// The HTTP server: health, readiness, metrics, status. Six read-only routes, nothing cached, no log-in: what is served
// holds no secret (promise P10), and by default only this machine can ask.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { PublisherError } from '../base/errors.ts';
import type { ClusterStatus } from '../cluster/status.ts';
import type { AccountStatus } from '../engine/status.ts';
import { clusterReadiness, fleetView } from './cluster.ts';
import { Estimate } from './estimate.ts';
import type { Metrics } from './metrics.ts';
import { PAGE_POLICY, renderPage } from './page.ts';
import { readiness, vitality } from './readiness.ts';

export interface HttpOptions {
  readonly listen: { readonly host: string; readonly port: number };
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

/** Throws PublisherError `http.listen` when the address cannot be taken. */
export async function openHttp(options: HttpOptions): Promise<HttpServer> {
  const { host, port } = options.listen;
  const routes = routesOf(options);
  const server = createServer(
    // Node looks for clients that are too slow only every 30 s unless told otherwise.
    { headersTimeout: 5_000, requestTimeout: 10_000, connectionsCheckingInterval: 1_000, maxHeaderSize: 8_192 },
    (request, response) => {
      void respond(routes, request, response);
    },
  );
  server.maxConnections = 100;
  // One that asks and never reads would keep its place for ever.
  server.setTimeout(SILENCE_MS);
  await listen(server, host, port);
  // A failure of a listening server concerns one connection; without a listener it would end the process.
  server.on('error', () => {});
  const taken = server.address() as AddressInfo;
  return {
    address: `http://${host.includes(':') ? `[${host}]` : host}:${taken.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function routesOf({
  version,
  clock,
  metrics,
  accounts,
  dead,
  cluster = () => null,
}: HttpOptions): ReadonlyMap<string, Route> {
  const startedAt = clock.monotonic();
  const estimates = new Map<string, Estimate>();
  const estimateOf = ({ accountId }: AccountStatus) => {
    const estimate = estimates.get(accountId) ?? new Estimate();
    estimates.set(accountId, estimate);
    return estimate;
  };
  const uptimeSeconds = () => Math.floor((clock.monotonic() - startedAt) / 1000);
  const page = () =>
    renderPage({
      ...{ version, now: clock.now(), uptimeSeconds: uptimeSeconds(), accounts: accounts() },
      secondsLeft: (account) => estimateOf(account).secondsLeft({ atMs: clock.monotonic(), accounts: [account] }),
    });
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
      const group = cluster();
      const own = { version, uptimeSeconds: uptimeSeconds(), accounts: accounts() };
      return json(200, group ? { ...own, cluster: group } : own);
    },
    '/fleet': () => {
      const group = cluster();
      return group
        ? json(200, fleetView(group))
        : json(404, { error: 'this instance is in no group (cluster.enabled)' });
    },
    '/': () => ({ status: 200, type: 'text/html; charset=utf-8', body: page(), policy: PAGE_POLICY }),
  };
  return new Map(Object.entries(routes));
}

async function respond(
  routes: ReadonlyMap<string, Route>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (request.url ?? '/').split('?')[0]!;
  const route = routes.get(path);
  const readOnly = request.method === 'GET' || request.method === 'HEAD';
  const answer = await answerOf(route, readOnly);
  response.writeHead(answer.status, {
    'content-type': answer.type,
    'content-length': Buffer.byteLength(answer.body),
    'cache-control': 'no-store',
    'content-security-policy': answer.policy ?? "default-src 'none'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    ...(answer.status === 405 && { allow: 'GET, HEAD' }),
    // A body that nobody reads must not be taken for the next request.
    ...(!readOnly && { connection: 'close' }),
  });
  response.end(request.method === 'HEAD' ? undefined : answer.body);
}

async function answerOf(route: Route | undefined, readOnly: boolean): Promise<HttpAnswer> {
  if (route === undefined) return json(404, { error: 'not found' });
  if (!readOnly) return json(405, { error: 'only GET and HEAD' });
  try {
    return await route();
  } catch {
    // The view failed, not the work: the loops go on, and the one who asked learns no details.
    return json(500, { error: 'the status could not be read' });
  }
}

function json(status: number, value: unknown): HttpAnswer {
  return { status, type: 'application/json; charset=utf-8', body: `${JSON.stringify(value)}\n` };
}

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
