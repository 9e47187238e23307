// From Harvest into SQL: the built command makes tables and connector, a real Kafka Connect fills a real PostgreSQL, and a comparer of
// the tests' own says whether every row is there. `npm run sinks` makes it large.
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { QUESTIONS } from '../../lab/demo/questions.ts';
import { calm, seededRandom, storm } from '../../lab/simulator/index.ts';
import { type Connect, startConnect } from '../../lab/stack/connect.ts';
import { type Postgres, SINK_USER, startPostgres } from '../../lab/stack/postgres.ts';
import { catalog } from '../../src/streams/catalog.ts';
import { patientClient, persistently } from '../support/clients.ts';
import { makeTopic, readCommitted } from '../support/kafka.ts';
import { HANGS_MS, moved } from '../support/patience.ts';
import { type Ended, finished, NO_LIMITS, onlyStreams, until, type Where } from '../support/publisher.ts';
import { scene } from '../support/scene.ts';
import { sqlDifferences, wantedRows } from '../support/sql-view.ts';
import { uniquePrefix } from '../support/stack.ts';

const CHANGES = Number(process.env.TEST_SINK_CHANGES ?? 60);
const CHANGES_PER_ROUND = 120;
const SIZE = process.env.TEST_SINK_CHANGES ? { timeEntries: 5_000, years: 2 } : { timeEntries: 60, years: 0.3 };

let folder: string;
let postgres: Postgres;
let connect: Connect;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'harvest-kafka-sink-'));
  // PostgreSQL does not run as root, and its user has to get in.
  await chmod(folder, 0o755);
  const onProgress = (line: string) => {
    moved();
    console.log(line);
  };
  postgres = await startPostgres({ dataDir: join(folder, 'postgres'), onProgress });
  connect = await startConnect({
    bootstrap: inject('bootstrap'),
    dataDir: join(folder, 'connect'),
    group: uniquePrefix(),
    env: { SINK_USER: SINK_USER.username, SINK_PASSWORD: SINK_USER.password, WRONG_PASSWORD: 'canary-of-a-password' },
    onProgress,
    onLog: moved,
  });
});

afterAll(async () => {
  await connect?.kill();
  await postgres?.kill();
  await rm(folder, { recursive: true, force: true });
});

/** All that there is, deletions believed, and looked for in every run. */
const SETTINGS = [
  ...NO_LIMITS,
  'deletes.hold_percent=100',
  ...catalog.flatMap(({ name }) => [
    `streams.${name}.enabled=true`,
    `streams.${name}.poll_interval_seconds=1`,
    `streams.${name}.reconcile_interval_seconds=1`,
  ]),
];

async function published(where: Where): Promise<void> {
  const end = await finished(where, ['run', '--once']);
  expect(end, end.errors).toMatchObject({ code: 0 });
}

async function makeTables(where: Where): Promise<void> {
  const { code, output, errors } = await finished(where, ['sink', 'ddl', '--schema', where.prefix]);
  expect([code, errors]).toEqual([0, '']);
  await postgres.query(output);
}

const apply = (where: Where, ...options: readonly string[]): Promise<Ended> =>
  finished(where, [
    ...['sink', 'apply', '--connect-url', connect.url, '--jdbc-url', postgres.jdbcUrl, '--schema', where.prefix],
    ...options,
  ]);

async function applied(where: Where, ...options: readonly string[]): Promise<void> {
  const end = await apply(where, ...options);
  expect(end, end.errors).toMatchObject({ code: 0, errors: '' });
  expect(end.output).toContain(`${where.prefix}-sink: RUNNING, 1 of 1 tasks\n`);
}

async function untilEqual(where: Where, names?: readonly string[]): Promise<void> {
  const wanted = await wantedRows(where, names && [...names]);
  for (const [name, rows] of wanted) expect([name, rows.size > 0]).toEqual([name, true]);
  let found: string[] = [];
  await until('the tables are what the topics are', async () => {
    found = await sqlDifferences(postgres, where.prefix, wanted);
    // The database has better things to do than to be asked all the time.
    if (found.length > 0) await pause(200);
    return found.length === 0;
  }).catch((error) => {
    throw new Error(`${error.message}\n${found.slice(0, 20).join('\n')}\n${connect.logTail(10).join('\n')}`);
  });
}

const statusOf = async (where: Where) =>
  (await (await fetch(`${connect.url}/connectors/${where.prefix}-sink/status`)).json()) as {
    tasks: { state: string }[];
  };

