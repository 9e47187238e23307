// The parts of kafkajs 2.2.4 that its public types leave out and that reading, producing and topics use. The version is pinned
// exactly and the package is no longer developed, so these shapes stand still (docs/decisions/0002-own-topic-reader.md).

declare module 'kafkajs/src/cluster/index.js' {
  import type { CompressionTypes, ISocketFactory, KafkaConfig, Logger, Message, RetryOptions } from 'kafkajs';

  interface ListedOffset {
    partition: number;
    offset: string;
  }

  export interface ProduceRequest {
    topicData: {
      topic: string;
      partitions: { partition: number; messages: readonly Message[]; firstSequence: number }[];
    }[];
    transactionalId: string;
    producerId: string;
    producerEpoch: number;
    acks: number;
    timeout: number;
    compression: CompressionTypes;
  }

  export interface GroupMember {
    memberId: string;
    memberMetadata: Buffer;
  }

  export interface DescribedGroup {
    groupId: string;
    state: string;
    protocolType: string;
    protocol: string;
    members: readonly (GroupMember & { clientId: string; clientHost: string; memberAssignment: Buffer })[];
  }

  export interface Broker {
    joinGroup(request: {
      groupId: string;
      sessionTimeout: number;
      rebalanceTimeout: number;
      memberId: string;
      protocolType: string;
      groupProtocols: { name: string; metadata: Buffer }[];
    }): Promise<{ generationId: number; leaderId: string; memberId: string; members: readonly GroupMember[] }>;
    syncGroup(request: {
      groupId: string;
      generationId: number;
      memberId: string;
      groupAssignment: { memberId: string; memberAssignment: Buffer }[];
    }): Promise<{ memberAssignment: Buffer }>;
    heartbeat(request: { groupId: string; groupGenerationId: number; memberId: string }): Promise<unknown>;
    leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>;
    describeGroups(request: { groupIds: string[] }): Promise<{ groups: readonly DescribedGroup[] }>;
    /** By the number of the request. */
    readonly versions: Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number }>>;
    disconnect(): Promise<void>;
    produce(request: ProduceRequest): Promise<unknown>;
    listOffsets(request: {
      replicaId: number;
      isolationLevel: number;
      topics: { topic: string; partitions: { partition: number; timestamp: number }[] }[];
    }): Promise<{ responses: { topic: string; partitions: ListedOffset[] }[] }>;
    findGroupCoordinator(request: { groupId: string; coordinatorType: number }): Promise<unknown>;
    connectionPool: {
      send<Answer>(exchange: {
        request: { apiKey: number; apiVersion: number; apiName: string; encode(): Promise<unknown> };
        response: { decode(payload: Buffer): Promise<Answer>; parse(answer: Answer): Promise<Answer> };
      }): Promise<Answer>;
    };
  }

  export default class Cluster {
    constructor(options: {
      brokers: KafkaConfig['brokers'];
      ssl: KafkaConfig['ssl'] | undefined;
      sasl: KafkaConfig['sasl'] | undefined;
      clientId: string | undefined;
      connectionTimeout: number | undefined;
      authenticationTimeout: number | undefined;
      requestTimeout: number | undefined;
      enforceRequestTimeout: boolean;
      metadataMaxAge: number;
      allowAutoTopicCreation: boolean;
      retry: RetryOptions | undefined;
      logger: Logger;
      socketFactory: ISocketFactory | undefined;
      maxInFlightRequests?: number;
    });
    connect(): Promise<void>;
    disconnect(): Promise<void>;
    refreshMetadata(): Promise<void>;
    addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
    getNodeIds(): string[];
    findBroker(node: { nodeId: string }): Promise<Broker>;
    findGroupCoordinator(group: { groupId: string }): Promise<Broker>;
    findTopicPartitionMetadata(topic: string): readonly { partitionId: number; leader: number }[];
  }
}

declare module 'kafkajs/src/protocol/requests/fetch/v11/request.js' {
  interface FetchRequest {
    apiKey: number;
    apiVersion: number;
    apiName: string;
    encode(): Promise<unknown>;
  }
  export default function fetchRequest(options: {
    replicaId: number;
    isolationLevel: number;
    maxWaitTime: number;
    minBytes: number;
    maxBytes: number;
    topics: { topic: string; partitions: { partition: number; fetchOffset: number; maxBytes: number }[] }[];
  }): FetchRequest;
}

declare module 'kafkajs/src/protocol/requests/metadata/v6/request.js' {
  interface Encoder {
    writeBoolean(value: boolean): Encoder;
  }
  export default function metadataRequest(options: { topics: readonly string[]; allowAutoTopicCreation: boolean }): {
    apiKey: number;
    apiVersion: number;
    apiName: string;
    encode(): Promise<Encoder>;
  };
}

declare module 'kafkajs/src/protocol/error.js' {
  export function createErrorFromCode(code: number): Error;
}

declare module 'kafkajs/src/producer/index.js' {
  import type { Logger, Producer, ProducerConfig } from 'kafkajs';
  import type Cluster from 'kafkajs/src/cluster/index.js';

  export default function createProducer(options: ProducerConfig & { cluster: Cluster; logger: Logger }): Producer;
}

declare module 'kafkajs/src/protocol/requests/produce/v7/response.js' {
  const response: {
    decode(payload: Buffer): Promise<unknown>;
    parse(answer: unknown): Promise<unknown>;
  };
  export default response;
}

declare module 'kafkajs/src/protocol/recordBatch/crc32C/index.js' {
  export default function crc32c(bytes: Buffer): number;
}

declare module 'kafkajs/src/network/requestQueue/index.js' {
  export interface Pushed {
    readonly entry: {
      readonly apiKey: number;
      readonly apiName: string;
      readonly apiVersion: number;
      readonly correlationId: number;
      readonly resolve: (answer: unknown) => void;
      readonly reject: (error: Error) => void;
    };
    readonly expectResponse: boolean;
    readonly sendRequest: () => void;
  }

  /** What one connection has sent and has still to send. */
  export default class RequestQueue {
    constructor(options: {
      maxInFlightRequests: number | null;
      requestTimeout: number;
      enforceRequestTimeout: boolean;
      clientId: string;
      broker: string;
      logger: object;
    });
    readonly pending: readonly unknown[];
    push(request: Pushed): void;
    fulfillRequest(answer: { correlationId: number; payload: Buffer; size: number }): void;
    maybeThrottle(ms: number): void;
    scheduleCheckPendingRequests(): void;
  }
}
