// The Produce exchange (version 7, brokers since 2.1) without kafkajs' encoder. Knows one request to one broker: leaders,
// sequence numbers, time-outs and second tries stay kafkajs'.
import type { Broker, ProduceRequest } from 'kafkajs/src/cluster/index.js';
import Encoder from 'kafkajs/src/protocol/encoder.js';
import produceResponse from 'kafkajs/src/protocol/requests/produce/v7/response.js';
import type { Clock } from '../base/clock.ts';
import { assert } from '../base/errors.ts';
import { writeBatch } from './batch-writer.ts';

/** Stands for the broker's own `produce`, for messages of one partition; answers and rejects as that does. */
export async function produce(broker: Broker, request: ProduceRequest, clock: Clock): Promise<unknown> {
  const encode = () => encodeRequest(request, clock.now());
  try {
    return await broker.connectionPool.send({
      request: { apiKey: 0, apiVersion: 7, apiName: 'Produce', encode },
      response: produceResponse,
    });
  } catch (error) {
    // As kafkajs does, or it would take the connection for a living one.
    if ((error as Error).name === 'KafkaJSConnectionClosedError') await broker.disconnect();
    throw error;
  }
}

async function encodeRequest(request: ProduceRequest, timestamp: number): Promise<Encoder> {
  const parts = request.topicData.flatMap(({ topic, partitions }) => partitions.map((part) => ({ topic, ...part })));
  assert(parts.length === 1, 'a send goes to one partition');
  const { topic, partition, messages, firstSequence } = parts[0]!;
  const batch = await writeBatch(messages, { ...request, firstSequence, timestamp });
  return new Encoder(batch.length + OTHER_BYTES)
    .writeString(request.transactionalId)
    .writeInt16(request.acks)
    .writeInt32(request.timeout)
    .writeInt32(1) // topics
    .writeString(topic)
    .writeInt32(1) // partitions
    .writeInt32(partition)
    .writeBytes(batch);
}

/** The names of topic and transaction, whose length Kafka limits, and numbers. */
const OTHER_BYTES = 1_000;
