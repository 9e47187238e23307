import produceResponse from 'kafkajs/src/protocol/requests/produce/v7/response.js';
import { assert } from '../base/errors.js';
import { writeBatch } from './batch-writer.js';
/** Stands for the broker's own `produce`, for messages of one partition; answers and rejects as that does. */
export async function produce(broker, request, clock) {
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
    }
    catch (error) {
        // As kafkajs does, or it would take the connection for a living one.
        if (error.name === 'KafkaJSConnectionClosedError')
            await broker.disconnect();
        throw error;
    }
}
async function encodeRequest(request, timestamp) {
    const parts = request.topicData.flatMap(({ topic, partitions }) => partitions.map((part) => ({ topic, ...part })));
    assert(parts.length === 1, 'a send goes to one partition');
    const { topic, partition, messages, firstSequence } = parts[0];
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
function text(content) {
    const bytes = Buffer.from(content);
    return Buffer.concat([int16(bytes.length), bytes]);
}
function int16(value) {
    const bytes = Buffer.allocUnsafe(2);
    bytes.writeInt16BE(value);
    return bytes;
}
function int32(value) {
    const bytes = Buffer.allocUnsafe(4);
    bytes.writeInt32BE(value);
    return bytes;
}
