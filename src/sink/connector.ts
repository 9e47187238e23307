// The settings of the one connector that writes all topics of an account into its tables: which topics, how records become rows,
// and how it lives through what happens. Talks to nobody; Connect's REST API is connect-client.ts.
import type { KeyFormat } from '../codec/keys.ts';
import { DELIMITER, type Table, TEXT_KEY } from './tables.ts';

/** Whose JDBC sink writes. */
export const SINKS = ['debezium', 'confluent'] as const;
/** Whose converter reads Avro. Apicurio's speaks to its own registry alone, Confluent's to any with Confluent's API. */
export const CONVERTERS = ['apicurio', 'confluent'] as const;

export interface ConnectorPlan {
  readonly sink: (typeof SINKS)[number];
  readonly converter: (typeof CONVERTERS)[number];
  /** Of the topics: `<prefix>.<table>`. */
  readonly prefix: string;
  readonly schema: string;
  readonly tables: readonly Table[];
  readonly keyFormat: KeyFormat;
  readonly jdbcUrl: string;
  readonly user: string;
  /** A placeholder of one of Connect's config providers, never the password itself. */
  readonly password: string;
  /** Where the Confluent API of the registry begins, as Connect sees it; several addresses of one registry. */
  readonly registryUrls: readonly string[];
  /** The registry wants a log-in, which Connect finds in its environment. */
  readonly registryLogIn: 'none' | 'basic' | 'bearer';
  /** Settings that win over ours. */
  readonly settings: Readonly<Record<string, string>>;
}

export type ConnectorConfig = Readonly<Record<string, string>>;

/** What `PUT /connectors/<name>/config` takes. */
export function connectorConfig(plan: ConnectorPlan): ConnectorConfig {
  return {
    ...topics(plan),
    ...(plan.sink === 'debezium' ? debezium(plan) : confluent(plan)),
    ...transforms(plan),
    ...keyConverter(plan),
    ...converter(plan, 'value'),
    ...plan.settings,
  };
}

function topics({ prefix, tables }: ConnectorPlan): ConnectorConfig {
  const names = tables.map(({ name }) => name).join('|');
  return {
    // The state, dead letters and notifications beside them are JSON, and no rows.
    'topics.regex': `${inRegex(prefix)}\\.(${names})`,
    'tasks.max': '1',
    // A topic that is made later is seen within half a minute instead of five.
    'consumer.override.metadata.max.age.ms': '30000',
    'consumer.override.auto.offset.reset': 'earliest',
    'consumer.override.isolation.level': 'read_committed',
    // Only the publisher writes these topics, so what cannot be read means that the registry is away or another one: a task
    // that stops loses nothing, one that puts such records aside would empty the tables of them.
    'errors.tolerance': 'none',
  };
}

/** Enough for eleven days at a second each: longer than any database should be away. */
const RETRIES = '1000000';

function debezium({ schema, jdbcUrl, user, password }: ConnectorPlan): ConnectorConfig {
  return {
    'connector.class': 'io.debezium.connector.jdbc.JdbcSinkConnector',
    'connection.url': jdbcUrl,
    'connection.username': user,
    'connection.password': password,
    // By default it opens five connections, and at most 32.
    'connection.pool.min_size': '1',
    'connection.pool.max_size': '4',
    // Without these three a restart of the database ends the task for good, while the connector says RUNNING.
    'connection.restart.on.errors': 'true',
    'flush.max.retries': RETRIES,
    'flush.retry.delay.ms': '1000',
    'insert.mode': 'upsert',
    'delete.enabled': 'true',
    'primary.key.mode': 'record_key',
    // A field that is added to a schema becomes a column by itself.
    'schema.evolution': 'basic',
    // Report rows have columns named from and to.
    'quote.identifiers': 'true',
    'collection.name.format': `${schema}.\${topic}`,
  };
}

function confluent({ schema, jdbcUrl, user, password }: ConnectorPlan): ConnectorConfig {
  return {
    'connector.class': 'io.confluent.connect.jdbc.JdbcSinkConnector',
    'connection.url': withTextOfAnyType(jdbcUrl),
    'connection.user': user,
    'connection.password': password,
    'max.retries': RETRIES,
    'retry.backoff.ms': '1000',
    'insert.mode': 'upsert',
    'delete.enabled': 'true',
    'pk.mode': 'record_key',
    'auto.create': 'false',
    'auto.evolve': 'true',
    'quote.sql.identifiers': 'always',
    'table.name.format': `${schema}.\${topic}`,
  };
}

