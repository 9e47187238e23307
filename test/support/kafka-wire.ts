// Kafka's protocol, as far as a proxy has to know it: the head of a request, where answers name brokers, and how each kind of
// answer says that it failed. kafkajs' encoder and decoder do the bytes; nothing of the publisher's own code is used.
import Decoder from 'kafkajs/src/protocol/decoder.js';
import Encoder from 'kafkajs/src/protocol/encoder.js';

/** Kafka's numbers of the requests that the publisher sends. */
export const API = {
  produce: 0,
  fetch: 1,
  listOffsets: 2,
  metadata: 3,
  findCoordinator: 10,
  createTopics: 19,
  initProducerId: 22,
  addPartitions: 24,
  endTransaction: 26,
} as const;

export interface Request {
  readonly api: number;
  readonly version: number;
  readonly correlationId: number;
  /** The whole request behind its length. */
  readonly bytes: Buffer;
}

export interface Address {
  readonly nodeId: number;
  readonly port: number;
}

export function readRequest(bytes: Buffer): Request {
  return { api: bytes.readInt16BE(0), version: bytes.readInt16BE(2), correlationId: bytes.readInt32BE(4), bytes };
}

/** Whether a request speaks of a topic, in any version: a name stands behind its length. */
export function names(topic: string): (request: Request) => boolean {
  const text = new Encoder().writeString(topic).buffer;
  return ({ bytes }) => bytes.includes(text);
}

/** Whether a Metadata request is for all topics of the cluster: it names none, not even an empty list of them. */
export function asksForAllTopics(request: Request): boolean {
  return request.api === API.metadata && bodyOf(request).readInt32() === -1;
}

/** The partitions that a Produce request carries records for, as `topic/partition`. */
export function producedPartitions(request: Request): string[] {
  return listProduced(bodyOf(request)).flatMap(({ topic, partitions }) => partitions.map((id) => `${topic}/${id}`));
}

/** The answer, without its length, by which a broker says that the request failed with `code`. */
export function failure(request: Request, code: number, brokers: readonly Address[]): Buffer {
  const encode = FAILURES[request.api]?.[request.version];
  if (!encode) throw new Error(`how request ${request.api} version ${request.version} fails is not known here`);
  return new Encoder().writeInt32(request.correlationId).writeEncoder(encode(bodyOf(request), code, brokers)).buffer;
}

/**
 * Replaces the ports of brokers on 127.0.0.1 in an answer that names brokers; others stay. An address is a text, behind its
 * length, and a port, in all versions before the flexible ones.
 */
export function readdress({ api }: Request, answer: Buffer, ports: ReadonlyMap<number, number>): Buffer {
  if (api !== API.metadata && api !== API.findCoordinator) return answer;
  const host = new Encoder().writeString('127.0.0.1').buffer;
  for (let at = answer.indexOf(host); at >= 0; at = answer.indexOf(host, at + 1)) {
    const where = at + host.length;
    const port = ports.get(answer.readInt32BE(where));
    if (port !== undefined) answer.writeInt32BE(port, where);
  }
  return answer;
}

/** Behind api, version, correlation id and the client's name. */
function bodyOf({ bytes }: Request): Decoder {
  const decoder = new Decoder(bytes.subarray(8));
  decoder.readString();
  return decoder;
}

type Fail = (request: Decoder, code: number, brokers: readonly Address[]) => Encoder;

/** By request and version: the versions that kafkajs 2.2.4 speaks to brokers of today. */
const FAILURES: Readonly<Record<number, Readonly<Record<number, Fail>>>> = {
  [API.produce]: { 7: failedProduce },
  [API.fetch]: { 11: failedFetch },
  [API.metadata]: { 6: failedMetadata },
  [API.findCoordinator]: { 2: failedFindCoordinator },
  [API.createTopics]: { 3: failedCreateTopics },
  [API.initProducerId]: {
    1: (_, code) => new Encoder().writeInt32(0).writeInt16(code).writeInt64('-1').writeInt16(-1),
  },
  [API.addPartitions]: { 1: failedAddPartitions },
  [API.endTransaction]: { 1: (_, code) => new Encoder().writeInt32(0).writeInt16(code) },
};

