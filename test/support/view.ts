// The whole account as an independent consumer sees it, against what the simulator would answer now.
import { dataTopic } from '../../src/kafka/topics.ts';
import { createDecoder, type Message } from './consumer.ts';
import { readCommitted } from './kafka.ts';
import { type Evidence, type Judged, judge, type Verdict } from './oracle.ts';
import type { Where } from './publisher.ts';
import { identityOf, streams } from './truth.ts';

export interface View extends Verdict {
  readonly messages: readonly Message[];
}

/** Reads all 32 topics and judges them. The simulator must be quiet. */
export async function viewOf(where: Where, options: Judged = {}): Promise<View> {
  const topics = new Map(streams.map((stream) => [dataTopic(where.prefix, stream.name), stream.name]));
  const messages = await readCommitted(where.bootstrap, [...topics.keys()]);
  return { messages, ...(await judge(where.simulator, evidenceIn(messages, topics, where.registryUrl), options)) };
}

function evidenceIn(messages: readonly Message[], topics: ReadonlyMap<string, string>, registryUrl: string): Evidence {
  const decode = createDecoder(registryUrl);
  const identities = new Map(streams.map((stream) => [stream.name, identityOf(stream)]));
  const history = messages.map(({ topic, partition, offset, key, value, headers }) => ({
    ...{ stream: topics.get(topic)!, key: key.toString('hex'), value },
    sourceTsMs: headers.__source_ts_ms === undefined ? null : Number(headers.__source_ts_ms),
    where: `${topic} partition ${partition} offset ${offset}`,
  }));
  const bytes = ({ key, value }: (typeof history)[number]) => ({ key: Buffer.from(key, 'hex'), value });
  return {
    history,
    idOf: async (message) => identities.get(message.stream)!((await decode({ ...bytes(message), value: null })).key),
    decode: (message) => decode(bytes(message)),
  };
}