/** PostgreSQL takes text for the jsonb of `_extra` only when the driver does not insist on its type. */
function withTextOfAnyType(url: string): string {
  return `${url}${url.includes('?') ? '&' : '?'}stringtype=unspecified`;
}

function transforms({ prefix, tables, keyFormat }: ConnectorPlan): ConnectorConfig {
  const leftOut = [...new Set(tables.flatMap((table) => table.leftOut))];
  const steps: Record<string, ConnectorConfig> = {
    table: {
      type: 'org.apache.kafka.connect.transforms.RegexRouter',
      regex: `${inRegex(prefix)}\\.(.+)`,
      replacement: '$1',
    },
    flat: { type: 'org.apache.kafka.connect.transforms.Flatten$Value', delimiter: DELIMITER },
  };
  if (leftOut.length > 0) {
    steps.drop = { type: 'org.apache.kafka.connect.transforms.ReplaceField$Value', exclude: leftOut.join(',') };
  }
  if (keyFormat === 'string') {
    steps.key = { type: 'org.apache.kafka.connect.transforms.HoistField$Key', field: TEXT_KEY };
  }
  const named = Object.entries(steps).flatMap(([step, settings]) =>
    Object.entries(settings).map(([name, value]) => [`transforms.${step}.${name}`, value]),
  );
  return { transforms: Object.keys(steps).join(','), ...Object.fromEntries(named) };
}

function keyConverter(plan: ConnectorPlan): ConnectorConfig {
  if (plan.keyFormat === 'avro') return converter(plan, 'key');
  return { 'key.converter': 'org.apache.kafka.connect.storage.StringConverter' };
}

function converter(plan: ConnectorPlan, side: 'key' | 'value'): ConnectorConfig {
  const [type, settings] = plan.converter === 'apicurio' ? apicurio(plan) : confluentAvro(plan);
  const named = Object.entries(settings).map(([name, value]) => [`${side}.converter.${name}`, value]);
  return { [`${side}.converter`]: type, ...Object.fromEntries(named) };
}

const A_YEAR_MS = String(365 * 86_400_000);

type Converter = readonly [type: string, settings: ConnectorConfig];

function apicurio({ registryUrls, registryLogIn }: ConnectorPlan): Converter {
  const { username, password } = REGISTRY_PLACEHOLDERS;
  return [
    'io.apicurio.registry.utils.converter.AvroConverter',
    {
      'apicurio.registry.url': apicurioUrl(registryUrls[0]!),
      // An id stands for the same schema for ever. By default it is asked for again after 30 s, and a task ends when the registry
      // is away just then.
      'apicurio.registry.check-period-ms': A_YEAR_MS,
      // Records carry the id as Confluent's wire format does, and in no header.
      'apicurio.registry.as-confluent': 'true',
      'apicurio.registry.use-id': 'contentId',
      'apicurio.registry.headers.enabled': 'false',
      ...(registryLogIn === 'basic' ? { 'apicurio.auth.username': username, 'apicurio.auth.password': password } : {}),
    },
  ];
}

function confluentAvro({ registryUrls, registryLogIn }: ConnectorPlan): Converter {
  const { username, password, token } = REGISTRY_PLACEHOLDERS;
  const logIns = {
    none: {},
    basic: { 'basic.auth.credentials.source': 'USER_INFO', 'basic.auth.user.info': `${username}:${password}` },
    bearer: { 'bearer.auth.credentials.source': 'STATIC_TOKEN', 'bearer.auth.token': token },
  };
  return [
    'io.confluent.connect.avro.AvroConverter',
    { 'schema.registry.url': registryUrls.join(','), ...logIns[registryLogIn] },
  ];
}

/** Where Connect finds the log-in of the registry. */
export const REGISTRY_PLACEHOLDERS = {
  username: '${env:SCHEMA_REGISTRY_USERNAME}',
  password: '${env:SCHEMA_REGISTRY_PASSWORD}',
  token: '${env:SCHEMA_REGISTRY_TOKEN}',
} as const;

/** Apicurio's converter speaks its registry's own API, which stands beside Confluent's. */
function apicurioUrl(url: string): string {
  const { origin, pathname } = new URL(url);
  const base = pathname.replace(/\/apis\/ccompat\/v\d+\/?$/, '').replace(/\/$/, '');
  return base.includes('/apis/') ? origin + base : `${origin}${base}/apis/registry/v2`;
}

function inRegex(prefix: string): string {
  return prefix.replaceAll('.', '\\.');
}
