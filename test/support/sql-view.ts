// Are the tables what is on the topics? Row by row and column by column, with nothing of the publisher's own code: an independent
// consumer reads the topics, and the rows are asked from the database.
import { readFileSync } from 'node:fs';
import type { Postgres } from '../../lab/stack/postgres.ts';
import { dataTopic } from '../../src/kafka/topics.ts';
import { createDecoder, type Message } from './consumer.ts';
import { readCommitted } from './kafka.ts';
import { moved } from './patience.ts';
import type { Where } from './publisher.ts';
import { identityOf, streams } from './truth.ts';

type Row = Record<string, unknown>;

/** The fields that the page names as left out: arrays of records. */
const LEFT_OUT = namedAsLeftOut(readFileSync(new URL('../../docs/operating/sinks.md', import.meta.url), 'utf8'));

function namedAsLeftOut(page: string): ReadonlySet<string> {
  const [, paragraph] = /\*\*Left out\*\* ([\s\S]+?)\n\n/.exec(page)!;
  return new Set([...paragraph!.matchAll(/`(\w+)`/g)].map(([, name]) => name!));
}

/** The rows that each stream's table should hold, by stream and identity. */
export type Wanted = ReadonlyMap<string, ReadonlyMap<string, Row>>;

/** The compacted view of the topics, flattened as the connector does. Nobody may publish meanwhile. */
export async function wantedRows(where: Where, names = streams.map(({ name }) => name)): Promise<Wanted> {
  const decode = createDecoder(where.registryUrl);
  const chosen = streams.filter(({ name }) => names.includes(name));
  const topics = chosen.map(({ name }) => dataTopic(where.prefix, name));
  const last = new Map<string, Message>();
  for (const message of await readCommitted(where.bootstrap, topics)) {
    last.set(`${message.topic} ${message.key.toString('hex')}`, message);
  }
  const wanted = new Map(chosen.map(({ name }) => [name, new Map<string, Row>()]));
  for (const { topic, value } of last.values()) {
    if (value === null) continue;
    const stream = chosen[topics.indexOf(topic)]!;
    // Text keys have no schema; identity and columns are those of the value.
    const row = (await decode({ key: value, value })).value;
    wanted.get(stream.name)!.set(identityOf(stream)(row), flattened(row));
  }
  return wanted;
}

/** Differences as sentences, empty when the tables of `schema` are equal to what is wanted. */
export async function sqlDifferences(postgres: Postgres, schema: string, wanted: Wanted): Promise<string[]> {
  const found: string[] = [];
  const chosen = streams.filter(({ name }) => wanted.has(name));
  const selects = chosen.map(({ name }) => `select '${name}' as name, to_jsonb(t) as row from "${schema}"."${name}" t`);
  const all = await postgres.query<{ name: string; row: Row }>(selects.join(' union all '));
  for (const stream of chosen) {
    const { name } = stream;
    const rows = all.filter((each) => each.name === name);
    const missing = new Map(wanted.get(name)!);
    for (const { row } of rows) {
      const id = identityOf(stream)(row);
      const expected = missing.get(id);
      missing.delete(id);
      if (expected) found.push(...unequal(`${name} ${id}`, expected, row));
      else found.push(`${name} ${id}: in the table, but not on the topic`);
    }
    for (const id of missing.keys()) found.push(`${name} ${id}: on the topic, but not in the table`);
  }
  moved();
  return found;
}

function unequal(path: string, expected: Row, row: Row): string[] {
  const columns = new Set([...Object.keys(row), ...Object.keys(expected)]);
  // The column of text keys stands beside those of the record.
  columns.delete('_key');
  return [...columns].flatMap((column) => {
    const [wanted, has] = [plain(expected[column]), plain(row[column])];
    return wanted === has ? [] : [`${path}.${column}: the topic says ${wanted}, the table ${has}`];
  });
}

/** Times in tables are UTC and say no zone. */
function plain(value: unknown): string {
  const isTime = typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(value);
  return JSON.stringify(isTime ? `${value}Z` : (value ?? null));
}

function flattened(row: Row): Row {
  const members = Object.entries(row).filter(([name, value]) => !LEFT_OUT.has(name) && value !== null);
  return Object.fromEntries(
    members.flatMap(([name, value]): [string, unknown][] => {
      if (name === '_extra') return [[name, JSON.parse(value as string)]];
      if (!isRecord(value)) return [[name, value]];
      return Object.entries(value).map(([member, held]) => [`${name}_${member}`, held]);
    }),
  );
}

function isRecord(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
