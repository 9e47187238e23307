import { systemClock } from '../base/clock.js';
import { PublisherError } from '../base/errors.js';
import { isLasting, isUnknownTopic, lacksReplicas, translate } from './failures.js';
const DAY_MS = 86_400_000;
// kafkajs' ConfigResourceTypes.TOPIC, which native ESM cannot import by name.
const TOPIC_RESOURCE = 2;
// `producer` keeps batches as we wrote them: a broker that recompresses with lz4 or zstd would hide them from the reader.
const COMPACTED = { 'cleanup.policy': 'compact', 'compression.type': 'producer' };
const READABLE_COMPRESSION = ['producer', 'gzip', 'uncompressed', 'none'];
/**
 * What the topics that are ours alone take: letters with whole records, state rows with many suspects. Far more would keep a
 * transaction open for too long, and brokers with a small heap die of it.
 */
export const LARGEST_BYTES = 8 * 2 ** 20;
/** Kafka's own default, for brokers that do not let us ask. */
const DEFAULT_MAX_BYTES = 1_048_588;
const VISIBLE_PATIENCE_MS = 15_000;
const VISIBLE_POLL_MS = 50;
/** As long as a broker takes to start, or to be believed again by its controller. */
const REPLICAS_PATIENCE_MS = 30_000;
const REPLICAS_POLL_MS = 500;
export function dataTopic(prefix, stream) {
    return `${prefix}.${stream}`;
}
export function stateTopic(prefix) {
    return `${prefix}.state`;
}
export function deadLetterTopic(prefix) {
    return `${prefix}.dead-letters`;
}
export function notificationTopic(prefix) {
    return `${prefix}.notifications`;
}
/**
 * Makes the topics that are absent and verifies the others; returns every topic's layout. Throws `kafka.topic_contract`
 * with all offenders and the commands that mend them, `kafka.unauthorised`, `kafka.unavailable`.
 */