interface Named<T> {
  readonly topic: string;
  readonly partitions: readonly T[];
}

function readTopics(request: Decoder, readPartition: () => number): Named<number>[] {
  return request.readArray(() => ({ topic: request.readString()!, partitions: request.readArray(readPartition) }));
}

function writeTopics(topics: readonly Named<number>[], write: (partition: number) => Encoder): Encoder {
  const each = ({ topic, partitions }: Named<number>) =>
    new Encoder().writeString(topic).writeArray(partitions.map(write));
  return new Encoder().writeArray(topics.map(each));
}

function listProduced(request: Decoder): Named<number>[] {
  request.readString(); // transactional id
  request.readInt16(); // acks
  request.readInt32(); // time-out
  return readTopics(request, () => {
    const partition = request.readInt32();
    request.readBytes();
    return partition;
  });
}

function failedProduce(request: Decoder, code: number): Encoder {
  const none = '-1';
  return writeTopics(listProduced(request), (partition) =>
    new Encoder().writeInt32(partition).writeInt16(code).writeInt64(none).writeInt64(none).writeInt64(none),
  ).writeInt32(0);
}

function failedAddPartitions(request: Decoder, code: number): Encoder {
  request.readString(); // transactional id
  request.readInt64(); // producer id
  request.readInt16(); // epoch
  const topics = readTopics(request, () => request.readInt32());
  return new Encoder()
    .writeInt32(0)
    .writeEncoder(writeTopics(topics, (partition) => new Encoder().writeInt32(partition).writeInt16(code)));
}

function failedFetch(request: Decoder, code: number): Encoder {
  for (let i = 0; i < 4; i++) request.readInt32(); // replica, wait, least and most bytes
  request.readInt8(); // isolation
  request.readInt32(); // session
  request.readInt32(); // session's epoch
  const topics = readTopics(request, () => {
    const partition = request.readInt32();
    request.readInt32(); // leader's epoch
    request.readInt64(); // offset
    request.readInt64(); // log start
    request.readInt32(); // bytes
    return partition;
  });
  const none = '-1';
  const failed = writeTopics(
    topics,
    (partition) =>
      new Encoder()
        .writeInt32(partition)
        .writeInt16(code)
        .writeInt64(none)
        .writeInt64(none)
        .writeInt64(none)
        .writeInt32(-1) // no aborted transactions
        .writeInt32(-1) // no preferred replica
        .writeInt32(-1), // no records
  );
  return new Encoder().writeInt32(0).writeInt16(0).writeInt32(0).writeEncoder(failed);
}

function failedFindCoordinator(_: Decoder, code: number): Encoder {
  return new Encoder().writeInt32(0).writeInt16(code).writeString(null).writeInt32(-1).writeString('').writeInt32(-1);
}

function failedCreateTopics(request: Decoder, code: number): Encoder {
  const topics = request.readArray(() => {
    const topic = request.readString();
    request.readInt32(); // partitions
    request.readInt16(); // replicas
    request.readArray(() => [request.readInt32(), request.readArray(() => request.readInt32())]);
    request.readArray(() => [request.readString(), request.readString()]);
    return topic;
  });
  const failed = topics.map((topic) => new Encoder().writeString(topic).writeInt16(code).writeString(null));
  return new Encoder().writeInt32(0).writeArray(failed);
}

function failedMetadata(request: Decoder, code: number, brokers: readonly Address[]): Encoder {
  const topics = request.readArray(() => request.readString()!);
  const places = brokers.map(({ nodeId, port }) =>
    new Encoder().writeInt32(nodeId).writeString('127.0.0.1').writeInt32(port).writeString(null),
  );
  const failed = topics.map((topic) =>
    new Encoder().writeInt16(code).writeString(topic).writeBoolean(false).writeArray([]),
  );
  return new Encoder()
    .writeInt32(0)
    .writeArray(places)
    .writeString(null) // the cluster's id
    .writeInt32(brokers[0]!.nodeId) // the controller
    .writeArray(failed);
}
