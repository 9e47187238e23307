// The whole account as an independent consumer sees it, against what the simulator would answer now.
import { dataTopic, stateTopic } from '../../src/kafka/topics.ts';
import type { StreamDefinition } from '../../src/streams/definition.ts';
import { createDecoder, type Message } from './consumer.ts';
import { readCommitted } from './kafka.ts';
import { type Evidence, falseChanges, type Judged, judge, type Verdict } from './oracle.ts';
import type { Where } from './publisher.ts';
import { identityOf, streams } from './truth.ts';

export interface View extends Verdict {
  readonly messages: readonly Message[];
}

/** Reads all topics of the account and judges them: 32, and those of derived streams that are switched on. The simulator must be quiet. */
export async function viewOf(where: Where, options: Judged = {}): Promise<View> {
  const names = streams.filter((stream) => isOn(stream, where)).map(({ name }) => name);
  const topics = new Map(names.map((name) => [dataTopic(where.prefix, name), name]));
  const messages = await readCommitted(where.bootstrap, [...topics.keys()]);
  const evidence = evidenceIn(messages, topics, where.registryUrl);
  return { messages, ...(await judge(where.simulator, evidence, { streams: names, ...options })) };
}

function isOn({ kind, name }: StreamDefinition, { settings = [] }: Where): boolean {
  return kind !== 'derived' || settings.includes(`streams.${name}.enabled=true`);
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

/**
 * State that is torn apart (P4): each state row counts the rows of its topic, so row and records became visible together or the
 * count is wrong. Nobody may commit meanwhile. Values repeated and older ones after newer ones are told too (P2, P3).
 */
export async function tornApart(where: Where, names: readonly string[]): Promise<string[]> {
  const state = stateTopic(where.prefix);
  const topics = new Map(names.map((name) => [dataTopic(where.prefix, name), name]));
  const messages = await readCommitted(where.bootstrap, [state, ...topics.keys()]);
  const counted = new Map<string, number>();
  for (const { key, value } of messages.filter(({ topic }) => topic === state)) {
    const [, { stream }] = JSON.parse(String(key)) as [string, { stream?: string }];
    if (stream !== undefined) counted.set(stream, (JSON.parse(String(value)) as { rows: number }).rows);
  }
  const data = messages.filter(({ topic }) => topic !== state);
  const { history } = evidenceIn(data, topics, where.registryUrl);
  const torn = names.flatMap((name) => {
    const last = new Map(history.filter(({ stream }) => stream === name).map(({ key, value }) => [key, value]));
    const size = [...last.values()].filter((value) => value !== null).length;
    const said = counted.get(name) ?? 0;
    return said === size ? [] : [`${name}: the state row counts ${said} rows, the topic has ${size}`];
  });
  return [...torn, ...falseChanges(history)];
}
