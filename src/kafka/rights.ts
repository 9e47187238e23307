// Our rights on our topics by the broker's ACLs: asked with Metadata version 8 (brokers since 2.3), which kafkajs does not
// speak, so that a check proves more than form and a failure names what it is about.
import type { Broker } from 'kafkajs/src/cluster/index.js';
import Decoder from 'kafkajs/src/protocol/decoder.js';
import metadataRequest from 'kafkajs/src/protocol/requests/metadata/v6/request.js';
import { PublisherError } from '../base/errors.ts';
import type { Brokers } from './brokers.ts';
import { deniesWin, isLasting, translate } from './failures.ts';
import type { Asker } from './traffic.ts';

/** By Kafka's AclOperation. */
const OPERATIONS = { Read: 3, Write: 4, Describe: 8, DescribeConfigs: 10 } as const;

/** Operations that we need on a topic. */
export interface Need {
  readonly topic: string;
  readonly operations: readonly (keyof typeof OPERATIONS)[];
}

/** Operations on a topic that we have no right to. */
export interface Lack {
  readonly topic: string;
  readonly operations: readonly (keyof typeof OPERATIONS | 'Create')[];
}

const METADATA = 3;
const VERSION = 8;
const TOPIC_AUTHORIZATION_FAILED = 29;
/** The broker does not say. */
const UNKNOWN = -(2 ** 31);

/** The rights that are missing of those that are needed; none when the broker cannot tell. Rejects as kafkajs does. */
export async function lacking(brokers: Brokers, needs: readonly Need[]): Promise<Lack[]> {
  const topics = needs.map(({ topic }) => topic);
  const rights = await brokers.ask(async ({ brokerPool }) => askRights(await brokerPool.findConnectedBroker(), topics));
  return needs.flatMap(({ topic, operations }) => {
    const bits = rights.get(topic);
    if (bits === undefined || bits === UNKNOWN) return [];
    const missing = operations.filter((name) => (bits & (1 << OPERATIONS[name])) === 0);
    return missing.length > 0 ? [{ topic, operations: missing }] : [];
  });
}

const TRANSACTION_COORDINATOR = 1;

/**
 * Throws `kafka.unauthorised` when we may not use the transactional id: kafkajs hides that behind a coordinator that is not
 * found. Asking for the coordinator needs the right and fences nobody; that it is not there yet is no answer.
 */
export async function verifyTransactionalId(
  brokers: Brokers,
  prefix: string,
  transactionalId: string,
  asker?: Asker,
): Promise<void> {
  const question = { groupId: transactionalId, coordinatorType: TRANSACTION_COORDINATOR };
  try {
    await brokers.ask(async ({ brokerPool }) => {
      return (await brokerPool.findConnectedBroker()).findGroupCoordinator(question);
    }, asker);
  } catch (error) {
    const place = { brokers: brokers.names, prefix, transactionalId };
    if (isLasting(error)) throw translate(error, `asking for the coordinator of ${transactionalId}`, place);
  }
}

/** By topic one bit for each operation that is allowed; nothing of a broker that is too old to be asked. */
async function askRights(broker: Broker, topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
  if ((broker.versions[METADATA]?.maxVersion ?? 0) < VERSION) return new Map();
  const { encode, ...request } = metadataRequest({ topics, allowAutoTopicCreation: false });
  return broker.connectionPool.send({
    request: {
      ...request,
      apiVersion: VERSION,
      // Not what we may do with the cluster, but with each topic.
      encode: async () => (await encode()).writeBoolean(false).writeBoolean(true),
    },
    response: { decode: async (payload) => decodeRights(payload), parse: async (rights) => rights },
  });
}

function decodeRights(payload: Buffer): Map<string, number> {
  const answer = new Decoder(payload);
  answer.forward(4); // throttle time
  answer.readArray(() => {
    answer.forward(4); // node id
    answer.readString(); // host
    answer.forward(4); // port
    answer.readString(); // rack
  });
  answer.readString(); // cluster id
  answer.forward(4); // controller
  const rights = answer.readArray((): [string, number] => {
    const errorCode = answer.readInt16();
    const topic = answer.readString()!;
    answer.forward(1); // is internal
    answer.readArray(() => {
      answer.forward(2 + 4 + 4 + 4); // error code, partition, leader and its epoch
      for (let lists = 3; lists > 0; lists--) answer.forward(4 * answer.readInt32()); // replicas: all, in sync, offline
    });
    const bits = answer.readInt32();
    // Of a topic that we may not even know of, the broker tells nothing else.
    return [topic, errorCode === TOPIC_AUTHORIZATION_FAILED ? 0 : bits];
  });
  return new Map(rights);
}

const TOLD_MAX = 5;

/** The failure that names what is missing; `doing` completes "while …". */
export function forbidden(lacks: readonly Lack[], doing: string, { names }: Brokers): PublisherError {
  const told = lacks.slice(0, TOLD_MAX).map(({ topic, operations }) => `${operations.join(', ')} on topic ${topic}`);
  const more = lacks.length - told.length;
  const what = [...told, ...(more > 0 ? [`and on ${more} more`] : [])].join('; ');
  const grants = lacks.slice(0, TOLD_MAX).map((lack) => grant(lack, names));
  return new PublisherError('kafka.unauthorised', `no right to ${what} (while ${doing}, brokers ${names})`, {
    remedy: [...grants, deniesWin(names)].join('\n'),
  });
}

/** The command that gives what is missing. */
export function grant({ topic, operations }: Lack, brokers: string): string {
  const flags = operations.map((name) => `--operation ${name}`).join(' ');
  return `kafka-acls.sh --bootstrap-server ${brokers} --add --allow-principal User:<name> ${flags} --topic ${topic}`;
}
