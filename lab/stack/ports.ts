// Free TCP ports on the loopback interface. Knows nothing about what will listen there.

import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

// Below the range from which systems hand out source ports (Linux 32768, macOS 49152): a client that keeps dialling a
// killed broker on such a port can connect to itself, and then holds the port that the broker needs back.
const LOWEST = 10_000;
const HIGHEST = 32_000;

const given = new Set<number>();

/** `preferred` when nothing listens there, else a random free port of 127.0.0.1. */
export async function freePort(preferred?: number): Promise<number> {
  if (preferred !== undefined && (await isFree(preferred))) return preferred;
  for (;;) {
    const port = randomInt(LOWEST, HIGHEST);
    // Nothing may listen yet where another port of the same broker will.
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
