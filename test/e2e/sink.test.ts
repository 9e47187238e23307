// From Harvest into SQL: the built command makes tables and connector, a real Kafka Connect fills a real PostgreSQL, and a comparer of
// the tests' own says whether every row is there. `npm run sinks` makes it large.
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { QUESTIONS } from '../../lab/demo/questions.ts';
import { calm, seededRandom, storm } from '../../lab/simulator/index.ts';
import { type Connect, startConnect } from '../../lab/stack/connect.ts';
import { freePort } from '../../lab/stack/ports.ts';
import { type Postgres, SINK_USER, startPostgres } from '../../lab/stack/postgres.ts';
import { startRegistry } from '../../lab/stack/registry.ts';
import { catalog } from '../../src/streams/catalog.ts';
import { patientClient, persistently } from '../support/clients.ts';
import { freeEntries } from '../support/free-entries.ts';
import { makeTopic, readCommitted } from '../support/kafka.ts';
import { HANGS_MS, moved } from '../support/patience.ts';
import { has } from '../support/programs.ts';
import { prometheus } from '../support/prometheus.ts';
import { type Ended, finished, NO_LIMITS, onlyStreams, until, type Where } from '../support/publisher.ts';
import { scene } from '../support/scene.ts';
import { sqlDifferences, wantedRows } from '../support/sql-view.ts';
import { uniquePrefix } from '../support/stack.ts';

const IS_LARGE = process.env.TEST_SINK_CHANGES !== undefined;
const CHANGES = Number(process.env.TEST_SINK_CHANGES ?? 60);
const CHANGES_PER_ROUND = 120;
const SIZE = IS_LARGE ? { timeEntries: 5_000, years: 2 } : { timeEntries: 60, years: 0.3 };

let folder: string;
let postgres: Postgres;
let metricsPort: number;
/** It starts while a first test publishes, and is there with the first connector. */
let connecting: Promise<Connect>;
let connect: Connect;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'harvest-kafka-sink-'));
  // PostgreSQL does not run as root, and its user has to get in.
  await chmod(folder, 0o755);
  const onProgress = (line: string) => {
    moved();
    console.log(line);
  };
  metricsPort = await freePort();
  connecting = startConnect({
    bootstrap: inject('bootstrap'),
    dataDir: join(folder, 'connect'),
    group: uniquePrefix(),
    metricsPort,
    env: { SINK_USER: SINK_USER.username, SINK_PASSWORD: SINK_USER.password, WRONG_PASSWORD: 'canary-of-a-password' },
    onProgress,
    onLog: moved,
  });
  // Told where it is waited for.
  connecting.catch(() => {});
  postgres = await startPostgres({ dataDir: join(folder, 'postgres'), onProgress });
});

afterAll(async () => {
  await (await connecting.catch(() => null))?.kill();
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

/** The SQL that made them. */
async function makeTables(where: Where): Promise<string> {
  const { code, output, errors } = await finished(where, ['sink', 'ddl', '--schema', where.prefix]);
  expect([code, errors]).toEqual([0, '']);
  await postgres.query(output);
  return output;
}

async function apply(where: Where, ...options: readonly string[]): Promise<Ended> {
  connect = await connecting;
  return finished(where, [
    ...['sink', 'apply', '--connect-url', connect.url, '--jdbc-url', postgres.jdbcUrl, '--schema', where.prefix],
    ...options,
  ]);
}

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

async function tasksOf(where: Where): Promise<string[]> {
  const answer = await fetch(`${connect.url}/connectors/${where.prefix}-sink/status`);
  const { tasks = [] } = (await answer.json()) as { tasks?: { state: string }[] };
  return tasks.map(({ state }) => state);
}

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
    const [tables] = await Promise.all([makeTables(where), published(where)]);
    // What is there is left as it is.
    await postgres.query(tables);
    await Promise.all([applied(where), untilEqual(where)]);
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
    await Promise.all([postgres.start(), connect.start()]);
    await untilEqual(where);
    expect(await tasksOf(where)).toEqual(['RUNNING']);

    expect(await hoursOn()).toBe(0);
    for (const { sql } of QUESTIONS) await postgres.query(sql.replaceAll('from harvest.', `from "${where.prefix}".`));

    // A table is lost: Debezium would make it anew, without its older rows.
    await postgres.query(`drop table "${where.prefix}".projects`);
    await postgres.query(tables);
    await Promise.all([applied(where, '--from-beginning'), untilEqual(where)]);
  },
  Math.max(HANGS_MS, CHANGES * 2_000),
);

const FEW = ['company', 'clients', 'projects', 'time_entries', 'time_clients', 'project_budget'];

