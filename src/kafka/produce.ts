// The Produce exchange (version 7, brokers since 2.1) without kafkajs' encoder. Knows one request to one broker: leaders,
// sequence numbers, time-outs and second tries stay kafkajs'.
import type { Broker, ProduceRequest } from 'kafkajs/src/cluster/index.js';
import produceResponse from 'kafkajs/src/protocol/requests/produce/v7/response.js';
import type { Clock } from '../base/clock.ts';
import { assert } from '../base/errors.ts';
import { writeBatch } from './batch-writer.ts';

/** Stands for the broker's own `produce`, for messages of one partition; answers and rejects as that does. */
export async function produce(broker: Broker, request: ProduceRequest, clock: Clock): Promise<unknown> {
  const encode = async () => {
    const buffer = await encodeRequest(request, clock.now());
    // What kafkajs takes for one of its encoders.
    return { buf: buffer, buffer };
  };
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

async function encodeRequest(request: ProduceRequest, timestamp: number): Promise<Buffer> {
  const parts = request.topicData.flatMap(({ topic, partitions }) => partitions.map((part) => ({ topic, ...part })));
  assert(parts.length === 1, 'a send goes to one partition');
  const { topic, partition, messages, firstSequence } = parts[0]!;
  const batch = await writeBatch(messages, { ...request, firstSequence, timestamp });
  return Buffer.concat([
    text(request.transactionalId),
    int16(request.acks),
    int32(request.timeout),
    int32(1), // topics
    text(topic),
    int32(1), // partitions
    int32(partition),
    int32(batch.length),
    batch,
  ]);
}

function text(content: string): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([int16(bytes.length), bytes]);
}

function int16(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32BE(value);
  return bytes;
}
