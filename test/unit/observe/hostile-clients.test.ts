// The HTTP door has no log-in, so whoever reaches it may only look, and can neither fill it up nor hold it open.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openHttp } from '../../../src/observe/http.ts';
import { createMetrics } from '../../../src/observe/metrics.ts';
import { catalog } from '../../../src/streams/catalog.ts';
import { clockFrom } from '../../support/epoch.ts';
import { account, stream } from '../../support/status.ts';

const ROUTES = ['/', '/status', '/metrics', '/health/live', '/health/ready'];
const WELL = [account(catalog.map(({ name }) => stream(name)))];

async function door(): Promise<URL> {
  const { address, close } = await openHttp({
    listen: { host: '127.0.0.1', port: 0 },
    allowedHosts: [],
    version: '1.2.3',
    clock: clockFrom(),
    metrics: createMetrics('1.2.3', () => WELL, clockFrom()),
    accounts: () => WELL,
    dead: () => [],
  });
  onTestFinished(close);
  return new URL(address);
}

async function plug({ hostname, port }: URL): Promise<Socket> {
  const socket = connect(Number(port), hostname);
  // A server that hangs up may do so with a reset.
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

function plugs(address: URL, count: number): Promise<Socket[]> {
  return Promise.all(Array.from({ length: count }, () => plug(address)));
}

/** Resolves when the server has hung up. */
async function closing(socket: Socket): Promise<void> {
  // Not by `once`, which takes a reset for a failure.
  if (!socket.closed) await new Promise<void>((resolve) => void socket.once('close', () => resolve()));
}

/** The server's answer to these words before it hangs up. */
async function answerTo(address: URL, words: string): Promise<string> {
  const socket = await plug(address);
  const said = text(socket).catch(() => 'reset');
  socket.write(words);
  return said;
}

describe('only looking', () => {
  const METHODS = ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'PURGE', 'LINK', 'SOURCE'];

  test.each(METHODS)('%s is refused everywhere', async (method) => {
    const address = await door();
    for (const route of ROUTES) {
      const said = await answerTo(address, `${method} ${route} HTTP/1.1\r\nhost: x\r\n\r\n`);
      expect(said, route).toMatch(/^HTTP\/1\.1 405 .*\r\n(.*\r\n)*allow: GET, HEAD\r\n/i);
    }
  });

  test('CONNECT and upgrades lead nowhere', async () => {
    const address = await door();
    expect(await answerTo(address, 'CONNECT example.net:443 HTTP/1.1\r\nhost: example.net:443\r\n\r\n')).not.toContain(
      ' 200 ',
    );
    const upgrade =
      'connection: upgrade, close\r\nupgrade: websocket\r\nsec-websocket-key: x\r\nsec-websocket-version: 13\r\n';
    expect(await answerTo(address, `GET /status HTTP/1.1\r\nhost: x\r\n${upgrade}\r\n`)).not.toContain(' 101 ');
  });

  test.each([
    '/../etc/passwd',
    '//status',
    '/status/',
    '/%2e%2e/',
    '/metrics%00',
    'http://example.net/status',
    '/STATUS',
  ])('%s is nothing', async (path) => {
    expect(await answerTo(await door(), `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 404 /,
    );
  });
});

describe('bounds', () => {
  test.each([
    ['a header beyond 8 kB', `GET / HTTP/1.1\r\nhost: x\r\nx-long: ${'x'.repeat(9_000)}\r\n\r\n`, / 431 /],
    ['headers beyond 8 kB together', `GET / HTTP/1.1\r\nhost: x\r\n${'x-filler: filler\r\n'.repeat(800)}\r\n`, / 431 /],
    ['an address beyond 8 kB', `GET /${'x'.repeat(9_000)} HTTP/1.1\r\nhost: x\r\n\r\n`, / 431 /],
    ['two lengths', 'GET / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx', / 400 /],
    [
      'length and chunks',
      'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      / 400 /,
    ],
    ['no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', / 400 /],
  ])('%s is refused', async (_, words, status) => {
    expect((await answerTo(await door(), words)).split('\r\n')[0]).toMatch(status);
  });

  test('a refused body is not read for ever', async () => {
    const socket = await plug(await door());
    const said = text(socket).catch(() => 'reset');
    socket.write('POST /status HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n');
    // Pieces go on until the server has hung up.
    const piece = `1000\r\n${'x'.repeat(4_096)}\r\n`;
    const feed = () => void (socket.writable && socket.write(piece, () => setImmediate(feed)));
    feed();
    expect(await said).toMatch(/^(HTTP\/1\.1 405 |reset)/);
  });

  test('clients that are slow or silent lose their places after five seconds; until then the others wait', async () => {
    const address = await door();
    const silent = await plugs(address, 60);
    const slow = await plugs(address, 39);
    for (const socket of slow) {
      socket.write('GET /status HTTP/1.1\r\nhost: x\r\n');
      const drip = setInterval(() => socket.write('x-a: 1\r\n'), 500);
      socket.once('close', () => clearInterval(drip));
    }
    // The last place is free, and then there is none.
    expect((await fetch(`${address.origin}/health/live`)).status).toBe(200);
    const turnedAway = await plugs(address, 30);
    await Promise.all([...turnedAway, ...silent, ...slow].map((socket) => closing(socket.resume())));
    const served = Array.from({ length: 60 }, async () => (await fetch(`${address.origin}/health/live`)).status);
    expect(new Set(await Promise.all(served))).toEqual(new Set([200]));
  });

  test('a client that asks and never reads loses its place', async () => {
    const socket = await plug(await door());
    socket.pause();
    socket.write('GET /status HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(4_000));
    // A client that does not read learns of the end only by writing.
    const drip = setInterval(() => socket.write('G'), 200);
    await closing(socket);
    clearInterval(drip);
  });
});
