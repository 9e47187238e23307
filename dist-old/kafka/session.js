// One transactional producer from fencing to the first doubt. Keeps the discipline that makes kafkajs exactly-once: one
// send at a time to one partition, its answer verified, and after any failure the producer never speaks again. What is
// sent is publisher.ts' business.
import { CompressionTypes, Partitioners } from 'kafkajs';
import createProducer from 'kafkajs/src/producer/index.js';
import { atMost } from '../base/clock.js';
import { assert, PublisherError } from '../base/errors.js';
import { isLasting, translate } from './failures.js';
import { produce } from './produce.js';
export class TransactionFailure extends Error {
    constructor(cause) {
        super('a transaction failed; its outcome is unknown', { cause });
        this.name = 'TransactionFailure';
    }
}
/** The coordinator may be loading, or still ending the transaction of a predecessor. */
const FENCE_PATIENCE_MS = 20_000;
const ABORT_PATIENCE_MS = 2_000;
const GOODBYE_PATIENCE_MS = 2_000;
/** How long a leader waits for its replicas before it refuses a send. */
const REPLICATION_TIMEOUT_MS = 30_000;
/**
 * Initialises a producer with our transactional id: from here on every older one is refused by the broker, and what it
 * left open is aborted.
 */
export async function fence(connection, options, signal) {
    const { clock, random, place, transactionalId } = options;
    const deadline = clock.monotonic() + FENCE_PATIENCE_MS;
    for (let pauseMs = 100;; pauseMs = Math.min(pauseMs * 2, 1_000)) {
        const producer = createProducer({
            cluster: producingCluster(connection, clock),
            logger: connection.kafka.logger(),
            transactionalId,
            transactionTimeout: options.transactionTimeoutMs,
            idempotent: true,
            createPartitioner: Partitioners.DefaultPartitioner,
            // 5 ms: right after a commit the markers are still being written, and the next transaction waits for them. With
            // kafkajs' 300 ms there are 5 to 11 transactions a second, with 5 ms over 100.
            retry: { initialRetryTime: 5, maxRetryTime: 300, retries: 20 },
        });
        try {
            await producer.connect();
            // kafkajs sends InitProducerId with the first transaction; ending it at once sends nothing more.
            const first = await producer.transaction();
            await first.abort();
            return openSession(producer, options);
        }
        catch (error) {
            await goodbye(producer, clock);
            signal.throwIfAborted();
            if (isLasting(error) || clock.monotonic() > deadline)
                throw translate(error, `fencing ${transactionalId}`, place);
            await clock.sleep(pauseMs * (0.5 + random()), signal);
            signal.throwIfAborted();
        }
    }
}
/** kafkajs' view of the cluster with our way to write what is sent. */
function producingCluster(connection, clock) {
    const cluster = connection.cluster({ maxInFlightRequests: 1 });
    const findBroker = cluster.findBroker.bind(cluster);
    cluster.findBroker = async (node) => {
        const broker = await findBroker(node);
        broker.produce = (request) => produce(broker, request, clock);
        return broker;
    };
    return cluster;
}
function openSession(producer, { clock, compression, transactionTimeoutMs }) {
    const codec = compression === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None;
    let state = 'ready';
    let usedAt = clock.monotonic();
    return {
        get usedAt() {
            return usedAt;
        },
        transact,
        close: async () => {
            // After a failure there is nothing to wait for: the publisher cuts the connection.
            if (state !== 'over')
                await goodbye(producer, clock);
            state = 'over';
        },
    };
    async function transact(work) {
        assert(state === 'ready', 'one transaction at a time, and none after a failure');
        state = 'in transaction';
        let transaction = null;
        // A transaction that is open for half its time-out is given up while the broker still knows it: beyond the time-out,
        // the broker's own abort looks like fencing by another instance.
        const limitMs = transactionTimeoutMs / 2;
        let cancel = () => { };
        const overdue = new Promise((_, reject) => {
            cancel = clock.after(limitMs, () => reject(new Error(`the transaction was still open after ${limitMs} ms`)));
        });
        try {
            const result = await Promise.race([overdue, attempt()]);
            state = 'ready';
            usedAt = clock.monotonic();
            return result;
        }
        catch (error) {
            state = 'over';
            await giveUp(transaction);
            throw new TransactionFailure(error);
        }
        finally {
            cancel();
        }
        async function attempt() {
            const begun = await producer.transaction();
            transaction = begun;
            const result = await work(async (topic, partition, messages) => {
                goOn();
                return verified(await begun.send({
                    topic,
                    messages: [...messages],
                    acks: -1,
                    timeout: REPLICATION_TIMEOUT_MS,
                    compression: codec,
                }), topic, partition);
            });
            goOn();
            await begun.commit();
            return result;
        }
        // The race above may have been lost while a send was waiting: what comes back late must not go on sending.
        function goOn() {
            if (state !== 'in transaction')
                throw new Error('the transaction was given up');
        }
    }
    /** Aborting only spares readers the wait for the time-out; whether it works makes no difference to us. */
    async function giveUp(transaction) {
        await atMost(clock, ABORT_PATIENCE_MS, transaction?.abort());
    }
}
/**
 * kafkajs resolves a send whose records reached nobody when a leader moves between two tries; then the answer does not
 * name our partition. Only an answer for exactly this partition, with an offset, is an acknowledgement.
 */
export function verified(answer, topic, partition) {
    const [only] = answer;
    const offset = Number(only?.baseOffset ?? -1);
    const acknowledged = answer.length === 1 && only.topicName === topic && only.partition === partition && only.errorCode === 0;
    if (!acknowledged || !(offset >= 0)) {
        throw new PublisherError('kafka.doubt', `the broker did not acknowledge the records for ${topic} partition ${partition}`);
    }
    return offset;
}
/** `disconnect` waits for requests in flight, up to their time-out of 30 s: not that long. */
async function goodbye(producer, clock) {
    await atMost(clock, GOODBYE_PATIENCE_MS, producer.disconnect());
}
