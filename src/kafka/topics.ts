// The topics: their names, what they must be, making the absent ones, judging the present ones. Alters
// nothing that exists: kafkajs can only replace a topic's whole configuration, so the command is shown instead.
import { type Pace, patiently } from '../base/backoff.ts';
import { type Clock, systemClock } from '../base/clock.ts';
import { PublisherError } from '../base/errors.ts';
import type { StreamDefinition } from '../streams/definition.ts';
import type { Brokers } from './brokers.ts';
import type { Log } from './connection.ts';
import { brokerError, deniesWin, isUnknownTopic, lacksReplicas, translate } from './failures.ts';
import { askAnyBroker, type FoundTopic, isForbidden, isPresent, leadersIn, TOPIC_FORBIDDEN } from './metadata.ts';
import { grant, type Lack, lacking, type Need, verifyTransactionalId } from './rights.ts';
import type { Asker } from './traffic.ts';

export interface TopicSettings {
  readonly prefix: string;
  /** Partitions of data topics that are made; a topic that exists keeps its own. */
  readonly partitions: number;
  /** -1 is the broker's default. */
  readonly replication_factor: number;
}

export interface TopicLayout {
  readonly partitions: number;
  /** `max.message.bytes`: the largest batch that the broker takes. */
  readonly maxBytes: number;
}

export interface TopicReport {
  readonly topic: string;
  readonly state: 'ok' | 'missing' | 'refused' | 'forbidden';
  /** Why it is refused, or which right is missing when it is forbidden. */
  readonly problem?: string;
  /** The command that mends it. */
  readonly command?: string;
}

interface TopicSpecification {
  readonly topic: string;
  readonly partitions: number;
  readonly configuration: Readonly<Record<string, string>>;
  /** We read it back, so nothing but compaction may remove records, and we must know its compression. */
  readonly compacted: boolean;
}

const DAY_MS = 86_400_000;
// kafkajs' ConfigResourceTypes.TOPIC, which native ESM cannot import by name.
const TOPIC_RESOURCE = 2;
// `producer` keeps batches as we wrote them: a broker that recompresses with lz4 or zstd would hide them from the reader.
const COMPACTED = { 'cleanup.policy': 'compact', 'compression.type': 'producer' } as const;
const READABLE_COMPRESSION = ['producer', 'gzip', 'uncompressed', 'none'];
/**
 * The largest batch of the topics that are ours alone: dead letters with whole records, state rows with many candidates. Far more would keep a
 * transaction open for too long, and brokers with a small heap die of it.
 */
export const LARGEST_BYTES = 8 * 2 ** 20;
/** Kafka's own default, for brokers that do not let us ask. */
const DEFAULT_MAX_BYTES = 1_048_588;
const VISIBLE_PACE: Pace = { baseMs: 50, mostMs: 50, patienceMs: 15_000 };
/** As long as a broker takes to start, or to be believed again by its controller. */
const REPLICAS_PACE: Pace = { baseMs: 500, mostMs: 500, patienceMs: 30_000 };

export function dataTopic(prefix: string, stream: string): string {
  return `${prefix}.${stream}`;
}

export function stateTopic(prefix: string): string {
  return `${prefix}.state`;
}

export function deadLetterTopic(prefix: string): string {
  return `${prefix}.dead-letters`;
}

export function notificationTopic(prefix: string): string {
  return `${prefix}.notifications`;
}

/**
 * Makes the topics that are absent and verifies the others; returns every topic's layout. Throws `kafka.topic_contract`
 * with all offenders and the commands that mend them, `kafka.unauthorised`, `kafka.unavailable`.
 */
export async function ensureTopics(
  brokers: Brokers,
  settings: TopicSettings,
  streams: readonly StreamDefinition[],
  log: Log,
  clock: Clock = systemClock,
  asker: Asker = {},
): Promise<ReadonlyMap<string, TopicLayout>> {
  const specifications = specify(settings, streams);
  const { signal } = asker;
  return translated(brokers, settings, 'verifying the topics', async () => {
    const seen = await look(brokers, namesOf(specifications), asker);
    // What is hidden from us cannot be verified, and is perhaps not to be made.
    for (const { topic } of seen.filter(isForbidden)) throw brokerError(TOPIC_FORBIDDEN, topic);
    const missing = absent(seen, specifications);
    if (missing.length > 0) {
      const make = () => create(brokers, missing, settings.replication_factor, asker);
      // A broker that is starting, or was slow for a moment, takes no replicas yet: that looks like too few brokers for good.
      await patiently(make, REPLICAS_PACE, { clock, signal, mayPass: lacksReplicas });
      log('info', 'topics made', { topics: namesOf(missing) });
    }
    // A topic that was just made, or just deleted, takes a moment until every broker knows.
    const describeAll = () => describe(brokers, namesOf(specifications), asker);
    const found = await patiently(describeAll, VISIBLE_PACE, { clock, signal, mayPass: isUnknownTopic });
    const reports = specifications.map((one) => judge(one, found.get(one.topic)!, brokers));
    const offenders = reports.filter(({ state }) => state === 'refused');
    if (offenders.length > 0) {
      const told = offenders.map(({ topic, problem }) => `topic ${topic}: ${problem}`).join('\n');
      const remedy = offenders.map(({ command }) => command).join('\n');
      throw new PublisherError('kafka.topic_contract', told, { remedy });
    }

    for (const { topic, partitions } of specifications) {
      const actual = found.get(topic)!.partitions;
      if (actual !== partitions) log('info', 'the topic keeps its own partitions', { topic, partitions: actual });
    }
    return found;
  });
}

