// A door in front of an HTTP server of a test: it can be shut, so that answers wait until it opens, it can hold a chosen
// request before the server sees it, or its answer, and change or slow down what passes. Speaks TLS when it is given a key.
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

export interface HttpGate {
  readonly url: string;
  /** Holds the first request whose `METHOD /path` matches; `drop` breaks its connection instead of letting it go. */
  trap(pattern: RegExp, moment: 'asked' | 'answered'): Held;
  /** Lets no answer through until it is opened again. */
  shut(): void;
  open(): void;
  /** The fate of an answer on its way back. */
  meddle: (asked: string, answer: GateAnswer) => GateAnswer;
  /** Answers that were kept waiting. */
  readonly kept: number;
  close(): Promise<void>;
}

export interface GateAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  /** Between two of its bytes; at once without. */
  readonly dripMs?: number;
}

export interface Held {
  readonly struck: Promise<void>;
  /** When the server has answered it. */
  readonly answered: Promise<void>;
  release(): void;
  drop(): void;
}

interface Trap {
  readonly pattern: RegExp;
  readonly moment: 'asked' | 'answered';
  readonly hold: (client: IncomingMessage) => Promise<void>;
  readonly answered: () => void;
}

/** Stands in front of `target`, an `http://` address that may have a path; `tls` holds its key and certificate. */
export async function startHttpGate(target: string, tls?: ServerOptions): Promise<HttpGate> {
  let trap: Trap | null = null;
  let opened: Promise<void> = Promise.resolve();
  let unshut = () => {};
  let shut = false;
  let kept = 0;

  const serve = (client: IncomingMessage, answer: ServerResponse) =>
    void pass(client, answer).catch(() => answer.destroy());
  const server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;

  async function pass(client: IncomingMessage, answer: ServerResponse): Promise<void> {
    const caught = trap?.pattern.test(`${client.method} ${client.url}`) ? trap : null;
    if (caught) trap = null;
    const pieces: Buffer[] = [];
    for await (const piece of client) pieces.push(piece as Buffer);
    if (caught?.moment === 'asked') await caught.hold(client);
    const found = await ask(client, Buffer.concat(pieces));
    caught?.answered();
    if (caught?.moment === 'answered') await caught.hold(client);
    if (shut) kept++;
    await opened;
    const { status, headers, body, dripMs } = gate.meddle(`${client.method} ${client.url}`, found);
    const { 'transfer-encoding': _, ...others } = headers;
    answer.writeHead(status, { ...others, 'content-length': body.length });
    for (const byte of dripMs === undefined ? [] : body.subarray(0, -1)) {
      if (answer.closed) return;
      answer.write(Buffer.of(byte));
      await pause(dripMs);
    }
    answer.end(dripMs === undefined ? body : body.subarray(-1));
  }

  function ask({ method, url, headers }: IncomingMessage, body: Buffer) {
    return new Promise<GateAnswer>((resolve, reject) => {
      const asked = httpRequest(`${target}${url}`, { method, headers, agent: false }, async (found) => {
        const pieces: Buffer[] = [];
        for await (const piece of found) pieces.push(piece as Buffer);
        resolve({ status: found.statusCode!, headers: found.headers, body: Buffer.concat(pieces) });
      });
      asked.on('error', reject).end(body);
    });
  }

  const gate: HttpGate = {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    meddle: (_, answer) => answer,
    trap: (pattern, moment) => {
      let release = () => {};
      let drop = () => {};
      let answered = () => {};
      let strike = () => {};
      const struck = new Promise<void>((resolve) => {
        strike = resolve;
      });
      const known = new Promise<void>((resolve) => {
        answered = resolve;
      });
      const hold = (client: IncomingMessage) =>
        new Promise<void>((resolve, reject) => {
          release = resolve;
          drop = () => {
            client.socket.destroy();
            reject(new Error('dropped'));
          };
          strike();
        });
      trap = { pattern, moment, hold, answered };
      return { struck, answered: known, release: () => release(), drop: () => drop() };
    },
    shut: () => {
      if (shut) return;
      shut = true;
      opened = new Promise((resolve) => {
        unshut = resolve;
      });
    },
    open: () => {
      shut = false;
      unshut();
    },
    get kept() {
      return kept;
    },
    close: async () => {
      unshut();
      await new Promise<void>((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      });
    },
  };
  return gate;
}
