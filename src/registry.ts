// The schemas and their registry as the configuration says them. Apart from daemon.ts, so that a command that only compares does
// not load the engine.
import type { Clock, Random } from './base/clock.ts';
import type { PublisherError } from './base/errors.ts';
import { createRegistryClient, type RegistryClient } from './codec/registry.ts';
import type { AccountConfig, Config } from './config/options.ts';
import { openTopicLog } from './kafka/topic-log.ts';
import { TopicLook } from './kafka/topic-look.ts';
import type { Traffic } from './kafka/traffic.ts';
import { kafkaSettings, pem, prefixOf } from './settings.ts';

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

/** A look at the topics of an account before it is opened. */
export function topicsOf(config: Config, account: AccountConfig, clock: Clock, traffic?: Traffic): TopicLook {
  return new TopicLook(() => openTopicLog(kafkaSettings(config), prefixOf(config, account), clock, traffic));
}