/**
 * The same judgement for `check`, and whether the ACLs let us do what we must; reads only. Also proves that we may use the
 * transactional id, when it is given.
 */
export async function describeTopics(
  brokers: Brokers,
  settings: TopicSettings,
  streams: readonly StreamDefinition[],
  transactionalId?: string,
): Promise<readonly TopicReport[]> {
  const specifications = specify(settings, streams);
  if (transactionalId !== undefined) await verifyTransactionalId(brokers, settings.prefix, transactionalId);
  return translated(brokers, settings, 'describing the topics', async () => {
    const missing = new Set(absent(await look(brokers, namesOf(specifications)), specifications));
    const lacks = new Map<string, Lack>();
    for (const lack of await lacking(brokers, specifications.map(needOf))) lacks.set(lack.topic, lack);
    const makeable = [...missing].filter(({ topic }) => !lacks.has(topic));
    for (const lack of await unmakeable(brokers, makeable, settings)) lacks.set(lack.topic, lack);
    const legible = specifications.filter((one) => !missing.has(one) && !lacks.has(one.topic));
    const found = await describe(brokers, namesOf(legible));
    return specifications.map((one): TopicReport => {
      const { topic } = one;
      const lack = lacks.get(topic);
      if (lack) {
        const command = `${grant(lack, brokers.names)}\n${deniesWin(brokers.names)}`;
        return { topic, state: 'forbidden', problem: `no right to ${lack.operations.join(', ')}`, command };
      }
      return missing.has(one) ? { topic, state: 'missing' } : judge(one, found.get(topic)!, brokers);
    });
  });
}

/** The rights on these topics that we lack; none when the ACLs are not at fault, or the broker does not say. */
export function lackedRights(
  brokers: Brokers,
  settings: TopicSettings,
  streams: readonly StreamDefinition[],
): Promise<Lack[]> {
  return lacking(brokers, specify(settings, streams).map(needOf));
}

function needOf({ topic, compacted }: TopicSpecification): Need {
  return {
    topic,
    operations: compacted ? ['Read', 'Write', 'Describe', 'DescribeConfigs'] : ['Write', 'Describe', 'DescribeConfigs'],
  };
}

/** Those of the missing topics that we have no right to make. The broker only tries. */
async function unmakeable(
  brokers: Brokers,
  missing: readonly TopicSpecification[],
  { replication_factor }: TopicSettings,
): Promise<Lack[]> {
  try {
    if (missing.length > 0) await create(brokers, missing, replication_factor, {}, true);
    return [];
  } catch (error) {
    const refused = topicErrors(error).filter(({ type }) => type === 'TOPIC_AUTHORIZATION_FAILED');
    if (refused.length === 0) throw error;
    return refused.map(({ topic }) => ({ topic, operations: ['Create'] }));
  }
}

/** Of these topics, those that are there and that we may see; `prefix` is for messages. */
export function presentTopics(
  brokers: Brokers,
  prefix: string,
  topics: readonly string[],
  asker?: Asker,
): Promise<ReadonlySet<string>> {
  const work = async () => new Set((await look(brokers, topics, asker)).filter(isPresent).map(({ topic }) => topic));
  return translated(brokers, { prefix }, 'looking for the topics', work, asker?.signal);
}

function specify({ prefix, partitions }: TopicSettings, streams: readonly StreamDefinition[]): TopicSpecification[] {
  const largest = { 'max.message.bytes': String(LARGEST_BYTES) };
  const expiring = (topic: string, days: number): TopicSpecification => {
    const retention = { 'cleanup.policy': 'delete', 'retention.ms': String(days * DAY_MS) };
    return { topic, partitions: 1, compacted: false, configuration: { ...retention, ...largest } };
  };
  // Compaction leaves the newest segment alone; a small one bounds what a start has to read.
  const stateConfiguration = { ...COMPACTED, 'segment.bytes': String(50 << 20), ...largest };
  return [
    ...streams.map(({ name }) => ({
      topic: dataTopic(prefix, name),
      partitions,
      compacted: true,
      configuration: COMPACTED,
    })),
    { topic: stateTopic(prefix), partitions: 1, compacted: true, configuration: stateConfiguration },
    expiring(deadLetterTopic(prefix), 30),
    expiring(notificationTopic(prefix), 7),
  ];
}

