// An HTTP proxy that connects (RFC 9110, 9.3.6): the only way to hosts that nobody else here can resolve.
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

export interface ConnectProxy {
  /** `127.0.0.1:port` */
  readonly address: string;
  /** Authorities that were asked for, as `api.harvest.invalid:443`, let through or not. */
  readonly asked: string[];
  /** Log-ins that were sent, as `user:password`. */
  readonly logIns: string[];
  /** A status in place of the connection; `hang` never answers, `hang up` closes, null lets through. */
  refuse: number | 'hang' | 'hang up' | null;
  close(): Promise<void>;
}

/** `routes` leads authorities to others that are here; `logIn` is `user:password`, asked for when given. */
export async function startConnectProxy(
  routes: Readonly<Record<string, string>> = {},
  logIn?: string,
): Promise<ConnectProxy> {
  const sockets = new Set<Socket>();
  const asked: string[] = [];
  const logIns: string[] = [];
  const expected = logIn && `Basic ${Buffer.from(logIn).toString('base64')}`;
  // Only what is connected passes.
  const server = createServer((_, response) => response.writeHead(405).end());
  server.on('connection', (socket) => sockets.add(socket.once('close', () => sockets.delete(socket))));
  server.on('connect', ({ url = '', headers }: IncomingMessage, socket: Socket, head: Buffer) => {
    asked.push(url);
    const [, pair] = /^Basic (.+)$/.exec(headers['proxy-authorization'] ?? '') ?? [];
    if (pair !== undefined) logIns.push(atob(pair));
    socket.on('error', () => {});
    const status = expected && headers['proxy-authorization'] !== expected ? 407 : proxy.refuse;
    if (status === 'hang') return;
    if (status === 'hang up') return void socket.destroy();
    if (status !== null) return void socket.end(`HTTP/1.1 ${status} Refused\r\ncontent-length: 0\r\n\r\n`);
    const { hostname, port } = new URL(`http://${routes[url] ?? url}`);
    const target = connect(Number(port || 80), hostname, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      target.write(head);
      target.pipe(socket).pipe(target);
    });
    target.on('error', () => socket.destroy());
    sockets.add(target.once('close', () => sockets.delete(target)));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const proxy: ConnectProxy = {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    logIns,
    refuse: null,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        for (const socket of sockets) socket.destroy();
      }),
  };
  return proxy;
}
