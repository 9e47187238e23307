// The HTTP server alone, with the account status that a test gives it.
import { onTestFinished } from 'vitest';
import type { AccountStatus } from '../../src/engine/status.ts';
import { type HttpOptions, type HttpServer, openHttp } from '../../src/observe/http.ts';
import { createMetrics } from '../../src/observe/metrics.ts';
import { NOW } from './status.ts';
import { VirtualClock } from './virtual-clock.ts';

/** On a free port, with time that the test lets pass; closed with the test at the latest. */
export async function openServer(
  accounts: () => readonly AccountStatus[],
  { clock = new VirtualClock(NOW), ...rest }: Partial<HttpOptions> = {},
): Promise<HttpServer> {
  const server = await openHttp({
    listen: { host: '127.0.0.1', port: 0 },
    allowedHosts: [],
    version: '1.2.3',
    clock,
    metrics: createMetrics('1.2.3', accounts, clock),
    accounts,
    dead: () => [],
    ...rest,
  });
  onTestFinished(() => server.close());
  return server;
}
