// The parts of kafkajs 2.2.4 that its public types leave out and that reading, producing and topics use. The version is pinned
// exactly and the package is no longer developed, so these shapes stand still (docs/decisions/0002-own-topic-reader.md).

declare module 'kafkajs/src/cluster/index.js' {
  import type { CompressionTypes, KafkaConfig, Logger, Message } from 'kafkajs';
  import type Encoder from 'kafkajs/src/protocol/encoder.js';

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

  export interface BrokerRequest {
    apiKey: number;
    apiVersion: number;
    apiName: string;
    encode(): Promise<Encoder>;
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
    /** In the newest version that both sides know; needs no `this`. */
    readonly lookupRequest: <Options, Answer>(
      apiKey: number,
      versions: RequestVersions<Options, Answer>,
    ) => (options: Options) => Exchange<Answer>;
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
    metadata(topics?: readonly string[]): Promise<unknown>;
    listOffsets(request: {
      replicaId: number;
      isolationLevel: number;
      topics: { topic: string; partitions: { partition: number; timestamp: number }[] }[];
    }): Promise<{ responses: { topic: string; partitions: ListedOffset[] }[] }>;
    findGroupCoordinator(request: { groupId: string; coordinatorType: number }): Promise<unknown>;
    connectionPool: ConnectionPool;
  }

  /** The connections to one broker: one for fetches, one for all else. */
  export interface ConnectionPool {
    readonly pool: readonly { connect(): Promise<unknown> }[];
    send<Answer>(exchange: Exchange<Answer>): Promise<Answer>;
  }

  export interface RequestVersions<Options, Answer> {
    protocol(of: { version: string }): (options: Options) => Exchange<Answer>;
  }

  interface Exchange<Answer> {
    readonly request: BrokerRequest;
    readonly response: { decode(payload: Buffer): Promise<Answer>; parse(answer: Answer): Promise<Answer> };
  }

  export default class Cluster {
    /** Takes what it knows of the options and passes over the rest. */
    constructor(
      options: KafkaConfig & {
        metadataMaxAge: number;
        allowAutoTopicCreation: boolean;
        logger: Logger;
        maxInFlightRequests?: number;
      },
    );
    connect(): Promise<void>;
    disconnect(): Promise<void>;
    /** Whether any broker is, and has taken our log-in. */
    isConnected(): boolean;
    refreshMetadata(): Promise<void>;
    getNodeIds(): string[];
    findBroker(node: { nodeId: string }): Promise<Broker>;
    findGroupCoordinator(group: { groupId: string }): Promise<Broker>;
    readonly brokerPool: {
      createBroker(options: object): Broker;
      /** One that is connected, if any is, or can be. */
      findConnectedBroker(): Promise<Broker>;
    };
    readonly connectionPoolBuilder: { build(place?: object): Promise<ConnectionPool> };
  }
}

declare module 'kafkajs/src/protocol/decoder.js' {
  export default class Decoder {
    constructor(bytes: Buffer);
    forward(bytes: number): void;
    readInt8(): number;
    readInt16(): number;
    readInt32(): number;
    readInt64(): bigint;
    readString(): string | null;
    readBytes(): Buffer | null;
    readArray<T>(read: () => T): T[];
  }
}

declare module 'kafkajs/src/protocol/encoder.js' {
  export default class Encoder {
    readonly buffer: Buffer;
    constructor(bytes?: number);
    writeBoolean(value: boolean): this;
    writeInt16(value: number): this;
    writeInt32(value: number): this;
    writeInt64(value: string): this;
    writeString(value: string | null): this;
    writeBytes(value: Buffer): this;
    writeEncoder(value: Encoder): this;
    writeArray(array: readonly Encoder[]): this;
  }
}

declare module 'kafkajs/src/protocol/requests/joinGroup/index.js' {
  import type { GroupMember, RequestVersions } from 'kafkajs/src/cluster/index.js';

  interface JoinOptions {
    groupId: string;
    sessionTimeout: number;
    rebalanceTimeout: number;
    memberId: string;
    protocolType: string;
    groupProtocols: { name: string; metadata: Buffer }[];
  }
  interface JoinAnswer {
    generationId: number;
    leaderId: string;
    memberId: string;
    members: readonly GroupMember[];
  }

  const joinGroup: RequestVersions<JoinOptions, JoinAnswer>;
  export default joinGroup;
}

declare module 'kafkajs/src/protocol/requests/fetch/v11/request.js' {
  import type { BrokerRequest } from 'kafkajs/src/cluster/index.js';

  export default function fetchRequest(options: {
    replicaId: number;
    isolationLevel: number;
    maxWaitTime: number;
    minBytes: number;
    maxBytes: number;
    topics: { topic: string; partitions: { partition: number; fetchOffset: number; maxBytes: number }[] }[];
  }): BrokerRequest;
}

declare module 'kafkajs/src/protocol/requests/metadata/v6/request.js' {
  import type { BrokerRequest } from 'kafkajs/src/cluster/index.js';

  export default function metadataRequest(options: {
    topics: readonly string[];
    allowAutoTopicCreation: boolean;
  }): BrokerRequest;
}

declare module 'kafkajs/src/protocol/requests/metadata/v6/response.js' {
  import type { Metadata } from './metadata.ts';

  const response: { decode(payload: Buffer): Promise<Metadata> };
  export default response;
}

declare module 'kafkajs/src/protocol/requests/listOffsets/v3/request.js' {
  import type { BrokerRequest } from 'kafkajs/src/cluster/index.js';

  export default function listOffsetsRequest(options: {
    replicaId: number;
    isolationLevel: number;
    topics: readonly { topic: string; partitions: readonly { partition: number; timestamp: number }[] }[];
  }): BrokerRequest;
}

declare module 'kafkajs/src/protocol/requests/listOffsets/v3/response.js' {
  const response: {
    decode(payload: Buffer): Promise<{
      responses: readonly {
        topic: string;
        partitions: readonly { partition: number; errorCode: number; offset: string }[];
      }[];
    }>;
  };
  export default response;
}

declare module 'kafkajs/src/admin/index.js' {
  import type { Admin, Logger, RetryOptions } from 'kafkajs';
  import type Cluster from 'kafkajs/src/cluster/index.js';

  export default function createAdmin(options: { cluster: Cluster; logger: Logger; retry?: RetryOptions }): Admin;
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
  /** Requests that one connection has sent and has still to send. */
  export default class RequestQueue {
    readonly pending: readonly unknown[];
    readonly inflight: ReadonlyMap<number, SocketRequest>;
    readonly enforceRequestTimeout: boolean;
    scheduleCheckPendingRequests(): void;
    scheduleRequestTimeoutCheck(): void;
    sendSocketRequest(request: SocketRequest): void;
  }

  /** Times in ms of the wall clock. */
  interface SocketRequest {
    readonly sentAt: number;
    readonly requestTimeout: number;
    timeoutRequest(): void;
  }
}