test('with text keys and amounts as text the tables are equal too, deletions included [P8]', async () => {
  const formats = ['key.format=string', 'decimal_handling_mode=string'];
  const settings = [...SETTINGS, ...onlyStreams(...FEW), ...formats];
  const where = { ...(await scene({ timeEntries: 20, years: 0.2 })), settings };
  await Promise.all([published(where), makeTables(where)]);
  const seeDeletion = async () => {
    await untilEqual(where, FEW);
    const { data } = where.simulator;
    data.time_entries.delete(freeEntries(where.simulator)[0]!.id);
    await published(where);
    await untilEqual(where, FEW);
  };
  await Promise.all([applied(where), seeDeletion()]);
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
  const seeFieldAdded = async () => {
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
    await untilEqual(late, ['tasks']);
  };
  await Promise.all([applied(late), seeFieldAdded()]);
  await producer.disconnect();
  const asked = `select colour, _extra->>'mood' as mood from "${late.prefix}".tasks`;
  expect(await postgres.query(asked)).toEqual([{ colour: 'red', mood: 'good' }]);
});

test('what ends a task is told with its reason and without the password, raises an alert, and the next try starts it [P10]', async () => {
  const where = await scene({ timeEntries: 1, years: 0.1 });
  await makeTables(where);
  const [refused, alerts] = await Promise.all([
    apply(where, '--password', '${env:WRONG_PASSWORD}'),
    has('prometheus') ? connecting.then(() => prometheus(`http://127.0.0.1:${metricsPort}`)) : null,
  ]);
  expect(refused, refused.errors).toMatchObject({ code: 69 });
  expect(refused.errors).toMatch(
    /task 0 of \w+-sink has FAILED: .*\n[\s\S]*cannot open the database: its address, its log-in/,
  );
  expect(refused.output + refused.errors).not.toContain('canary-of-a-password');
  const alert = `{alertname="HarvestKafkaSinkFailed", connector="${where.prefix}-sink"}`;
  const raises = (series: number) =>
    until(`${series} alerts`, async () => (await alerts!.series(`ALERTS${alert}`)) === series);
  if (alerts) await raises(1);
  await applied(where);
  if (alerts) await raises(0);
});

/** Ids are given in the order of asking, so an empty registry that is asked in this order gives the same. */
async function copySchemas(from: string, to: string): Promise<void> {
  const ask = async (url: string, body?: object) => {
    const answer = await fetch(url, body && { method: 'POST', headers: JSON_BODY, body: JSON.stringify(body) });
    return (await answer.json()) as never;
  };
  const subjects: string[] = await ask(`${from}/subjects`);
  const latest: Latest[] = await Promise.all(subjects.map((name) => ask(`${from}/subjects/${name}/versions/latest`)));
  for (const { id, subject, schema } of latest.sort((a, b) => a.id - b.id)) {
    expect(await ask(`${to}/subjects/${subject}/versions`, { schema })).toMatchObject({ id });
  }
}

const JSON_BODY = { 'content-type': 'application/vnd.schemaregistry.v1+json' };

interface Latest {
  readonly id: number;
  readonly subject: string;
  readonly schema: string;
}

/** Longer than Apicurio's converter believes a schema by default. */
const REGISTRY_AWAY_MS = 40_000;

test.runIf(IS_LARGE)(
  'the registry goes away and another takes its place: tables follow, and a task that starts without it goes on after sink apply',
  async () => {
    const registries = await Promise.all([startRegistry(), startRegistry(), startRegistry()]);
    onTestFinished(async () => void (await Promise.all(registries.map((registry) => registry.kill()))));
    const [first, second, stranger] = registries;
    const settings = [...SETTINGS, ...onlyStreams('company', 'tasks')];
    const old = { ...(await scene({ timeEntries: 20, years: 0.2 })), registryUrl: first.url, settings };
    const where = { ...old, registryUrl: second.url };
    const { tasks } = where.simulator.data;
    await published(old);
    await makeTables(old);
    await applied(old);
    await untilEqual(old, ['tasks']);

    await copySchemas(first.url, second.url);
    await first.kill();
    await pause(REGISTRY_AWAY_MS);
    tasks.create({ name: 'made while the first registry was away' });
    await published(where);
    await untilEqual(where, ['tasks']);
    expect(await tasksOf(where)).toEqual(['RUNNING']);

    // With other ids for the same schemas nothing is published, so nothing reaches the tables.
    await fetch(`${stranger.url}/subjects/another/versions`, {
      ...{ method: 'POST', headers: JSON_BODY },
      body: JSON.stringify({ schema: '{"type":"record","name":"Another","fields":[]}' }),
    });
    const elsewhere = { ...where, registryUrl: stranger.url };
    expect(await finished(elsewhere, ['schemas', 'register'])).toMatchObject({ code: 0 });
    expect(await finished(elsewhere, ['run', '--once'])).toMatchObject({ code: 65 });
    expect(await tasksOf(where)).toEqual(['RUNNING']);

    await connect.kill();
    tasks.create({ name: 'made while Connect was away' });
    await published(where);
    await connect.start();
    await until('the task misses its registry', async () => (await tasksOf(where)).includes('FAILED'));
    await applied(where);
    await untilEqual(where, ['tasks']);
  },
);
