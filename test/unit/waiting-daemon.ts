// A daemon before it has found a broker: it has a registry of its own, a Harvest that answers `/users/me`, and nothing else.
import { onTestFinished } from 'vitest';
import { type Clock, systemRandom } from '../../src/base/clock.ts';
import { loadConfig } from '../../src/config/load.ts';
import { Daemon } from '../../src/daemon.ts';
import type { PublisherEvent } from '../../src/engine/events.ts';
import { clockFrom } from '../support/epoch.ts';
import { startRegistryStub } from '../support/registry-stub.ts';
import { json, scripted } from './harvest/scripted-harvest.ts';

const INVALID = { error: 'invalid_token', error_description: 'expired or revoked' };

/** Accounts 1, 2 … with these tokens; `statusOf` tells with which status Harvest answers a token. */
export async function waitingDaemon(
  tokens: readonly string[],
  { statusOf = () => 200, clock = clockFrom() }: { statusOf?: (token: string) => number; clock?: Clock } = {},
) {
  const registry = await startRegistryStub();
  onTestFinished(() => registry.close());
  const harvest = await scripted((response, { headers }) => {
    const status = statusOf(String(headers.authorization).replace('Bearer ', ''));
    json(response, status === 200 ? { id: 1 } : status === 401 ? INVALID : { status, error: 'Not Found' }, status);
  });
  const accounts = tokens.map((token, index) => `{id: "${index + 1}", access_token: ${token}}`);
  const config = loadConfig({
    text: `harvest: {accounts: [${accounts}]}`,
    overrides: [
      ...[`harvest.base_url=${harvest.url}`, `schema_registry.url=${registry.url}`],
      ...['kafka.brokers=127.0.0.1:1', 'topics.prefix=h{account_id}'],
    ],
  });
  const events: [string, PublisherEvent][] = [];
  const daemon = new Daemon(config, {
    ...{ clock, random: systemRandom, uuid: () => 'instance', log: () => {} },
    emit: (account, event) => events.push([account, event]),
  });
  const stop = new AbortController();
  const run = (once = false) => daemon.run(stop.signal, { once, only: null });
  const phases = () => daemon.status().map(({ accountId, phase, reason }) => `${accountId} ${phase} ${reason}`);
  return { registry, harvest, daemon, run, stop, events, phases };
}
