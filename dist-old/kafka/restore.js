import { dataTopic } from './topics.js';
/**
 * Delivers what is new on every stream's topic and moves the memories past it. A topic that is not the one its memory
 * knows is reset and read from its beginning. `bounds` must hold all the topics.
 */
export async function restoreTopics(reader, bounds, prefix, memories, restore, signal) {
    const broken = new Map();
    const ranges = [];
    const streamOf = new Map();
    for (const [name, memory] of memories) {
        const topic = dataTopic(prefix, name);
        const found = bounds.get(topic);
        const reason = memory.breach(found);
        if (reason !== null) {
            broken.set(name, `${topic}: ${reason}`);
            memory.forget();
            restore.reset(name);
        }
        ranges.push(...memory.unread(topic, found));
        streamOf.set(topic, name);
    }
    let records = 0;
    const deliver = (record, { topic, partition }) => {
        // Without a key it is not ours: compacted topics refuse such records.
        if (record.key === null)
            return;
        records++;
        const stream = streamOf.get(topic);
        const delivered = () => memories.get(stream).read(partition, record.offset + 1);
        const { key, value } = record;
        const pending = restore.record(stream, { key, value, sourceTsMs: sourceTime(record) });
        // Only what was taken in counts as read: an opening that fails in the middle goes on from there.
        if (pending)
            return pending.then(delivered);
        delivered();
    };
    await reader.read(ranges, deliver, signal);
    for (const { topic, partition, to } of ranges)
        memories.get(streamOf.get(topic)).read(partition, to);
    return { broken, records };
}
/** `updated_at` of the record as its header has it. */
export function sourceTime(record) {
    const text = record.header('__source_ts_ms');
    return text === null ? null : Number(text);
}
