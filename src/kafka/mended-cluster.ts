// kafkajs' view of the cluster, with habits mended that matter the more the more accounts share it: it asks for the metadata of all
// topics of the cluster when it is told none, dials twice when two requests want a connection at once, and logs in anew in the
// middle of other requests, at which a broker hangs up.
import type { KafkaConfig, Logger } from 'kafkajs';
import Cluster, { type Broker, type ConnectionPool, type PooledConnection } from 'kafkajs/src/cluster/index.js';
import { askMetadata } from './metadata.ts';

const METADATA_MAX_AGE_MS = 300_000;

export interface ClusterOptions extends KafkaConfig {
  readonly logger: Logger;
  /** Requests that a connection sends before the first is answered; unbounded when left out. */
  readonly maxInFlightRequests?: number;
}

export function mendedCluster(options: ClusterOptions): Cluster {
  const cluster = new Cluster({ ...options, metadataMaxAge: METADATA_MAX_AGE_MS, allowAutoTopicCreation: false });
  const { brokerPool, connectionPoolBuilder } = cluster;
  const { createBroker } = brokerPool;
  brokerPool.createBroker = (made) => withNamedTopics(createBroker(made));
  const { build } = connectionPoolBuilder;
  connectionPoolBuilder.build = async (place) => mended(await build(place));
  return cluster;
}

/** Told no topics, it asks for the brokers alone. */
function withNamedTopics(broker: Broker): Broker {
  const metadata = broker.metadata.bind(broker);
  broker.metadata = (topics = []) => (topics.length === 0 ? askMetadata(broker, []) : metadata(topics));
  return broker;
}

function mended(connections: ConnectionPool): ConnectionPool {
  for (const connection of connections.pool) {
    dialOnce(connection);
    logInAlone(connection);
  }
  return connections;
}

/** Whoever wants a connection that is being made waits for that one. */
function dialOnce(connection: PooledConnection): void {
  const connect = connection.connect.bind(connection);
  let dialling: Promise<unknown> | null = null;
  connection.connect = () => {
    dialling ??= connect().finally(() => {
      dialling = null;
    });
    return dialling;
  };
}

/** Kafka's numbers of the requests that a log-in is made of. */
const LOG_IN: ReadonlySet<number> = new Set([17, 18, 36]);

/** A log-in that takes the place of one waits for the requests under way; those that come meanwhile wait for it. */
function logInAlone(connection: PooledConnection): void {
  const [send, authenticate] = [connection.send.bind(connection), connection.authenticate.bind(connection)];
  let underWay = 0;
  let over = () => {};
  let loggingIn: Promise<void> | null = null;
  const isDue = () => connection.authenticatedAt !== null && !connection.isAuthenticated();

  connection.authenticate = () => {
    if (loggingIn === null && !isDue()) return authenticate();
    loggingIn ??= logIn().finally(() => {
      loggingIn = null;
    });
    return loggingIn;
  };

  connection.send = async (exchange) => {
    if (LOG_IN.has(exchange.request.apiKey)) return send(exchange);
    if (loggingIn !== null || isDue()) await connection.authenticate();
    underWay++;
    try {
      return await send(exchange);
    } finally {
      underWay--;
      if (underWay === 0) over();
    }
  };

  async function logIn(): Promise<void> {
    if (underWay > 0) await new Promise<void>((resolve) => (over = resolve));
    await authenticate();
  }
}
