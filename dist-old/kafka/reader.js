import { atMost } from '../base/clock.js';
import { PublisherError } from '../base/errors.js';
import { brokerError, isLasting, translate } from './failures.js';
import { fetchBatches, partitionKey } from './fetch.js';
import { decodeRecords, isAbortMarker } from './record-batch.js';
/** How long a read may stand still: a leader election, a commit marker under way. */
const STALL_MS = 15_000;
const RETRY_MS = 200;
const FAREWELL_MS = 1_000;
/** One answer without data may be bad luck (a stable offset that had just moved); the second is proof. */
const EMPTY_ANSWERS = 2;
const READ_UNCOMMITTED = 0;
const READ_COMMITTED = 1;
const EARLIEST = -2;
const LATEST = -1;
export function createTopicReader(connection, clock, place) {
    const cluster = connection.cluster();
    const reader = { bounds, read, readAll, close: () => cluster.disconnect() };
    return reader;
    async function bounds(topics, signal) {
        const deadline = clock.monotonic() + STALL_MS;
        for (;;) {
            try {
                return await listBounds(cluster, topics);
            }
            catch (error) {
                signal.throwIfAborted();
                if (isLasting(error) || clock.monotonic() > deadline)
                    throw translate(error, 'asking for offsets', place);
                await clock.sleep(RETRY_MS, signal);
            }
        }
    }
    async function readAll(topics, onRecord, signal) {
        const found = await bounds(topics, signal);
        const ranges = [...found].flatMap(([topic, partitions]) => partitions.map(({ start, stable }, partition) => ({ topic, partition, from: start, to: stable })));
        await read(ranges, onRecord, signal);
    }
    async function read(ranges, onRecord, signal) {
        let walks = ranges.map((range) => ({
            range,
            fetched: range.from,
            delivered: range.from,
            emptyAnswers: 0,
        }));
        let movedAt = clock.monotonic();
        for (;;) {
            walks = walks.filter(({ delivered, range }) => delivered < range.to);
            if (walks.length === 0)
                return;
            const before = sum(walks);
            const failure = await walkOnce(walks, onRecord, signal);
            if (failure === null)
                continue;
            if (sum(walks) > before)
                movedAt = clock.monotonic();
            const { topic, partition, to } = walks[0].range;
            if (isLasting(failure) || clock.monotonic() - movedAt > STALL_MS) {
                throw translate(failure, `reading ${topic} partition ${partition} up to offset ${to}`, place);
            }
            await clock.sleep(RETRY_MS, signal);
        }
    }
    /**
     * Walks with the leaders as they are now. Returns what a leader or a connection failed with, after which the caller
     * walks on from `delivered`; throws what `onRecord` throws.
     */
    async function walkOnce(walks, onRecord, signal) {
        const stop = new AbortController();
        const stopped = AbortSignal.any([signal, stop.signal]);
        let failure = null;
        const fail = (error) => {
            failure ??= error;
            stop.abort();
        };
        try {
            const groups = await groupByLeader(cluster, walks);
            // Every leader's walk has to be still before the caller starts over, or a record would be delivered twice.
            await Promise.all(groups.map(([leader, group]) => walkLeader(leader, group, onRecord, stopped).catch(fail)));
        }
        catch (error) {
            fail(error);
        }
        signal.throwIfAborted();
        if (failure instanceof DeliveryFailure)
            throw failure.cause;
        return failure;
    }
    async function walkLeader(leader, group, onRecord, stopped) {
        const broker = await cluster.findBroker({ nodeId: String(leader) });
        for (const walk of group)
            walk.fetched = walk.delivered;
        let queue = group;
        let movedAt = clock.monotonic();
        let asked = ask(broker, queue);
        while (queue.length > 0) {
            const answer = await asked;
            if (stopped.aborted)
                return;
            const deliveries = queue.map((walk, index) => receive(walk, answer, index === 0));
            if (deliveries.some(({ from, to }) => to > from))
                movedAt = clock.monotonic();
            else if (clock.monotonic() - movedAt > STALL_MS)
                throw stalled(queue[0], answer);
            // A broker fills its answer in the order of the question, up to a size: whoever was served goes to the end.
            const served = new Set(deliveries.filter(({ batches }) => batches.length > 0).map(({ walk }) => walk));
            queue = [...queue.filter((walk) => !served.has(walk)), ...served].filter((walk) => walk.fetched < walk.range.to);
            // Asked before the records in hand are decoded, so that the broker works while we do.
            if (queue.length > 0) {
                asked = ask(broker, queue);
                asked.catch(() => { }); // awaited in the next round
            }
            for (const delivery of deliveries)
                await deliver(delivery, onRecord, stopped);
        }
    }
}
/** kafkajs waits for requests in flight when it disconnects; a reader has nothing to lose. */
export async function farewell(reader, clock) {
    await atMost(clock, FAREWELL_MS, reader.close());
}
function ask(broker, queue) {
    return fetchBatches(broker, queue.map(({ range, fetched }) => ({ topic: range.topic, partition: range.partition, offset: fetched })));
}
/**
 * Moves `fetched` behind what the answer holds for a walk. Batch headers count, not records: compaction may leave a batch
 * empty, a marker is a batch too, and whatever vanished altogether shows as an empty answer below the stable offset.
 */
