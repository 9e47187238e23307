// The request as it leaves for the broker, byte for byte kafkajs' own.
import { createRequire } from 'node:module';
import { CompressionTypes } from 'kafkajs';
import type { Broker, ProduceRequest } from 'kafkajs/src/cluster/index.js';
import { expect, test, vi } from 'vitest';
import { produce } from '../../../src/kafka/produce.ts';
import { clockFrom, EPOCH } from '../../support/epoch.ts';

const kafkajsRequest: (request: ProduceRequest) => { encode(): Promise<{ buffer: Buffer }> } = createRequire(
  import.meta.url,
)('kafkajs/src/protocol/requests/produce/v7/request.js');

test('a request is byte for byte what kafkajs sends', async () => {
  const request: ProduceRequest = {
    transactionalId: 'harvest-4711',
    producerId: '4711',
    producerEpoch: 2,
    acks: -1,
    timeout: 30_000,
    compression: CompressionTypes.None,
    topicData: [
      {
        topic: 'harvest.clients',
        partitions: [{ partition: 5, firstSequence: 9, messages: [{ key: Buffer.from('k'), value: 'v' }] }],
      },
    ],
  };
  const now = EPOCH;
  vi.useFakeTimers({ toFake: ['Date'], now });
  try {
    const expected = await kafkajsRequest(request).encode();
    let sent: unknown;
    const broker = {
      connectionPool: {
        send: async ({ request }: { request: { encode(): Promise<unknown> } }) => {
          sent = await request.encode();
        },
      },
    } as unknown as Broker;
    await produce(broker, request, { ...clockFrom(), now: () => now });
    expect((sent as { buffer: Buffer }).buffer.toString('hex')).toBe(expected.buffer.toString('hex'));
  } finally {
    vi.useRealTimers();
  }
});
