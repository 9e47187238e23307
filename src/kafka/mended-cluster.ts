// kafkajs' view of the cluster, with two habits mended that matter the more the more accounts share it: it asks for the metadata of
// all topics of the cluster when it is told none, and dials twice when two requests want a connection at once.
import type { KafkaConfig, Logger } from 'kafkajs';
import Cluster, { type Broker, type ConnectionPool } from 'kafkajs/src/cluster/index.js';
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
  connectionPoolBuilder.build = async (place) => dialledOnce(await build(place));
  return cluster;
}

/** Told no topics, it asks for the brokers alone. */
function withNamedTopics(broker: Broker): Broker {
  const metadata = broker.metadata.bind(broker);
  broker.metadata = (topics = []) => (topics.length === 0 ? askMetadata(broker, []) : metadata(topics));
  return broker;
}

/** Whoever wants a connection that is being made waits for that one. */
function dialledOnce(connections: ConnectionPool): ConnectionPool {
  for (const connection of connections.pool) {
    const connect = connection.connect.bind(connection);
    let dialling: Promise<unknown> | null = null;
    connection.connect = () => {
      dialling ??= connect().finally(() => {
        dialling = null;
      });
      return dialling;
    };
  }
  return connections;
}
