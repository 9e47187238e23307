// The Metadata exchange (version 6, brokers since 2.0): which topics are there, with how many partitions, and who leads them. Says
// of each topic how it is, where kafkajs throws for the first that is not well. Topics are always named: a cluster may have very
// many that are none of ours.
import type Cluster from 'kafkajs/src/cluster/index.js';
import type { Broker } from 'kafkajs/src/cluster/index.js';
import Encoder from 'kafkajs/src/protocol/encoder.js';
import metadataResponse from 'kafkajs/src/protocol/requests/metadata/v6/response.js';
import { brokerError } from './failures.ts';

const METADATA = 3;
const VERSION = 6;

/** Kafka's error codes of a topic. */
export const UNKNOWN_TOPIC = 3;
export const TOPIC_FORBIDDEN = 29;

export interface FoundTopic {
  readonly topic: string;
  /** Kafka's error code; 0 is none. */
  readonly topicErrorCode: number;
  readonly partitionMetadata: readonly {
    readonly partitionId: number;
    readonly partitionErrorCode: number;
    /** Node id; -1 while nobody leads it. */
    readonly leader: number;
  }[];
}

export interface Metadata {
  readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[];
  readonly controllerId: number;
  readonly topicMetadata: readonly FoundTopic[];
}

/** Rejects as kafkajs does when the connection fails; what is wrong with a topic stands in the answer. */
export function askMetadata(broker: Broker, topics: readonly string[]): Promise<Metadata> {
  const names = topics.map((topic) => new Encoder().writeString(topic));
  return broker.connectionPool.send({
    request: {
      ...{ apiKey: METADATA, apiVersion: VERSION, apiName: 'Metadata' },
      // An empty array asks for none; what stands for all would be a missing one. No topic is made.
      encode: async () => new Encoder().writeArray(names).writeBoolean(false),
    },
    response: { decode: metadataResponse.decode, parse: async (answer) => answer },
  });
}

/** The same of whichever broker is connected: all of them know all topics. */
export async function askAnyBroker({ brokerPool }: Cluster, topics: readonly string[]): Promise<Metadata> {
  return askMetadata(await brokerPool.findConnectedBroker(), topics);
}

/** Whether the topic is there, and shown to us. */
export function isPresent(found: FoundTopic): boolean {
  return found.topicErrorCode !== UNKNOWN_TOPIC && !isForbidden(found);
}

/** Whether we may not even know whether the topic is there. */
export function isForbidden({ topicErrorCode }: FoundTopic): boolean {
  return topicErrorCode === TOPIC_FORBIDDEN;
}

/** By topic the node id of each partition's leader. Throws what is wrong with a topic or a partition. */
export function leadersIn(topics: readonly FoundTopic[]): Map<string, number[]> {
  return new Map(
    topics.map(({ topic, topicErrorCode, partitionMetadata }) => {
      if (topicErrorCode !== 0) throw brokerError(topicErrorCode, topic);
      const leaders: number[] = [];
      for (const { partitionId, partitionErrorCode, leader } of partitionMetadata) {
        if (partitionErrorCode !== 0) throw brokerError(partitionErrorCode, topic, partitionId);
        leaders[partitionId] = leader;
      }
      return [topic, leaders];
    }),
  );
}