export async function ensureTopics(connection, settings, streams, log, clock = systemClock, signal) {
    const specifications = specify(settings, streams);
    return withAdmin(connection, settings, 'verifying the topics', async (admin) => {
        const missing = await absent(admin, specifications);
        if (missing.length > 0) {
            await createSoon(admin, missing, settings.replication_factor, clock, signal);
            log('info', 'topics made', { topics: missing.map(({ topic }) => topic) });
        }
        const found = await describeSoon(admin, specifications, clock, signal);
        const offenders = specifications.map((one) => judge(one, found.get(one.topic), connection)).filter(isRefused);
        if (offenders.length > 0)
            throw contract(offenders);
        for (const { topic, partitions } of specifications) {
            const actual = found.get(topic).partitions;
            if (actual !== partitions)
                log('info', 'the topic keeps its own partitions', { topic, partitions: actual });
        }
        return found;
    });
}
/** The same judgement for `check`; reads only. Also proves that we may use the transactional id, when it is given. */
export async function describeTopics(connection, settings, streams, transactionalId) {
    const specifications = specify(settings, streams);
    if (transactionalId !== undefined)
        await verifyTransactionalId(connection, settings.prefix, transactionalId);
    return withAdmin(connection, settings, 'describing the topics', async (admin) => {
        const missing = new Set(await absent(admin, specifications));
        const present = specifications.filter((one) => !missing.has(one));
        const found = await describe(admin, present.map(({ topic }) => topic));
        return specifications.map((one) => missing.has(one) ? { topic: one.topic, state: 'missing' } : judge(one, found.get(one.topic), connection));
    });
}
/** Whether the topic is there. Without the state topic, nothing was ever published under this prefix. */
export async function hasTopic(connection, prefix, topic) {
    return (await presentTopics(connection, prefix)).has(topic);
}
/** The topics of the cluster that we may see; `prefix` is for messages. */
export function presentTopics(connection, prefix) {
    return withAdmin(connection, { prefix }, 'listing the topics', async (admin) => new Set(await admin.listTopics()));
}
function specify({ prefix, partitions }, streams) {
    const expiring = (topic, days) => ({
        topic,
        partitions: 1,
        compacted: false,
        configuration: {
            'cleanup.policy': 'delete',
            'retention.ms': String(days * DAY_MS),
            'max.message.bytes': String(LARGEST_BYTES),
        },
    });
    return [
        ...streams.map(({ name }) => ({
            topic: dataTopic(prefix, name),
            partitions,
            compacted: true,
            configuration: COMPACTED,
        })),
        {
            topic: stateTopic(prefix),
            partitions: 1,
            compacted: true,
            // Compaction leaves the newest segment alone; a small one bounds what a start has to read.
            configuration: {
                ...COMPACTED,
                'segment.bytes': String(50 << 20),
                'max.message.bytes': String(LARGEST_BYTES),
            },
        },
        expiring(deadLetterTopic(prefix), 30),
        expiring(notificationTopic(prefix), 7),
    ];
}
function judge({ topic, compacted }, found, { brokers }) {
    if (!compacted)
        return { topic, state: 'ok' };
    const policy = found.configuration.get('cleanup.policy') ?? 'compact';
    const compression = found.configuration.get('compression.type') ?? 'producer';
    const changes = [];
    const problems = [];
    if (policy !== 'compact') {
        problems.push(`cleanup.policy is ${policy}, so records expire that must stay`);
        changes.push('cleanup.policy=compact');
    }
    if (!READABLE_COMPRESSION.includes(compression)) {
        problems.push(`compression.type is ${compression}, which we cannot read back`);
        changes.push('compression.type=producer');
    }
    if (changes.length === 0)
        return { topic, state: 'ok' };
    const command = `kafka-configs.sh --bootstrap-server ${brokers} --alter --entity-type topics --entity-name ${topic} --add-config ${changes.join(',')}`;
    return { topic, state: 'refused', problem: problems.join('; '), command };
}
function isRefused(report) {
    return report.state === 'refused';
}
function contract(offenders) {
    return new PublisherError('kafka.topic_contract', offenders.map(({ topic, problem }) => `topic ${topic}: ${problem}`).join('\n'), { remedy: offenders.map(({ command }) => command).join('\n') });
}
async function absent(admin, specifications) {
    const present = new Set(await admin.listTopics());
    return specifications.filter(({ topic }) => !present.has(topic));
}
/** A topic that was just made, or just deleted, takes a moment until every broker knows. */
function describeSoon(admin, specifications, clock, signal) {
    const topics = specifications.map(({ topic }) => topic);
    const patience = { isEarly: isUnknownTopic, patienceMs: VISIBLE_PATIENCE_MS, pollMs: VISIBLE_POLL_MS };
    return soon(() => describe(admin, topics), patience, clock, signal);
}
/** A broker that is starting, or was slow for a moment, takes no replicas yet: that looks like too few brokers for good. */
function createSoon(admin, missing, replicationFactor, clock, signal) {
    const patience = { isEarly: lacksReplicas, patienceMs: REPLICAS_PATIENCE_MS, pollMs: REPLICAS_POLL_MS };
    return soon(() => create(admin, missing, replicationFactor), patience, clock, signal);
}
/** Asks again while what it fails with may only mean that it is too early. */
async function soon(work, { isEarly, patienceMs, pollMs }, clock, signal) {
    const deadline = clock.monotonic() + patienceMs;
    for (;;) {
        try {
            return await work();
        }
        catch (error) {
            signal?.throwIfAborted();
            if (!isEarly(error) || clock.monotonic() > deadline)
                throw error;
            await clock.sleep(pollMs, signal);
        }
    }
}
async function create(admin, missing, replicationFactor) {
    try {
        await admin.createTopics({
            timeout: 10_000,
            // kafkajs' own wait gives up at the first broker that has not heard of the topic yet.
            waitForLeaders: false,
            topics: missing.map(({ topic, partitions, configuration }) => ({
                topic,
                numPartitions: partitions,
                replicationFactor,
                configEntries: Object.entries(configuration).map(([name, value]) => ({ name, value })),
            })),
        });
    }
    catch (error) {
        // Another account's instance may have been faster with some of them: those are verified like any present topic.
        const errors = error.cause?.errors ?? [];
        const others = errors.filter(({ type }) => type !== 'TOPIC_ALREADY_EXISTS');
        if (errors.length === 0)
            throw error;
        if (others.length > 0)
            throw others[0];
    }
}
async function describe(admin, topics) {
    if (topics.length === 0)
        return new Map();
    const { topics: metadata } = await admin.fetchTopicMetadata({ topics: [...topics] });
    const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: topics.map((name) => ({ type: TOPIC_RESOURCE, name })),
    });
    const configurations = new Map(resources.map(({ resourceName, configEntries }) => [
        resourceName,
        new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])),
    ]));
    return new Map(metadata.map(({ name, partitions }) => {
        const configuration = configurations.get(name) ?? new Map();
        const maxBytes = Number(configuration.get('max.message.bytes') ?? DEFAULT_MAX_BYTES);
        return [name, { partitions: partitions.length, maxBytes, configuration }];
    }));
}
async function withAdmin(connection, { prefix }, doing, work) {
    const admin = connection.kafka.admin();
    try {
        await admin.connect();
        return await work(admin);
    }
    catch (error) {
        throw translate(error, doing, { brokers: connection.brokers, prefix });
    }
    finally {
        await admin.disconnect();
    }
}
const TRANSACTION_COORDINATOR = 1;
/**
 * Throws `kafka.unauthorised` when we may not use the transactional id: kafkajs hides that behind a coordinator that is not
 * found. Asking for the coordinator needs the right and fences nobody; that it is not there yet is no answer.
 */
export async function verifyTransactionalId(connection, prefix, transactionalId) {
    const cluster = connection.cluster();
    try {
        await cluster.connect();
        await cluster.refreshMetadata();
        const broker = await cluster.findBroker({ nodeId: cluster.getNodeIds()[0] });
        await broker.findGroupCoordinator({ groupId: transactionalId, coordinatorType: TRANSACTION_COORDINATOR });
    }
    catch (error) {
        const place = { brokers: connection.brokers, prefix, transactionalId };
        if (isLasting(error))
            throw translate(error, `asking for the coordinator of ${transactionalId}`, place);
    }
    finally {
        await cluster.disconnect();
    }
}
