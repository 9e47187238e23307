import { type Admin, ConfigResourceTypes } from 'kafkajs';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import { Brokers } from '../../src/kafka/brokers.ts';
import type { Log } from '../../src/kafka/connection.ts';
import { describeTopics, ensureTopics, type TopicSettings } from '../../src/kafka/topics.ts';
import { adminOf } from '../support/clients.ts';
import { CLIENTS, makeTopic, USERS } from '../support/kafka.ts';
import { startKafkaProxy } from '../support/kafka-proxy.ts';
import { API } from '../support/kafka-wire.ts';
import { sharedStack, uniquePrefix } from '../support/stack.ts';

const STREAMS = [CLIENTS, USERS];
const quiet: Log = () => {};
const INVALID_REPLICATION_FACTOR = 38;

let bootstrap: string;
let admin: Admin;
let brokers: Brokers;

beforeAll(async () => {
  ({ bootstrap } = await sharedStack());
  admin = await adminOf(bootstrap);
  brokers = new Brokers({ brokers: [bootstrap], compression: 'none' }, systemClock);
});

afterAll(async () => {
  brokers.close();
  await admin.disconnect();
});

const settings = (prefix: string, partitions = 3) => ({ prefix, partitions, replication_factor: -1 });

function ensure(wanted: TopicSettings, log: Log = quiet, clock: Clock = systemClock) {
  return ensureTopics(brokers, wanted, STREAMS, log, clock);
}

async function configurationOf(topic: string): Promise<Record<string, string>> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: ConfigResourceTypes.TOPIC, name: topic }],
  });
  return Object.fromEntries(
    resources[0]!.configEntries.map(({ configName, configValue }) => [configName, configValue]),
  );
}

async function make(topic: string, configuration: Record<string, string>, partitions = 1): Promise<void> {
  const configEntries = Object.entries(configuration).map(([name, value]) => ({ name, value }));
  await makeTopic(bootstrap, { topic, numPartitions: partitions, configEntries });
}

test('absent topics are made, compacted or with the retention of their kind', async () => {
  const prefix = uniquePrefix();
  const layouts = await ensure(settings(prefix));
  expect(Object.fromEntries([...layouts].map(([topic, { partitions }]) => [topic, partitions]))).toEqual({
    [`${prefix}.clients`]: 3,
    [`${prefix}.users`]: 3,
    [`${prefix}.state`]: 1,
    [`${prefix}.dead-letters`]: 1,
    [`${prefix}.notifications`]: 1,
  });
  for (const name of ['clients', 'users', 'state']) {
    const found = await configurationOf(`${prefix}.${name}`);
    expect(found).toMatchObject({ 'cleanup.policy': 'compact', 'compression.type': 'producer' });
  }
  expect(await configurationOf(`${prefix}.dead-letters`)).toMatchObject({
    'cleanup.policy': 'delete',
    'retention.ms': String(30 * 86_400_000),
  });
  expect(await configurationOf(`${prefix}.notifications`)).toMatchObject({
    'cleanup.policy': 'delete',
    'retention.ms': String(7 * 86_400_000),
  });
});

test('a present topic keeps its partitions, which is said', async () => {
  const prefix = uniquePrefix();
  await make(`${prefix}.clients`, { 'cleanup.policy': 'compact' }, 5);
  const said: unknown[] = [];
  const layouts = await ensure(settings(prefix), (_, text, fields) => said.push([text, fields]));
  expect(layouts.get(`${prefix}.clients`)!.partitions).toBe(5);
  expect(said).toContainEqual([expect.stringContaining('partitions'), { topic: `${prefix}.clients`, partitions: 5 }]);
});

test('topics that would lose records are refused together, with the commands that mend them, and left alone', async () => {
  const prefix = uniquePrefix();
  await make(`${prefix}.clients`, { 'cleanup.policy': 'delete' });
  await make(`${prefix}.state`, { 'cleanup.policy': 'compact,delete' });
  await make(`${prefix}.users`, { 'cleanup.policy': 'compact', 'compression.type': 'lz4' });
  const command = (name: string, change: string) =>
    `kafka-configs.sh --bootstrap-server ${bootstrap} --alter --entity-type topics --entity-name ${prefix}.${name} --add-config ${change}`;
  const refusal = ensure(settings(prefix));
  await expect(refusal).rejects.toMatchObject({ code: 'kafka.topic_contract', kind: 'fatal', exitCode: 65 });
  const error = await refusal.catch((thrown: Error & { remedy: string }) => thrown);
  expect((error as { remedy: string }).remedy.split('\n')).toEqual([
    command('clients', 'cleanup.policy=compact'),
    command('users', 'compression.type=producer'),
    command('state', 'cleanup.policy=compact'),
  ]);
  expect((error as Error).message).toContain(`topic ${prefix}.state: cleanup.policy is compact,delete`);
  expect((await configurationOf(`${prefix}.clients`))['cleanup.policy']).toBe('delete');
});

test('a look at topics that are not there tells the same and makes nothing', async () => {
  const prefix = uniquePrefix();
  await make(`${prefix}.clients`, { 'cleanup.policy': 'delete' });
  await make(`${prefix}.state`, { 'cleanup.policy': 'compact' });
  const reports = await describeTopics(brokers, settings(prefix), STREAMS, `${prefix}-1`);
  expect(Object.fromEntries(reports.map(({ topic, state }) => [topic, state]))).toEqual({
    [`${prefix}.clients`]: 'refused',
    [`${prefix}.users`]: 'missing',
    [`${prefix}.state`]: 'ok',
    [`${prefix}.dead-letters`]: 'missing',
    [`${prefix}.notifications`]: 'missing',
  });
  expect(reports[0]!.command).toContain(`--entity-name ${prefix}.clients --add-config cleanup.policy=compact`);
  expect((await admin.listTopics()).filter((topic) => topic.startsWith(prefix))).toHaveLength(2);
});

test('a replication that the broker cannot give within half a minute is a contract problem [P9]', async () => {
  const hurried: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() * 30 };
  const asked = performance.now();
  const refusal = ensure({ ...settings(uniquePrefix()), replication_factor: 3 }, quiet, hurried);
  await expect(refusal).rejects.toMatchObject({
    code: 'kafka.topic_contract',
    remedy: expect.stringContaining('asks for more brokers than are up'),
  });
  expect(performance.now() - asked).toBeGreaterThan(1_000);
});

test('a broker that its controller does not believe in yet is no contract problem [P9]', async () => {
  const proxy = await startKafkaProxy([bootstrap]);
  onTestFinished(() => proxy.close());
  const refused = proxy.trap({ api: API.createTopics, fault: { refuse: INVALID_REPLICATION_FACTOR } });
  const through = new Brokers({ brokers: [proxy.bootstrap], compression: 'none' }, systemClock);
  onTestFinished(() => through.close());
  const layouts = await ensureTopics(through, settings(uniquePrefix()), STREAMS, quiet);
  expect(refused.closed).toBe(true);
  expect(layouts.size).toBe(5);
});

test('two instances that start together make the topics once', async () => {
  const prefix = uniquePrefix();
  const both = await Promise.all([1, 2].map(() => ensure(settings(prefix))));
  expect([...both[0]!.keys()]).toEqual([...both[1]!.keys()]);
});
