// Translates the configuration into the words of the parts. Apart from daemon.ts, so that a command that only looks on does not
// load the engine.
import { readFileSync } from 'node:fs';
import { systemClock } from './base/clock.ts';
import type { Proxies } from './base/proxies.ts';
import type { AccountConfig, Config } from './config/options.ts';
import { type BearerTokens, type Issued, issuedForMsk, keptTokens } from './kafka/bearer-tokens.ts';
import type { KafkaSettings, SaslSettings, TlsSettings } from './kafka/connection.ts';
import type { TokenEndpoint } from './kafka/token-endpoint.ts';
import { catalog } from './streams/catalog.ts';
import type { StreamDefinition } from './streams/definition.ts';

/** The streams that are read, in the catalog's order. */
export function enabledStreams(config: Config): StreamDefinition[] {
  return catalog.filter((row) => config.streams[row.name]!.enabled);
}

/** `topics.prefix` for one account. */
export function prefixOf(config: Config, account: AccountConfig): string {
  return config.topics.prefix.replaceAll('{account_id}', account.id);
}

/** The configuration of the Kafka room, PEM files read. */
export function kafkaSettings(config: Config): KafkaSettings {
  const { ssl, sasl, transaction_timeout_seconds, proxies: _, ...rest } = config.kafka;
  return {
    ...rest,
    ssl: typeof ssl === 'boolean' ? ssl : tlsOf(ssl),
    ...(sasl === undefined ? {} : { sasl: saslOf(config, sasl) }),
    transaction_timeout_ms: transaction_timeout_seconds * 1000,
  };
}

/** The tokens of a configuration are kept for all of its connections. */
const kept = new WeakMap<object, BearerTokens>();

function saslOf({ kafka }: Config, sasl: NonNullable<Config['kafka']['sasl']>): SaslSettings {
  const { mechanism, username, password, oauthbearer, aws_msk_iam } = sasl;
  if (mechanism !== 'oauthbearer') return { mechanism, username: username!, password: password! };
  const tokens =
    kept.get(sasl) ??
    (oauthbearer
      ? keptTokens(() => issuedBy(oauthbearer, kafka.proxies), systemClock, oauthbearer.extensions)
      : keptTokens(() => issuedForMsk(aws_msk_iam!.region, systemClock), systemClock));
  kept.set(sasl, tokens);
  return { mechanism, tokens };
}

async function issuedBy(endpoint: TokenEndpoint, proxies: Proxies): Promise<Issued> {
  const { issuedByEndpoint } = await import('./kafka/token-endpoint.ts');
  return issuedByEndpoint(endpoint, proxies);
}

function tlsOf({
  ca_file,
  cert_file,
  key_file,
  key_passphrase,
  reject_unauthorized,
}: Exclude<Config['kafka']['ssl'], boolean>): TlsSettings {
  const files = { ca: pem(ca_file), cert: pem(cert_file), key: pem(key_file) };
  const given = Object.fromEntries(Object.entries(files).filter(([, text]) => text !== undefined));
  const secret = key_passphrase === undefined ? {} : { passphrase: key_passphrase };
  return { ...given, ...secret, rejectUnauthorized: reject_unauthorized };
}

/** The text of a PEM file, when one is named. */
export function pem(path: string | undefined): string | undefined {
  return path === undefined ? undefined : readFileSync(path, 'utf8');
}
