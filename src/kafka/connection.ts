// How we reach the brokers: kafkajs clients made from the configuration, with a log that is quiet about the ordinary and a
// switch that cuts every socket at once. Knows nothing of topics and transactions.
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { Kafka, type KafkaConfig, type LogEntry, logLevel, type SASLOptions } from 'kafkajs';
import createAdmin from 'kafkajs/src/admin/index.js';
import type Cluster from 'kafkajs/src/cluster/index.js';
import type { Secret } from '../base/secret.ts';
import type { BearerTokens } from './bearer-tokens.ts';
import { failsWithoutAnswer } from './first-answer.ts';
import { wholeFrames } from './frames.ts';
import { mendedCluster } from './mended-cluster.ts';
import './silent-queues.ts';
import { Traffic } from './traffic.ts';

export interface KafkaSettings {
  readonly brokers: readonly string[];
  readonly client_id?: string;
  readonly ssl?: boolean | TlsSettings;
  readonly sasl?: SaslSettings;
  readonly compression: 'none' | 'gzip';
  /** After this long the broker ends a transaction whose process died; 30 000 when absent. */
  readonly transaction_timeout_ms?: number;
}

/** Texts are PEM. */
export interface TlsSettings {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly passphrase?: Secret | undefined;
  readonly rejectUnauthorized?: boolean | undefined;
}

export type SaslSettings =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
      readonly username: string;
      readonly password: Secret;
    }
  | { readonly mechanism: 'oauthbearer'; readonly tokens: BearerTokens };

export type Log = (
  level: 'debug' | 'info' | 'warn' | 'error',
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;

export type Connection = ReturnType<typeof createConnection>;

const CONNECT_TIMEOUT_MS = 10_000;
/** From the dialling to the first answer; longer than any request is held by a healthy broker. */
const FIRST_ANSWER_TIMEOUT_MS = 15_000;
const KEEP_ALIVE_MS = 60_000;
/** Bounded here; whoever asks, or opens the sink, comes back with a back-off of its own. */
const RETRY = { initialRetryTime: 50, maxRetryTime: 300, retries: 8 };

/**
 * One set of sockets to the brokers, whose words `traffic` counts. Nothing is dialled before a client made from it connects.
 */
export function createConnection(settings: KafkaSettings, log: Log = () => {}, traffic = new Traffic()) {
  const sockets = new Set<Socket>();
  let severed = false;
  const names = new Map<string, string>();
  const config: KafkaConfig = {
    clientId: settings.client_id ?? 'harvest-kafka',
    brokers: settings.brokers.map((broker) => bootstrapName(broker, names)),
    ...(settings.ssl ? { ssl: tlsOptions(settings.ssl) } : {}),
    ...(settings.sasl ? { sasl: saslOptions(settings.sasl) } : {}),
    connectionTimeout: CONNECT_TIMEOUT_MS,
    authenticationTimeout: 15_000,
    requestTimeout: 30_000,
    enforceRequestTimeout: true,
    retry: RETRY,
    logLevel: logLevel.INFO,
    logCreator: () => (entry) => forward(entry, log),
    socketFactory: ({ host, port, ssl, onConnect }) => {
      const target = { host: names.get(host) ?? host, port };
      const servername = isIP(target.host) ? {} : { servername: target.host };
      // Left unsaid, an environment variable of Node may switch it off.
      const socket = ssl
        ? connectTls({ ...target, ...servername, rejectUnauthorized: true, ...ssl }, onConnect)
        : connectTcp(target, onConnect);
      socket.setKeepAlive(true, KEEP_ALIVE_MS).setNoDelay(true);
      sockets.add(socket.once('close', () => sockets.delete(socket)));
      traffic.opened(socket);
      if (severed) socket.destroy(new Error('the connection was given up'));
      return wholeFrames(failsWithoutAnswer(socket, FIRST_ANSWER_TIMEOUT_MS));
    },
  };
  const logger = new Kafka(config).logger();

  return {
    logger,
    admin: (cluster: Cluster) => createAdmin({ cluster, logger, retry: RETRY }),
    /** kafkajs' own view of the cluster, below its admins and producers; it ends with `sever`. */
    cluster: (options: { readonly maxInFlightRequests?: number } = {}): Cluster =>
      mendedCluster({ ...config, ...options, logger }),
    /**
     * Destroys every socket and refuses new ones. kafkajs goes on retrying in the background after `disconnect()`; a
     * producer whose transaction is in doubt must not be able to say another word.
     */
    sever: (): void => {
      severed = true;
      for (const socket of sockets) socket.destroy(new Error('the connection was given up'));
    },
  };
}

function saslOptions(sasl: SaslSettings): SASLOptions {
  if (sasl.mechanism !== 'oauthbearer') return { ...sasl, password: sasl.password.reveal() } as SASLOptions;
  const { tokens } = sasl;
  const oauthBearerProvider = async () => ({ value: (await tokens.token()).reveal(), extensions: tokens.extensions });
  return { mechanism: 'oauthbearer', oauthBearerProvider };
}

function tlsOptions(ssl: true | TlsSettings): true | ConnectionOptions {
  if (ssl === true) return true;
  const given = Object.entries({ ...ssl, passphrase: ssl.passphrase?.reveal() });
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

/** kafkajs splits `host:port` at the first colon, so an IPv6 address goes in under a name that the socket factory resolves. */
function bootstrapName(broker: string, names: Map<string, string>): string {
  const address = /^\[(.+)\]:(\d+)$/.exec(broker);
  if (!address) return broker;
  const name = `bootstrap-${names.size}`;
  names.set(name, address[1]!);
  return `${name}:${address[2]}`;
}

// Said several times a second in a healthy life: markers of the former transaction still being written, and our own sever().
const SILENCED = /concurrent operation|the connection was given up/;
// Said in every healthy life and many times in an outage, of which we tell once: coordinators that move, connections that
// fail, answers that say "not yet" or "not here" and are asked again, and advice that session.ts answers by its discipline.
const ORDINARY = /^Response \w+\(|InitProducerId|coordinator|Limiting retries|[Cc]onnection|Failed to connect/;

/** Failures come back to us as errors and are told there, so kafkajs' own lines are background: one level down. */
function forward({ level, namespace, log: entry }: LogEntry, log: Log): void {
  if (level === logLevel.DEBUG) return; // protocol payloads: they hold customer data
  const { message, timestamp: _timestamp, logger: _logger, stack: _stack, ...fields } = entry;
  const text = `${message} ${fields.error ?? ''}`;
  if (SILENCED.test(text)) return;
  log(level === logLevel.INFO || ORDINARY.test(text) ? 'debug' : 'warn', `kafkajs: ${message}`, {
    namespace,
    ...fields,
  });
}
