import { PublisherError } from '../base/errors.js';
const PATIENCE_MS = 10_000;
const POLL_MS = 100;
/**
 * Waits until everything that the topics held when we asked is committed or aborted, and returns their bounds of that
 * moment. Compares later stable offsets with the first high watermark, so that other accounts may go on writing to the
 * same topics. Throws `kafka.hanging_transaction`.
 */
export async function settle(reader, topics, brokers, clock, signal) {
    const asked = await reader.bounds(topics, signal);
    const deadline = clock.monotonic() + PATIENCE_MS;
    for (let now = asked;; now = await reader.bounds(topics, signal)) {
        const open = unsettled(asked, now);
        if (open === null)
            return asked;
        if (clock.monotonic() > deadline)
            throw hanging(open, brokers);
        await clock.sleep(POLL_MS, signal);
        signal.throwIfAborted();
    }
}
function unsettled(asked, now) {
    for (const [topic, partitions] of asked) {
        for (const [partition, { end }] of partitions.entries()) {
            const stable = now.get(topic)?.[partition]?.stable ?? -1;
            if (stable < end)
                return { topic, partition, stable, end };
        }
    }
    return null;
}
function hanging({ topic, partition, stable, end }, brokers) {
    const tool = `kafka-transactions.sh --bootstrap-server ${brokers}`;
    return new PublisherError('kafka.hanging_transaction', `${topic} partition ${partition}: a transaction is still open at offset ${stable}, before the end at ${end}, after ${PATIENCE_MS / 1000} s`, {
        remedy: `Committed records may be hidden behind it, so nothing is published. Wait for its time-out; if it stays, end it: ` +
            `${tool} abort --topic ${topic} --partition ${partition} --start-offset ${stable}`,
    });
}
