// Reads ranges of topics: committed records only, several partitions at once, without a consumer group. Knows offsets,
// leaders and aborted transactions; what the records mean is the caller's business. Why not kafkajs' consumer:
// docs/decisions/0002-own-topic-reader.md.
import type Cluster from 'kafkajs/src/cluster/index.js';
import type { Broker } from 'kafkajs/src/cluster/index.js';
import { Backoff, type Pace, patiently } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import { PublisherError } from '../base/errors.ts';
import type { Brokers } from './brokers.ts';
import { type BrokerPlace, brokerError, isLasting, translate } from './failures.ts';
import { type FetchAnswer, type FetchedPartition, fetchBatches, partitionKey } from './fetch.ts';
import { askAnyBroker, leadersIn, UNKNOWN_TOPIC } from './metadata.ts';
import { decodeRecords, type FetchedRecord, isAbortMarker, type RecordBatch } from './record-batch.ts';
import type { Traffic } from './traffic.ts';

/** Offsets `from` (included) to `to` (not included). */
export interface PartitionRange {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

export interface PartitionBounds {
  /** The first offset that the log still has. */
  readonly start: number;
  /** Last stable offset: everything before it is committed or aborted. */
  readonly stable: number;
  /** High watermark: everything before it is replicated. */
  readonly end: number;
}

/** By topic; the index is the partition. */
export type Bounds = ReadonlyMap<string, readonly PartitionBounds[]>;

/** In the order of offsets within a partition; awaited when it returns a promise. */
export type OnRecord = (record: FetchedRecord, range: PartitionRange) => void | Promise<void>;

export type TopicReader = ReturnType<typeof createTopicReader>;

/** How long a read may stand still: a leader election, a commit marker under way. */
const STALL_MS = 15_000;
const PACE: Pace = { baseMs: 200, mostMs: 200, patienceMs: STALL_MS };
/** One answer without data may be bad luck (a stable offset that had just moved); the second is proof. */
const EMPTY_ANSWERS = 2;

const READ_UNCOMMITTED = 0;
const READ_COMMITTED = 1;
const EARLIEST = -2;
const LATEST = -1;

/** A range on its way: `fetched` runs ahead of `delivered` by one answer. */
interface Walk {
  readonly range: PartitionRange;
  fetched: number;
  delivered: number;
  emptyAnswers: number;
}

interface Delivery {
  readonly walk: Walk;
  readonly from: number;
  readonly to: number;
  readonly batches: readonly RecordBatch[];
}

/** All methods throw PublisherError `kafka.*`, or the reason of `signal` when that aborts. `traffic` counts what they ask. */
export function createTopicReader(brokers: Brokers, clock: Clock, place: BrokerPlace, traffic?: Traffic) {
  return { bounds, stable, read, readAll };

  async function bounds(topics: readonly string[], signal: AbortSignal): Promise<Bounds> {
    return asked(() => brokers.ask((cluster) => listBounds(cluster, topics), { signal, traffic }), signal);
  }

  /** The last stable offset of a topic's only partition, in one question with the others of this process. */
  async function stable(topic: string, signal: AbortSignal): Promise<number> {
    return asked(() => brokers.stableOffset(topic, { signal, traffic }), signal);
  }

  async function asked<T>(question: () => Promise<T>, signal: AbortSignal): Promise<T> {
    try {
      return await patiently(question, PACE, { clock, signal, mayPass: (error) => !isLasting(error) });
    } catch (error) {
      signal.throwIfAborted();
      throw translate(error, 'asking for offsets', place);
    }
  }

  /** Delivers what the topics hold committed now. */
  async function readAll(topics: readonly string[], onRecord: OnRecord, signal: AbortSignal): Promise<void> {
    const found = await bounds(topics, signal);
    const ranges = [...found].flatMap(([topic, partitions]) =>
      partitions.map(({ start, stable }, partition) => ({ topic, partition, from: start, to: stable })),
    );
    await read(ranges, onRecord, signal);
  }

  /** Delivers every committed record of the ranges. Gives up when nothing moves for 15 s. */
  async function read(ranges: readonly PartitionRange[], onRecord: OnRecord, signal: AbortSignal): Promise<void> {
    const walkOf = (range: PartitionRange) => ({ range, fetched: range.from, delivered: range.from, emptyAnswers: 0 });
    let walks: Walk[] = ranges.map(walkOf);
    const backoff = new Backoff(PACE, { clock });
    backoff.begin();
    for (;;) {
      walks = walks.filter(({ delivered, range }) => delivered < range.to);
      if (walks.length === 0) return;
      const before = sum(walks);
      const failure = await walkOnce(walks, onRecord, signal);
      if (failure === null) continue;
      if (sum(walks) > before) backoff.begin();
      const pauseMs = backoff.failed();
      const { topic, partition, to } = walks[0]!.range;
      if (isLasting(failure) || backoff.isSpent) {
        const one = `${topic} partition ${partition} up to offset ${to}`;
        throw translate(failure, `reading ${walks.length > 1 ? `${walks.length} partitions` : one}`, place);
      }
      await clock.sleep(pauseMs, signal);
    }
  }

  /**
   * Walks with the leaders as they are now. Returns what a leader or a connection failed with, after which the caller
   * walks on from `delivered`; throws what `onRecord` throws.
   */
  async function walkOnce(walks: readonly Walk[], onRecord: OnRecord, signal: AbortSignal): Promise<unknown> {
    const stop = new AbortController();
    const stopped = AbortSignal.any([signal, stop.signal]);
    let failure: unknown = null;
    const fail = (error: unknown) => {
      failure ??= error;
      stop.abort();
    };
    try {
      const groups = await brokers.ask((cluster) => groupByLeader(cluster, walks), { signal: stopped, traffic });
      // Every leader's walk has to be still before the caller starts over, or a record would be delivered twice.
      await Promise.all(groups.map(([broker, group]) => walkLeader(broker, group, onRecord, stopped).catch(fail)));
    } catch (error) {
      fail(error);
    }
    signal.throwIfAborted();
    if (failure instanceof DeliveryFailure) throw failure.cause;
    return failure;
  }

  async function walkLeader(broker: Broker, group: Walk[], onRecord: OnRecord, stopped: AbortSignal): Promise<void> {
    const ask = (walks: readonly Walk[]) => brokers.ask(() => fetch(broker, walks), { signal: stopped, traffic });
    for (const walk of group) walk.fetched = walk.delivered;
    let queue = group;
    let movedAt = clock.monotonic();
    let asked = ask(queue);
    while (queue.length > 0) {
      const answer = await asked;
      if (stopped.aborted) return;
      const deliveries = queue.map((walk, index) => receive(walk, answer, index === 0));
      if (deliveries.some(({ from, to }) => to > from)) movedAt = clock.monotonic();
      else if (clock.monotonic() - movedAt > STALL_MS) throw stalled(queue[0]!, answer);

      // A broker fills its answer in the order of the question, up to a size: whoever was served goes to the end.
      const served = new Set(deliveries.filter(({ batches }) => batches.length > 0).map(({ walk }) => walk));
      queue = [...queue.filter((walk) => !served.has(walk)), ...served].filter((walk) => walk.fetched < walk.range.to);
      // Asked before the records in hand are decoded, so that the broker works while we do.
      if (queue.length > 0) {
        asked = ask(queue);
        asked.catch(() => {}); // awaited in the next round
      }
      for (const delivery of deliveries) await deliver(delivery, onRecord, stopped);
    }
  }
}

function fetch(broker: Broker, queue: readonly Walk[]): Promise<FetchAnswer> {
  return fetchBatches(
    broker,
    queue.map(({ range, fetched }) => ({ topic: range.topic, partition: range.partition, offset: fetched })),
  );
}

/**
 * Moves `fetched` behind what the answer holds for a walk. Batch headers count, not records: compaction may leave a batch
 * empty, a marker is a batch too, and whatever vanished altogether shows as an empty answer below the stable offset.
 */
function receive(walk: Walk, answer: FetchAnswer, asksFirst: boolean): Delivery {
  const { topic, partition, to } = walk.range;
  const part = answer.partitions.get(partitionKey(topic, partition));
  if (!part) throw brokerError(UNKNOWN_TOPIC, topic, partition);
  if (part.errorCode !== 0) throw brokerError(part.errorCode, topic, partition);
  const from = walk.fetched;
  const last = part.batches.at(-1);
  if (last) {
    walk.fetched = Math.max(from, last.nextOffset);
    walk.emptyAnswers = 0;
  } else if (asksFirst && !answer.throttled && part.lastStableOffset >= to && ++walk.emptyAnswers >= EMPTY_ANSWERS) {
    // The first of the question gets at least one batch if there is one, so nothing is left between here and the end.
    walk.fetched = to;
  }
  return { walk, from, to: walk.fetched, batches: committed(part) };
}

/** The data batches of an answer without those of aborted transactions. */
function committed(part: FetchedPartition): RecordBatch[] {
  const upcoming = [...part.aborted].sort((a, b) => a.firstOffset - b.firstOffset);
  const aborting = new Set<bigint>();
  const batches: RecordBatch[] = [];
  for (const batch of part.batches) {
    while (upcoming.length > 0 && upcoming[0]!.firstOffset < batch.nextOffset)
      aborting.add(upcoming.shift()!.producerId);
    if (batch.control) {
      if (isAbortMarker(batch)) aborting.delete(batch.producerId);
    } else if (!batch.transactional || !aborting.has(batch.producerId)) {
      batches.push(batch);
    }
  }
  return batches;
}

async function deliver({ walk, from, to, batches }: Delivery, onRecord: OnRecord, stopped: AbortSignal): Promise<void> {
  for (const batch of batches) {
    const records = await decodeRecords(batch);
    if (stopped.aborted) return;
    for (const record of records) {
      // A fetch begins with the batch that holds the offset, which may begin before it.
      if (record.offset < from || record.offset >= walk.range.to) continue;
      try {
        const pending = onRecord(record, walk.range);
        if (pending) await pending;
      } catch (error) {
        throw new DeliveryFailure(error);
      }
      walk.delivered = record.offset + 1;
    }
  }
  walk.delivered = to;
}

/** Keeps what the caller's function throws apart from what Kafka throws, which is tried again. */
class DeliveryFailure extends Error {
  constructor(cause: unknown) {
    super('the receiver of a record failed', { cause });
  }
}

function stalled(walk: Walk, answer: FetchAnswer): PublisherError {
  const { topic, partition, to } = walk.range;
  const part = answer.partitions.get(partitionKey(topic, partition));
  const still = `${topic} partition ${partition} stands still at offset ${walk.fetched} of ${to}`;
  const why = `last stable offset ${part?.lastStableOffset}, high watermark ${part?.highWatermark}`;
  return new PublisherError('kafka.unavailable', `${still}: ${why}`);
}

function sum(walks: readonly Walk[]): number {
  return walks.reduce((total, { delivered }) => total + delivered, 0);
}

/** The walks by the broker that leads their partitions, which is connected. */
async function groupByLeader(cluster: Cluster, walks: readonly Walk[]): Promise<[Broker, Walk[]][]> {
  const leaders = await findLeaders(cluster, new Set(walks.map(({ range }) => range.topic)));
  const groups = new Map<number, Walk[]>();
  for (const walk of walks) {
    const { topic, partition } = walk.range;
    const leader = leaders.get(topic)?.[partition];
    if (leader === undefined) throw brokerError(3, topic, partition);
    groups.set(leader, [...(groups.get(leader) ?? []), walk]);
  }
  return Promise.all(
    [...groups].map(async ([leader, group]): Promise<[Broker, Walk[]]> => {
      return [await cluster.findBroker({ nodeId: String(leader) }), group];
    }),
  );
}

/** The node id of each partition's leader, asked anew: this is also the way out of an outdated view. */
async function findLeaders(cluster: Cluster, topics: Iterable<string>): Promise<Map<string, number[]>> {
  return leadersIn((await askAnyBroker(cluster, [...topics])).topicMetadata);
}

async function listBounds(cluster: Cluster, topics: readonly string[]): Promise<Bounds> {
  const leaders = await findLeaders(cluster, topics);
  const found = new Map(
    topics.map((topic) => [topic, leaders.get(topic)!.map(() => ({ start: 0, stable: 0, end: 0 }))]),
  );
  const brokers = new Set([...leaders.values()].flat());
  const questions = [
    { member: 'start', isolationLevel: READ_UNCOMMITTED, timestamp: EARLIEST },
    { member: 'stable', isolationLevel: READ_COMMITTED, timestamp: LATEST },
    { member: 'end', isolationLevel: READ_UNCOMMITTED, timestamp: LATEST },
  ] as const;
  for (const leader of brokers) {
    const broker = await cluster.findBroker({ nodeId: String(leader) });
    const led = (topic: string) => leaders.get(topic)!.flatMap((id, partition) => (id === leader ? [partition] : []));
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
        for (const { partition, offset } of partitions) found.get(topic)![partition]![member] = Number(offset);
      }
    }
  }
  return found;
}
