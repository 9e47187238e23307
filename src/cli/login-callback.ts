// The code of a log-in comes back by the browser, to a server on the loopback that lives as long as the log-in, or is pasted by
// a person where no browser can reach it.
import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { PublisherError } from '../base/errors.ts';

const HOST = '127.0.0.1';
const PATH = '/callback';

/** The code that came back; `tell` shows the person in the browser how it ended. */
export interface Arrival {
  readonly code: string;
  readonly tell: (outcome: string) => void;
}

export interface Callback {
  /** To be registered with the OAuth2 application, exactly as it is. */
  readonly redirectUri: string;
  /** Resolves with the first redirect that carries our state; rejects with `harvest.unauthorised` when it carries a refusal. */
  readonly arrival: Promise<Arrival>;
  close(): Promise<void>;
}

/** Listens on the loopback alone; port 0 takes a free one. Throws `usage` when the port is taken. */
export async function openCallback(port: number, state: string): Promise<Callback> {
  const server = createServer();
  const arrival = new Promise<Arrival>((resolve, reject) => {
    server.on('request', (request, response) => answer(request, response, state, resolve, reject));
  });
  // Whoever waits for it hears of it; nobody has to.
  arrival.catch(() => {});
  await new Promise<void>((done, failed) => {
    server.once('error', (error: NodeJS.ErrnoException) => failed(taken(port, error)));
    server.listen(port, HOST, done);
  });
  return {
    redirectUri: `http://${HOST}:${(server.address() as AddressInfo).port}${PATH}`,
    arrival,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeIdleConnections();
      }),
  };
}

function taken(port: number, { code }: NodeJS.ErrnoException): PublisherError {
  return new PublisherError('usage', `port ${port} of ${HOST} cannot be listened on (${code})`, {
    remedy: 'Take another with --port, and register the redirect address with it.',
  });
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  state: string,
  resolve: (arrival: Arrival) => void,
  reject: (error: PublisherError) => void,
): void {
  const url = new URL(request.url ?? '/', `http://${HOST}`);
  const isHere = request.method === 'GET' && url.pathname === PATH;
  const redirected = isHere ? read(url.searchParams, state) : null;
  if (!isHere) show(response, 404, 'There is nothing here.');
  else if (redirected === null) show(response, 400, 'This is not the log-in that harvest-kafka waits for.');
  else if (redirected instanceof PublisherError) {
    show(response, 200, 'Harvest was told no. You can close this window.');
    reject(redirected);
  } else resolve({ code: redirected, tell: (outcome) => show(response, 200, outcome) });
}

/** The code; the refusal that came instead; null when the state is not ours, so that somebody else may have sent it. */
function read(query: URLSearchParams, state: string): string | PublisherError | null {
  const told = Buffer.from(query.get('state') ?? '');
  const ours = Buffer.from(state);
  if (told.length !== ours.length || !timingSafeEqual(told, ours)) return null;
  const error = query.get('error');
  if (error !== null) {
    const word = /^[a-z_]{1,40}$/.test(error) ? error : 'no reason given';
    return new PublisherError('harvest.unauthorised', `the log-in was refused: ${word}`, {
      remedy: 'harvest-kafka login asks again; choose Authorize for the account.',
    });
  }
  return query.get('code');
}

/** Our own words alone: nothing of what came is shown. */
function show(response: ServerResponse, status: number, text: string): void {
  const body = `<!doctype html><html lang="en"><meta charset="utf-8"><title>harvest-kafka</title><p>${text}</p></html>\n`;
  response
    .writeHead(status, {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': "default-src 'none'",
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      connection: 'close',
    })
    .end(body);
}

/**
 * The code that a person pastes as a line: alone, or as the whole address that the browser was sent to, whose state is then
 * checked. Asks again after a line that is neither; never resolves when the input ends. Rejects like `Callback.arrival`.
 */
export function pastedCode(
  input: NodeJS.ReadableStream,
  state: string,
  complain: (text: string) => void,
  signal: AbortSignal,
): Promise<Arrival> {
  const lines = createInterface({ input, signal });
  const pasted = new Promise<Arrival>((resolve, reject) => {
    lines.on('line', (line) => {
      const text = line.trim();
      if (text === '') return;
      const found = text.includes('?') ? read(new URLSearchParams(text.replace(/^[^?]*\?/, '')), state) : text;
      if (found === null) complain('That is not the address of this log-in: copy it whole from the address bar.');
      else if (found instanceof PublisherError) reject(found);
      else resolve({ code: found, tell: () => {} });
    });
  });
  pasted.catch(() => {});
  return pasted;
}
