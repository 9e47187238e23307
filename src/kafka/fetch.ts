// The Fetch exchange (version 11, brokers since 2.3) without kafkajs' decoder: high watermark, last stable offset, aborted
// transactions and the batches as they are. Knows one request to one broker; reader.ts decides what to ask.
import type { Broker } from 'kafkajs/src/cluster/index.js';
import Decoder from 'kafkajs/src/protocol/decoder.js';
import fetchRequest from 'kafkajs/src/protocol/requests/fetch/v11/request.js';
import { type RecordBatch, splitBatches } from './record-batch.ts';

export interface FetchedPartition {
  /** Kafka's error code; 0 is none. */
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly aborted: readonly { readonly producerId: bigint; readonly firstOffset: number }[];
  readonly batches: readonly RecordBatch[];
}

export interface FetchAnswer {
  /** The broker left data out because our quota is spent; kafkajs waits before the next request. */
  readonly throttled: boolean;
  /** Key: topic and partition, see `partitionKey`. */
  readonly partitions: ReadonlyMap<string, FetchedPartition>;
}

const CONSUMER = -1;
const READ_COMMITTED = 1;
/** An answer without data comes after this long; also how soon a stable offset that moves is seen. */
const MAX_WAIT_MS = 250;
const ANSWER_BYTES = 4 << 20;
const PARTITION_BYTES = 1 << 20;

export function partitionKey(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}

/** Rejects as kafkajs does when the connection fails; partition errors are in the answer. */
export function fetchBatches(
  broker: Broker,
  positions: readonly { readonly topic: string; readonly partition: number; readonly offset: number }[],
): Promise<FetchAnswer> {
  const request = fetchRequest({
    replicaId: CONSUMER,
    isolationLevel: READ_COMMITTED,
    maxWaitTime: MAX_WAIT_MS,
    minBytes: 1,
    maxBytes: ANSWER_BYTES,
    topics: positions.map(({ topic, partition, offset }) => ({
      topic,
      partitions: [{ partition, fetchOffset: offset, maxBytes: PARTITION_BYTES }],
    })),
  });
  return broker.connectionPool.send({
    request,
    response: { decode: async (payload) => decodeAnswer(payload), parse: async (answer) => answer },
  });
}

function decodeAnswer(payload: Buffer): FetchAnswer & { readonly clientSideThrottleTime: number } {
  const answer = new Decoder(payload);
  const clientSideThrottleTime = answer.readInt32();
  answer.forward(6); // error code and id of the fetch session, which we do not use
  const partitions = new Map<string, FetchedPartition>();
  answer.readArray(() => {
    const topic = answer.readString()!;
    answer.readArray(() => {
      const partition = answer.readInt32();
      const errorCode = answer.readInt16();
      const highWatermark = Number(answer.readInt64());
      const lastStableOffset = Number(answer.readInt64());
      answer.forward(8); // log start offset
      const aborted = answer.readArray(() => ({
        producerId: answer.readInt64(),
        firstOffset: Number(answer.readInt64()),
      }));
      answer.forward(4); // preferred read replica
      const batches = splitBatches(answer.readBytes() ?? Buffer.alloc(0));
      partitions.set(partitionKey(topic, partition), { errorCode, highWatermark, lastStableOffset, aborted, batches });
    });
  });
  return { clientSideThrottleTime, throttled: clientSideThrottleTime > 0, partitions };
}
