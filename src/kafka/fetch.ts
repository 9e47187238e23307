// The Fetch exchange (version 11, brokers since 2.3) without kafkajs' decoder: high watermark, last stable offset, aborted
// transactions and the batches as they are. Knows one request to one broker; reader.ts decides what to ask.
import type { Broker } from 'kafkajs/src/cluster/index.js';
import fetchRequest from 'kafkajs/src/protocol/requests/fetch/v11/request.js';
import { Cursor } from './cursor.ts';
import { type RecordBatch, splitBatches } from './record-batch.ts';

export interface FetchPosition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: number;
}

export interface FetchedPartition {
  /** Kafka's error code; 0 is none. */
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly aborted: readonly AbortedTransaction[];
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
export function fetchBatches(broker: Broker, positions: readonly FetchPosition[]): Promise<FetchAnswer> {
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
  const answer = new Cursor(payload);
  const clientSideThrottleTime = answer.int32();
  answer.skip(6); // error code and id of the fetch session, which we do not use
  const partitions = new Map<string, FetchedPartition>();
  for (let topics = answer.int32(); topics > 0; topics--) {
    const topic = answer.text();
    for (let left = answer.int32(); left > 0; left--) {
      const partition = answer.int32();
      const errorCode = answer.int16();
      const highWatermark = answer.offset();
      const lastStableOffset = answer.offset();
      answer.skip(8); // log start offset
      const aborted: AbortedTransaction[] = [];
      for (let more = answer.int32(); more > 0; more--) {
        aborted.push({ producerId: answer.int64(), firstOffset: answer.offset() });
      }
      answer.skip(4); // preferred read replica
      const batches = splitBatches(answer.block(answer.int32()));
      partitions.set(partitionKey(topic, partition), { errorCode, highWatermark, lastStableOffset, aborted, batches });
    }
  }
  return { clientSideThrottleTime, throttled: clientSideThrottleTime > 0, partitions };
}