function receive(walk, answer, asksFirst) {
    const { topic, partition, to } = walk.range;
    const part = answer.partitions.get(partitionKey(topic, partition));
    if (!part)
        throw brokerError(3, topic, partition);
    if (part.errorCode !== 0)
        throw brokerError(part.errorCode, topic, partition);
    const from = walk.fetched;
    const last = part.batches.at(-1);
    if (last) {
        walk.fetched = Math.max(from, last.nextOffset);
        walk.emptyAnswers = 0;
    }
    else if (asksFirst && !answer.throttled && part.lastStableOffset >= to && ++walk.emptyAnswers >= EMPTY_ANSWERS) {
        // The first of the question gets at least one batch if there is one, so nothing is left between here and the end.
        walk.fetched = to;
    }
    return { walk, from, to: walk.fetched, batches: committed(part) };
}
/** The data batches of an answer without those of aborted transactions. */
function committed(part) {
    const upcoming = [...part.aborted].sort((a, b) => a.firstOffset - b.firstOffset);
    const aborting = new Set();
    const batches = [];
    for (const batch of part.batches) {
        while (upcoming.length > 0 && upcoming[0].firstOffset < batch.nextOffset)
            aborting.add(upcoming.shift().producerId);
        if (batch.control) {
            if (isAbortMarker(batch))
                aborting.delete(batch.producerId);
        }
        else if (!batch.transactional || !aborting.has(batch.producerId)) {
            batches.push(batch);
        }
    }
    return batches;
}
async function deliver({ walk, from, to, batches }, onRecord, stopped) {
    for (const batch of batches) {
        const records = await decodeRecords(batch);
        if (stopped.aborted)
            return;
        for (const record of records) {
            // A fetch begins with the batch that holds the offset, which may begin before it.
            if (record.offset < from || record.offset >= walk.range.to)
                continue;
            try {
                const pending = onRecord(record, walk.range);
                if (pending)
                    await pending;
            }
            catch (error) {
                throw new DeliveryFailure(error);
            }
            walk.delivered = record.offset + 1;
        }
    }
    walk.delivered = to;
}
/** Keeps what the caller's function throws apart from what Kafka throws, which is tried again. */
class DeliveryFailure extends Error {
    constructor(cause) {
        super('the receiver of a record failed', { cause });
    }
}
function stalled(walk, answer) {
    const { topic, partition, to } = walk.range;
    const part = answer.partitions.get(partitionKey(topic, partition));
    return new PublisherError('kafka.unavailable', `${topic} partition ${partition} stands still at offset ${walk.fetched} of ${to}: ` +
        `last stable offset ${part?.lastStableOffset}, high watermark ${part?.highWatermark}`);
}
function sum(walks) {
    return walks.reduce((total, { delivered }) => total + delivered, 0);
}
async function groupByLeader(cluster, walks) {
    const leaders = await findLeaders(cluster, new Set(walks.map(({ range }) => range.topic)));
    const groups = new Map();
    for (const walk of walks) {
        const { topic, partition } = walk.range;
        const leader = leaders.get(topic)?.[partition];
        if (leader === undefined)
            throw brokerError(3, topic, partition);
        groups.set(leader, [...(groups.get(leader) ?? []), walk]);
    }
    return [...groups];
}
/** The node id of each partition's leader, asked anew: this is also the way out of an outdated view. */
async function findLeaders(cluster, topics) {
    const names = [...topics];
    await cluster.connect();
    await cluster.addMultipleTargetTopics(names);
    await cluster.refreshMetadata();
    return new Map(names.map((topic) => {
        const leaders = [];
        for (const { partitionId, leader } of cluster.findTopicPartitionMetadata(topic))
            leaders[partitionId] = leader;
        return [topic, leaders];
    }));
}
async function listBounds(cluster, topics) {
    const leaders = await findLeaders(cluster, topics);
    const found = new Map(topics.map((topic) => [topic, leaders.get(topic).map(() => ({ start: 0, stable: 0, end: 0 }))]));
    const brokers = new Set([...leaders.values()].flat());
    const questions = [
        { member: 'start', isolationLevel: READ_UNCOMMITTED, timestamp: EARLIEST },
        { member: 'stable', isolationLevel: READ_COMMITTED, timestamp: LATEST },
        { member: 'end', isolationLevel: READ_UNCOMMITTED, timestamp: LATEST },
    ];
    for (const leader of brokers) {
        const broker = await cluster.findBroker({ nodeId: String(leader) });
        const led = (topic) => leaders.get(topic).flatMap((id, partition) => (id === leader ? [partition] : []));
        for (const { member, isolationLevel, timestamp } of questions) {
            const { responses } = await broker.listOffsets({
                replicaId: -1,
                isolationLevel,
                topics: topics.map((topic) => ({
                    topic,
                    partitions: led(topic).map((partition) => ({ partition, timestamp })),
                })),
            });
            for (const { topic, partitions } of responses) {
                for (const { partition, offset } of partitions)
                    found.get(topic)[partition][member] = Number(offset);
            }
        }
    }
    return found;
}
