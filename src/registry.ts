// The schemas and their registry as the configuration says them. Apart from daemon.ts, so that a command that only compares does
// not load the engine.
import type { Clock, Random } from './base/clock.ts';
import type { PublisherError } from './base/errors.ts';
import { createRegistryClient, type RegistryClient } from './codec/registry.ts';
import type { Config } from './config/options.ts';
import { pem } from './settings.ts';

/** The client of `schema_registry`. */
export function createRegistry(
  config: Config,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  onLimited?: (error: PublisherError, pauseMs: number) => void,
): RegistryClient {
  const { url, auth, ca_file, proxies } = config.schema_registry;
  return createRegistryClient({
    ...{ urls: url, auth, ca: pem(ca_file), proxies, clock, random },
    ...(onLimited ? { onLimited } : {}),
  });
}