test(
  'every stream is equal in its table after changes and cascades while database and Connect were killed [P1 P8]',
  async () => {
    const where = { ...(await scene(SIZE)), settings: SETTINGS };
    const { data } = where.simulator;
    const { project_id } = data.time_entries.all().find(({ invoice_id }) => invoice_id === null)!;
    const hoursOn = async () => {
      const entries = `"${where.prefix}".time_entries where project_id = ${project_id}`;
      return (await postgres.query<{ count: number }>(`select count(*)::int from ${entries}`))[0]!.count;
    };
    await published(where);
    await makeTables(where);
    await makeTables(where);
    await applied(where);
    await untilEqual(where);
    expect(await hoursOn()).toBeGreaterThan(0);

    const random = seededRandom(7);
    for (let made = CHANGES_PER_ROUND; made < CHANGES; made += CHANGES_PER_ROUND) {
      storm(where.simulator, { random, count: CHANGES_PER_ROUND });
      await published(where);
    }
    await postgres.kill();
    storm(where.simulator, { random, count: Math.min(CHANGES, CHANGES_PER_ROUND) });
    // Its hours, expenses and assignments go with it.
    data.projects.delete(project_id);
    calm(where.simulator);
    await published(where);
    await connect.kill();
    await postgres.start();
    await connect.start();
    await untilEqual(where);
    expect((await statusOf(where)).tasks.map(({ state }) => state)).toEqual(['RUNNING']);

    expect(await hoursOn()).toBe(0);
    for (const { sql } of QUESTIONS) await postgres.query(sql.replaceAll('from harvest.', `from "${where.prefix}".`));

    // A table is lost: Debezium would make it anew, without its older rows.
    await postgres.query(`drop table "${where.prefix}".projects`);
    await makeTables(where);
    await applied(where, '--from-beginning');
    await untilEqual(where);
  },
  Math.max(HANGS_MS, CHANGES * 2_000),
);

const FEW = ['company', 'clients', 'projects', 'time_entries', 'time_clients', 'project_budget'];

test('with text keys and amounts as text the tables are equal too, deletions included [P8]', async () => {
  const formats = ['key.format=string', 'decimal_handling_mode=string'];
  const settings = [...SETTINGS, ...onlyStreams(...FEW), ...formats];
  const where = { ...(await scene({ timeEntries: 20, years: 0.2 })), settings };
  await published(where);
  await makeTables(where);
  await applied(where);
  const { data } = where.simulator;
  data.time_entries.delete(data.time_entries.all().find(({ invoice_id }) => invoice_id === null)!.id);
  await published(where);
  await untilEqual(where, FEW);
});

test('a tombstone that comes first, a field that is added and unknown members stop nothing, and arrive [P7]', async () => {
  const where = {
    ...(await scene({ timeEntries: 20, years: 0.2 })),
    settings: [...SETTINGS, ...onlyStreams('company', 'tasks')],
  };
  await published(where);
  const [gone, kept] = await readCommitted(where.bootstrap, [`${where.prefix}.tasks`]);
  const late = { ...where, prefix: uniquePrefix() };
  const topic = `${late.prefix}.tasks`;
  await makeTopic(late.bootstrap, { topic });
  const producer = patientClient(late.bootstrap).producer();
  await persistently(() => producer.connect());
  const send = (...messages: { key: Buffer; value: Buffer | null }[]) =>
    persistently(() => producer.send({ topic, messages }));
  await send({ key: gone!.key, value: null }, { key: kept!.key, value: kept!.value });
  await makeTables(late);
  await applied(late);
  await untilEqual(late, ['tasks']);

  const registry = new SchemaRegistry({ host: late.registryUrl });
  const answer = await fetch(`${late.registryUrl}/schemas/ids/${kept!.value!.readInt32BE(1)}`);
  const known = JSON.parse(((await answer.json()) as { schema: string }).schema) as { fields: object[] };
  const colour = { name: 'colour', type: ['null', 'string'], default: null };
  const schema = JSON.stringify({ ...known, fields: [...known.fields, colour] });
  const { id } = await registry.register({ type: SchemaType.AVRO, schema }, { subject: `${topic}-value` });
  const value = await registry.encode(id, {
    ...(await registry.decode(kept!.value!)),
    colour: 'red',
    _extra: '{"mood":"good"}',
  });
  await send({ key: kept!.key, value });
  await producer.disconnect();
  await untilEqual(late, ['tasks']);
  const asked = `select colour, _extra->>'mood' as mood from "${late.prefix}".tasks`;
  expect(await postgres.query(asked)).toEqual([{ colour: 'red', mood: 'good' }]);
});

test('what ends a task is told with its reason and without the password, and the next try starts it [P10]', async () => {
  const where = await scene({ timeEntries: 1, years: 0.1 });
  await makeTables(where);
  const refused = await apply(where, '--password', '${env:WRONG_PASSWORD}');
  expect(refused, refused.errors).toMatchObject({ code: 69 });
  expect(refused.errors).toMatch(
    /task 0 of \w+-sink has FAILED: .*\n[\s\S]*cannot open the database: its address, its log-in/,
  );
  expect(refused.output + refused.errors).not.toContain('canary-of-a-password');
  await applied(where);
});
