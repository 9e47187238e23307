import fetchRequest from 'kafkajs/src/protocol/requests/fetch/v11/request.js';
import { splitBatches } from './record-batch.js';
const CONSUMER = -1;
const READ_COMMITTED = 1;
/** An answer without data comes after this long; also how soon a stable offset that moves is seen. */
const MAX_WAIT_MS = 250;
const ANSWER_BYTES = 4 << 20;
const PARTITION_BYTES = 1 << 20;
export function partitionKey(topic, partition) {
    return `${topic}/${partition}`;
}
/** Rejects as kafkajs does when the connection fails; partition errors are in the answer. */
export function fetchBatches(broker, positions) {
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
/** Reads forward through an answer. */
class Cursor {
    #bytes;
    #at = 0;
    constructor(bytes) {
        this.#bytes = bytes;
    }
    skip(length) {
        const at = this.#at;
        this.#at += length;
        return at;
    }
    int16() {
        return this.#bytes.readInt16BE(this.skip(2));
    }
    int32() {
        return this.#bytes.readInt32BE(this.skip(4));
    }
    int64() {
        return this.#bytes.readBigInt64BE(this.skip(8));
    }
    offset() {
        return Number(this.int64());
    }
    /** Length -1, which stands for nothing, gives no bytes. */
    block(length) {
        const at = this.skip(Math.max(length, 0));
        return this.#bytes.subarray(at, this.#at);
    }
}
function decodeAnswer(payload) {
    const answer = new Cursor(payload);
    const clientSideThrottleTime = answer.int32();
    answer.skip(6); // error code and id of the fetch session, which we do not use
    const partitions = new Map();
    for (let topics = answer.int32(); topics > 0; topics--) {
        const topic = answer.block(answer.int16()).toString();
        for (let left = answer.int32(); left > 0; left--) {
            const partition = answer.int32();
            const errorCode = answer.int16();
            const highWatermark = answer.offset();
            const lastStableOffset = answer.offset();
            answer.skip(8); // log start offset
            const aborted = [];
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