interface DescribedTopic extends TopicLayout {
  readonly configuration: ReadonlyMap<string, string>;
}

function judge({ topic, compacted }: TopicSpecification, found: DescribedTopic, { names }: Brokers): TopicReport {
  if (!compacted) return { topic, state: 'ok' };
  const policy = found.configuration.get('cleanup.policy') ?? 'compact';
  const compression = found.configuration.get('compression.type') ?? 'producer';
  const changes: string[] = [];
  const problems: string[] = [];
  if (policy !== 'compact') {
    problems.push(`cleanup.policy is ${policy}, so records expire that must stay`);
    changes.push('cleanup.policy=compact');
  }
  if (!READABLE_COMPRESSION.includes(compression)) {
    problems.push(`compression.type is ${compression}, which we cannot read back`);
    changes.push('compression.type=producer');
  }
  if (changes.length === 0) return { topic, state: 'ok' };
  const command = `kafka-configs.sh --bootstrap-server ${names} --alter --entity-type topics --entity-name ${topic} --add-config ${changes.join(',')}`;
  return { topic, state: 'refused', problem: problems.join('; '), command };
}

function namesOf(specifications: readonly TopicSpecification[]): string[] {
  return specifications.map(({ topic }) => topic);
}

/** How the topics are, by a broker that is connected. */
async function look(brokers: Brokers, topics: readonly string[], asker?: Asker): Promise<readonly FoundTopic[]> {
  return (await brokers.ask((cluster) => askAnyBroker(cluster, topics), asker)).topicMetadata;
}

function absent(seen: readonly FoundTopic[], specifications: readonly TopicSpecification[]): TopicSpecification[] {
  const present = new Set(seen.filter(isPresent).map(({ topic }) => topic));
  return specifications.filter(({ topic }) => !present.has(topic));
}

async function create(
  brokers: Brokers,
  missing: readonly TopicSpecification[],
  replicationFactor: number,
  asker?: Asker,
  validateOnly = false,
): Promise<void> {
  const wanted = {
    timeout: 10_000,
    validateOnly,
    // kafkajs' own wait gives up at the first broker that has not heard of the topic yet.
    waitForLeaders: false,
    topics: missing.map(({ topic, partitions, configuration }) => ({
      topic,
      numPartitions: partitions,
      replicationFactor,
      configEntries: Object.entries(configuration).map(([name, value]) => ({ name, value })),
    })),
  };
  try {
    await brokers.administer((admin) => admin.createTopics(wanted), asker);
  } catch (error) {
    // Another account's instance may have been faster with some of them: those are verified like any present topic.
    const errors = topicErrors(error);
    const others = errors.filter(({ type }) => type !== 'TOPIC_ALREADY_EXISTS');
    if (errors.length === 0) throw error;
    if (others.length > 0) throw validateOnly ? error : others[0];
  }
}

interface TopicError extends Error {
  readonly topic: string;
  readonly type: string;
}

/** kafkajs' error for each topic that could not be made. */
function topicErrors(error: unknown): readonly TopicError[] {
  return (error as { errors?: TopicError[] }).errors ?? [];
}

async function describe(
  brokers: Brokers,
  topics: readonly string[],
  asker?: Asker,
): Promise<ReadonlyMap<string, DescribedTopic>> {
  if (topics.length === 0) return new Map();
  const leaders = leadersIn(await look(brokers, topics, asker));
  const wanted = { includeSynonyms: false, resources: topics.map((name) => ({ type: TOPIC_RESOURCE, name })) };
  const { resources } = await brokers.administer((admin) => admin.describeConfigs(wanted), asker);
  const configurations = new Map(
    resources.map(({ resourceName, configEntries }) => [
      resourceName,
      new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])),
    ]),
  );
  return new Map(
    [...leaders].map(([name, { length: partitions }]) => {
      const configuration = configurations.get(name) ?? new Map<string, string>();
      const maxBytes = Number(configuration.get('max.message.bytes') ?? DEFAULT_MAX_BYTES);
      return [name, { partitions, maxBytes, configuration }];
    }),
  );
}

async function translated<T>(
  brokers: Brokers,
  { prefix }: Pick<TopicSettings, 'prefix'>,
  doing: string,
  work: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    signal?.throwIfAborted();
    throw translate(error, doing, { brokers: brokers.names, prefix });
  }
}
