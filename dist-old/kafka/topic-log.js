import { createConnection } from './connection.js';
import { createTopicReader } from './reader.js';
import { sourceTime } from './restore.js';
import { dataTopic, presentTopics } from './topics.js';
/** Reads the topics below `prefix`; one that is not there is empty. Nothing is made, nobody fenced. */
export async function openTopicLog(settings, prefix, clock, log = () => { }) {
    const connection = createConnection(settings, log);
    const reader = createTopicReader(connection, clock, { brokers: connection.brokers, prefix });
    const present = await presentTopics(connection, prefix);
    const positions = new Map();
    /** The topic's partitions; none while it is not there. */
    async function boundsOf(stream, signal) {
        const topic = dataTopic(prefix, stream);
        return present.has(topic) ? (await reader.bounds([topic], signal)).get(topic) : [];
    }
    return {
        async news(stream, restore, signal) {
            const bounds = await boundsOf(stream, signal);
            const before = positions.get(stream) ?? [];
            const isOurs = continues(bounds, before);
            if (!isOurs)
                restore.reset(stream);
            const ranges = bounds.map(({ start, stable }, partition) => ({
                topic: dataTopic(prefix, stream),
                partition,
                from: (isOurs ? before[partition] : undefined) ?? start,
                to: stable,
            }));
            await deliver(reader, ranges, (record) => restore.record(stream, record), signal);
            // The stable offset may seem to go back when another replica leads.
            positions.set(stream, ranges.map(({ from, to }) => Math.max(from, to)));
        },
        async written(streams, signal) {
            const names = new Map(streams.map((stream) => [dataTopic(prefix, stream), stream]));
            const topics = [...names.keys()].filter((topic) => present.has(topic));
            const bounds = topics.length > 0 ? await reader.bounds(topics, signal) : new Map();
            const found = [...bounds].filter(([, partitions]) => partitions.some(({ end }) => end > 0));
            return new Set(found.map(([topic]) => names.get(topic)));
        },
        async all(stream, onRecord, signal) {
            const bounds = await boundsOf(stream, signal);
            const topic = dataTopic(prefix, stream);
            const ranges = bounds.map(({ start, stable }, partition) => ({ topic, partition, from: start, to: stable }));
            await deliver(reader, ranges, onRecord, signal);
        },
        async close() {
            await reader.close();
            connection.sever();
        },
    };
}
/** Whether what was read up to `positions` can be the topic that has these bounds now. */
function continues(bounds, positions) {
    return positions.every((position, partition) => {
        const found = bounds[partition];
        return found !== undefined && position >= found.start && position <= found.end;
    });
}
function deliver(reader, ranges, onRecord, signal) {
    const take = (record) => {
        const { key, value } = record;
        // Without a key it is not ours: compacted topics refuse such records.
        if (key !== null)
            return onRecord({ key, value, sourceTsMs: sourceTime(record) });
    };
    return reader.read(ranges, take, signal);
}
