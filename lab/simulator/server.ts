// The simulator behind a socket: turns node:http into `handle` and outcomes into bytes, waits and broken connections.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../src/base/clock.ts';
import { type Answer, readCall, type SimulatorRequest } from './answer.ts';
import { control } from './control.ts';
import type { Simulator } from './simulator.ts';

export interface RunningSimulator {
  /** `http://host:port`; API v2 lives at `<url>/v2`, the id host's endpoints at `<url>/api/v2`. */
  readonly url: string;
  /** Ends every connection, hanging ones included. */
  close(): Promise<void>;
}

export interface ServeOptions {
  readonly host?: string;
  readonly port?: number;
  /** Opens `/_control/*` (control.ts): for tests against a separate process only. */
  readonly control?: boolean;
}

/** Listens; port 0 takes a free one. */
export function serve(simulator: Simulator, options: ServeOptions = {}): Promise<RunningSimulator> {
  return listen(() => simulator, options);
}

/** Several accounts behind one address, as Harvest has them: a request goes to the one that its header names. */
export function serveAll(simulators: readonly Simulator[], options: ServeOptions = {}): Promise<RunningSimulator> {
  const byId = new Map(simulators.map((simulator) => [String(simulator.accountId), simulator]));
  return listen(({ headers }) => byId.get(String(headers['harvest-account-id'])) ?? simulators[0]!, options);
}

/** Node's own five seconds end a connection just as a client on a busy machine uses it again; gateways keep it for about a minute. */
const KEEP_ALIVE_MS = 65_000;

async function listen(
  asked: (request: IncomingMessage) => Simulator,
  options: ServeOptions,
): Promise<RunningSimulator> {
  const host = options.host ?? '127.0.0.1';
  const closing = new AbortController();
  const server = createServer((request, response) => {
    answer(asked(request), options.control ?? false, request, response, closing.signal).catch(() => response.destroy());
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    close: () =>
      new Promise((resolve, reject) => {
        closing.abort();
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

async function answer(
  simulator: Simulator,
  controlled: boolean,
  request: IncomingMessage,
  response: ServerResponse,
  closing: AbortSignal,
): Promise<void> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  const asked: SimulatorRequest = {
    method: request.method ?? 'GET',
    url: request.url ?? '/',
    headers: request.headers,
    body: Buffer.concat(pieces),
  };
  if (controlled && asked.url.startsWith('/_control/')) {
    const { status, body } = control(simulator, readCall(asked));
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body));
    return;
  }
  const outcome = simulator.handle(asked);
  if (outcome.outcome === 'hang') return;
  if (outcome.outcome === 'reset') {
    request.socket.resetAndDestroy();
    return;
  }
  await systemClock.sleep(outcome.delayMs, closing);
  response.writeHead(outcome.status, outcome.headers);
  await send(outcome, response, closing);
  if (outcome.outcome === 'cut') request.socket.destroy();
  else response.end();
}

const PIECES = 8;

async function send({ body, outcome, pauseMs }: Answer, response: ServerResponse, closing: AbortSignal): Promise<void> {
  const size = pauseMs > 0 ? Math.ceil(body.length / PIECES) : body.length;
  for (let at = 0; at < body.length; at += size) {
    if (at > 0) await systemClock.sleep(pauseMs, closing);
    const piece = body.subarray(at, at + size);
    // The part of the answer that is let through must have left before the connection goes.
    if (outcome === 'cut') await new Promise<void>((resolve) => response.write(piece, () => resolve()));
    else response.write(piece);
  }
}
