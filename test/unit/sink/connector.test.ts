// The settings of the connector: what they take, and where the parts are told to be.
import { expect, test } from 'vitest';
import { type ConnectorPlan, connectorConfig } from '../../../src/sink/connector.ts';
import { tableOf } from '../../../src/sink/tables.ts';
import { catalog } from '../../../src/streams/catalog.ts';
import { schemas } from '../../support/codec.ts';

const PLAN: ConnectorPlan = {
  sink: 'debezium',
  converter: 'apicurio',
  prefix: 'harvest',
  schema: 'harvest',
  tables: catalog.map((stream) => tableOf(stream, schemas.get(stream.name)!, 'avro', catalog)),
  keyFormat: 'avro',
  jdbcUrl: 'jdbc:postgresql://db:5432/sink',
  user: 'sink',
  password: '${env:SINK_PASSWORD}',
  registryUrls: ['http://registry:8080/apis/ccompat/v7'],
  registryLogIn: 'none',
  settings: {},
};

const planned = (plan: Partial<ConnectorPlan>) => connectorConfig({ ...PLAN, ...plan });

/** Connect's pattern has to match the whole name. */
const taken = (plan: Partial<ConnectorPlan>, topics: readonly string[]) => {
  const pattern = new RegExp(`^(?:${planned(plan)['topics.regex']})$`);
  return topics.filter((topic) => pattern.test(topic));
};

test('it takes the topics of all tables, and none that holds something else or belongs to another prefix', () => {
  const prefix = 'harvest.1234567';
  const own = catalog.map(({ name }) => `${prefix}.${name}`);
  const others = ['state', 'dead-letters', 'notifications', 'clients.old', 'nosuch'].map((name) => `${prefix}.${name}`);
  const strangers = ['harvest.clients', 'harvestX1234567.clients', 'my.harvest.1234567.clients'];
  expect(taken({ prefix }, [...own, ...others, ...strangers])).toEqual(own);
});

test('a stream that is switched off has neither table nor topic', () => {
  const tables = PLAN.tables.filter(({ name }) => name === 'clients' || name === 'tasks');
  expect(taken({ tables }, ['harvest.clients', 'harvest.tasks', 'harvest.invoices'])).toEqual([
    'harvest.clients',
    'harvest.tasks',
  ]);
  expect(planned({ tables })).not.toHaveProperty('transforms.drop.exclude');
});

test('it reads only what is committed, deletes, quotes, and lives through an absence of the database', () => {
  expect(planned({})).toMatchObject({
    'consumer.override.isolation.level': 'read_committed',
    'consumer.override.auto.offset.reset': 'earliest',
    'insert.mode': 'upsert',
    'delete.enabled': 'true',
    'primary.key.mode': 'record_key',
    'quote.identifiers': 'true',
    'connection.restart.on.errors': 'true',
    'flush.max.retries': '1000000',
    'flush.retry.delay.ms': '1000',
    'errors.tolerance': 'none',
    'collection.name.format': 'harvest.${topic}',
    'transforms.drop.exclude': 'line_items,recipients,task_assignments',
  });
});

test.each([
  ['http://registry:8080/apis/ccompat/v7', 'http://registry:8080/apis/registry/v2'],
  ['http://registry:8080/apis/ccompat/v6/', 'http://registry:8080/apis/registry/v2'],
  ['http://registry:8080', 'http://registry:8080/apis/registry/v2'],
  ['https://gateway/registry/apis/ccompat/v7', 'https://gateway/registry/apis/registry/v2'],
  ['http://registry:8080/apis/registry/v2', 'http://registry:8080/apis/registry/v2'],
])('of %s Apicurio’s converter is given %s', (url, expected) => {
  const config = planned({ registryUrls: [url] });
  for (const side of ['key', 'value']) {
    expect(config[`${side}.converter`]).toBe('io.apicurio.registry.utils.converter.AvroConverter');
    expect(config[`${side}.converter.apicurio.registry.url`]).toBe(expected);
    expect(config[`${side}.converter.apicurio.registry.as-confluent`]).toBe('true');
  }
});

test('a registry that is away ends no task that has seen its schemas: Apicurio’s converter asks for each once a year', () => {
  for (const side of ['key', 'value']) {
    expect(Number(planned({})[`${side}.converter.apicurio.registry.check-period-ms`])).toBe(365 * 86_400_000);
  }
});

test('Confluent’s converter is given all addresses as they are, and where its log-in is', () => {
  const registryUrls = ['https://one:8081', 'https://two:8081'];
  expect(planned({ converter: 'confluent', registryUrls, registryLogIn: 'basic' })).toMatchObject({
    'key.converter': 'io.confluent.connect.avro.AvroConverter',
    'value.converter.schema.registry.url': 'https://one:8081,https://two:8081',
    'value.converter.basic.auth.credentials.source': 'USER_INFO',
    'value.converter.basic.auth.user.info': '${env:SCHEMA_REGISTRY_USERNAME}:${env:SCHEMA_REGISTRY_PASSWORD}',
  });
});

test('Confluent’s sink is given the same in its own words', () => {
  expect(planned({ sink: 'confluent', jdbcUrl: 'jdbc:postgresql://db/sink?ssl=true' })).toMatchObject({
    'connector.class': 'io.confluent.connect.jdbc.JdbcSinkConnector',
    'connection.url': 'jdbc:postgresql://db/sink?ssl=true&stringtype=unspecified',
    'connection.password': '${env:SINK_PASSWORD}',
    'pk.mode': 'record_key',
    'delete.enabled': 'true',
    'quote.sql.identifiers': 'always',
    'table.name.format': 'harvest.${topic}',
  });
});

test('text keys are read as text, and put into the column of the key', () => {
  const config = planned({ keyFormat: 'string' });
  expect(config).toMatchObject({
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    transforms: 'table,flat,drop,key',
    'transforms.key.type': 'org.apache.kafka.connect.transforms.HoistField$Key',
    'transforms.key.field': '_key',
  });
  expect(Object.keys(config).filter((name) => name.startsWith('key.converter.'))).toEqual([]);
});

test('a setting that was given wins over ours', () => {
  expect(planned({ settings: { 'tasks.max': '4' } })['tasks.max']).toBe('4');
});
