// Every configuration key, declared once: type, default, unit, description, secrecy, example. Validation, the typed
// Config, config/reference.yaml, the JSON Schema and docs/generated/CONFIG.md all come from this file; load.ts reads.
import { z } from 'zod';
import type { Proxies } from '../base/proxies.ts';
import { cluster } from './cluster-options.ts';
import { proxiesOf } from './proxies.ts';
import { sasl } from './sasl-options.ts';
import { type StreamConfig, streams, withListDefaults } from './stream-options.ts';
import type { Environment } from './substitute.ts';
import {
  date,
  list,
  listenAddress,
  pemFile,
  proxy,
  seconds,
  secret,
  section,
  text,
  token,
  url,
  urls,
  whole,
} from './values.ts';

const account = z
  .strictObject({
    id: z
      .string()
      .regex(/^\d{1,15}$/, 'must be the digits of an account id')
      .meta({ description: 'The Harvest account id.', example: '${HARVEST_ACCOUNT_ID}' }),
    access_token: token('${HARVEST_ACCESS_TOKEN}')
      .optional()
      .meta({ usual: true })
      .describe('A personal access token (Harvest ID, Developers). Give this or oauth, not both.'),
    oauth: z
      .strictObject({
        client_id: text().meta({ from_file: true, example: 'abc' }).describe('Client id of your OAuth2 application.'),
        client_secret: secret('${file:/run/secrets/harvest_client_secret}').describe(
          'Client secret of your OAuth2 application.',
        ),
        refresh_token: secret('${file:/run/secrets/harvest_refresh_token}')
          .optional()
          .describe(
            'The first refresh token; later ones are kept in token_file. Not needed after `harvest-kafka login`, which writes token_file.',
          ),
        token_file: text()
          .meta({ example: '/var/lib/harvest-kafka/token.json' })
          .describe(
            'Where renewed tokens are kept: Harvest may hand out a new refresh token each time. Must be writable and survive restarts.',
          ),
      })
      .optional()
      .describe('Tokens that are renewed by themselves, instead of access_token.'),
  })
  .refine((given) => (given.access_token === undefined) !== (given.oauth === undefined), {
    error: 'needs either access_token or oauth',
    when: () => true,
  });

const budget = (per_seconds: number, description: string) =>
  section(description, {
    requests: whole(1)
      .default(95)
      .meta({ unit: 'requests' })
      .describe(
        'Requests allowed in any sliding window. Harvest stops at 100; the rest is left to others on the same account.',
      ),
    per_seconds: seconds(1).default(per_seconds).describe('Length of the window.'),
  });

const harvest = section('The source: which accounts, and how politely.', {
  base_url: url().prefault('https://api.harvestapp.com/v2').describe('Where the Harvest API v2 begins.'),
  public_url: url()
    .prefault('https://api.harvestapp.com/v2')
    .describe(
      'Where the links in answers say that the API begins, when base_url is a gateway: links that lead there are taken by path and query on base_url.',
    ),
  id_base_url: url().prefault('https://id.getharvest.com').describe('Harvest ID, which renews OAuth2 tokens.'),
  user_agent: text()
    .max(200)
    .regex(/^[\x20-\x7e]+$/, 'must be printable ASCII')
    .default('harvest-kafka (https://www.npmjs.com/package/harvest-kafka)')
    .describe(
      'Required by Harvest: the name of the application and, in parentheses, a link or address of who runs it.',
    ),
  start_date: date()
    .optional()
    .meta({ example: '2024-01-01' })
    .describe('Bounds the snapshot by updated_since, and the report windows. Unset: everything.'),
  end_date: date().optional().meta({ example: '2026-12-31' }).describe('Last day of the report windows. Unset: today.'),
  accounts: z
    .array(account)
    .min(1)
    .refine(areDistinct, 'names the same id twice')
    .describe('The Harvest accounts to publish, each with its own token.'),
  accounts_file: text()
    .optional()
    .meta({ reads_file: true, example: '/etc/harvest-kafka/accounts.yaml' })
    .describe(
      'YAML file with a list of more accounts, each written as under accounts. Instances of a group read it again when it has changed, and on SIGHUP.',
    ),
  budgets: section('How many requests may be made; Harvest counts per account.', {
    general: budget(15, 'Requests to everything but reports.'),
    reports: budget(900, 'Requests to /reports.'),
  }),
  overlap_seconds: seconds(0)
    .default(300)
    .describe(
      'How far a poll reaches back before the one before it. Costs nothing downstream: unchanged rows are not published again.',
    ),
  proxy_url: proxy()
    .optional()
    .describe(
      'The proxy to Harvest and Harvest ID; off for none. Unset: HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the environment.',
    ),
  ca_file: pemFile('/etc/ssl/proxy.pem').describe(
    'PEM file of a certificate authority to trust, for a proxy that re-encrypts.',
  ),
}).refine(({ start_date, end_date }) => !start_date || !end_date || start_date <= end_date, {
  error: 'has an end_date before its start_date',
});

const tls = z.strictObject({
  ca_file: pemFile('/etc/ssl/kafka-ca.pem').describe('PEM file of the certificate authority of the brokers.'),
  cert_file: pemFile('/etc/ssl/kafka-client.pem').describe('PEM file of our certificate (mutual TLS).'),
  key_file: pemFile('/etc/ssl/kafka-client.key').describe('PEM file of our private key (mutual TLS).'),
  key_passphrase: secret('${KAFKA_KEY_PASSPHRASE}')
    .optional()
    .describe('Passphrase of key_file, when that is encrypted.'),
  reject_unauthorized: z
    .boolean()
    .default(true)
    .describe('Whether a broker with an unknown certificate is refused. Keep it on outside a lab.'),
});

const kafka = section('The target.', {
  brokers: list(
    (entry) => /^(\[[0-9a-fA-F:]+\]|[^\s:/,]+):\d{1,5}$/.test(entry),
    'must be host:port, or several of them',
  ).meta({ description: 'Bootstrap brokers: a list, or one text with commas.', example: 'localhost:9092' }),
  client_id: text().default('harvest-kafka').describe('Shown in the logs and quotas of the broker.'),
  ssl: z
    .union([z.boolean(), tls])
    .prefault(false)
    .describe('TLS to the brokers: true, false, or a map of the keys below.'),
  sasl: sasl.optional().describe('Log-in to the brokers. Unset: none.'),
  compression: z
    .enum(['none', 'gzip'])
    .default('none')
    .describe(
      'Compression of what is sent. gzip saves network and disk for about 40 % more CPU per record and 2.5 times the reading time at start; at the rate Harvest allows, neither network nor disk is short.',
    ),
  transaction_timeout_seconds: whole(1, 900)
    .default(30)
    .meta({ unit: 'seconds' })
    .describe(
      'After this long the broker ends a transaction whose process died; until then its last page stays hidden.',
    ),
});

const registryAuth = z
  .strictObject({
    username: text()
      .optional()
      .meta({ description: 'User name, with password.', from_file: true, example: 'harvest-kafka' }),
    password: secret('${SCHEMA_REGISTRY_PASSWORD}').optional().describe('Password, with username.'),
    bearer_token: token('${file:/run/secrets/registry_token}')
      .optional()
      .describe('A bearer token, instead of username and password.'),
  })
  .refine((given) => isRegistryAuth(given), {
    error: 'needs either username and password, or bearer_token',
    when: () => true,
  });

const schemaRegistry = section('Where the Avro schemas live.', {
  url: urls('must be http:// or https:// addresses; credentials belong to schema_registry.auth')
    .meta({ example: 'http://localhost:8081' })
    .describe('Confluent-compatible registry: one address, or several of the same cluster. Needed at start only.'),
  auth: registryAuth.optional().describe('Log-in to the registry. Unset: none.'),
  auto_register: z
    .boolean()
    .default(true)
    .describe(
      'Whether missing schemas are registered at start; when off, start is refused with the list of what is missing.',
    ),
  proxy_url: proxy()
    .optional()
    .describe(
      'The proxy to the registry; off for none. Unset: HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the environment.',
    ),
  ca_file: pemFile('/etc/ssl/registry-ca.pem').describe('PEM file of a certificate authority to trust.'),
});

const topics = section('Names and shape of the topics.', {
  prefix: z
    .string()
    .regex(
      /^([a-zA-Z0-9._-]|\{account_id\}){1,180}$/,
      'must be a topic name: letters, digits, dot, underscore, hyphen, and {account_id}',
    )
    .default('harvest')
    .describe(
      'Topics are <prefix>.<stream>, <prefix>.state, <prefix>.dead-letters and <prefix>.notifications. With several accounts it must hold {account_id}, so that each has topics of its own.',
    ),
  partitions: whole(1, 10_000)
    .default(1)
    .describe('Partitions of the data topics that are made; present topics keep theirs.'),
  replication_factor: z
    .int()
    .refine((copies) => copies === -1 || copies >= 1, 'must be -1 (the default of the broker) or at least 1')
    .default(-1)
    .describe('Replicas of the topics that are made; -1 is the default of the broker.'),
});

const deletes = section('When deletions are held.', {
  hold_percent: whole(0, 100)
    .default(5)
    .meta({ unit: 'percent' })
    .describe(
      'More than this share of the rows of a stream missing at once, and more than hold_at_least, looks like a role that shrank: nothing is deleted until harvest-kafka release <stream>, or until they are there again.',
    ),
  hold_at_least: whole(0).default(50).meta({ unit: 'rows' }).describe('Fewer missing rows than this are never held.'),
});

const polling = section('How often lists are polled whose poll_interval_seconds is auto.', {
  target_seconds: seconds(1)
    .default(4)
    .describe('Time between two polls of a list in which something changed within ten minutes.'),
  quiet_seconds: seconds(1)
    .default(10)
    .describe('Time between two polls of the other lists of an account in which anything changed within the hour.'),
  idle_seconds: seconds(1).default(60).describe('Time between two polls of all other lists.'),
  budget_share: z
    .number()
    .gt(0, 'must be above 0')
    .max(1, 'must be at most 1')
    .default(0.5)
    .describe(
      'The most of the general budget that polls and count checks take together, in effect 0.8 at most. When they would take more than nine tenths of this share, all their intervals are stretched evenly, which is said.',
    ),
});

export const schema = z
  .strictObject({
    harvest,
    kafka,
    schema_registry: schemaRegistry,
    topics,
    key: section('The record keys.', {
      format: z
        .enum(['avro', 'string'])
        .default('avro')
        .describe(
          'Keys as Avro ({"id": 123}) or as text ("123", for reports "from|to|id|currency"). Cannot be changed for topics that exist.',
        ),
    }),
    decimal_handling_mode: z
      .enum(['precise', 'double', 'string'])
      .default('precise')
      .describe('Amounts, rates, hours and quantities as Avro decimal(24,6), as double, or as text.'),
    running_timers: z
      .enum(['on_change', 'every_poll'])
      .default('on_change')
      .describe(
        'When a time entry whose timer runs is published: on_change when anything but the ticking of hours and rounded_hours has changed (the last hours come when it stops), every_poll each time its hours have grown.',
      ),
    streams,
    polling,
    privacy: section('What keeps fields private.', {
      salt: secret('${file:/run/secrets/harvest_salt}')
        .optional()
        .describe(
          'Key of the HMAC that stands in place of hashed fields (streams.<name>.fields.hash). Another one makes other hashes of all of them.',
        ),
    }),
    deletes,
    reports: section('The report streams.', {
      window: z
        .enum(['day', 'week', 'month', 'quarter', 'year'])
        .default('month')
        .describe('The calendar window of report rows; it is part of their key.'),
      restate_seconds: seconds(1)
        .default(300)
        .describe('A window whose entries change all the time is read again after this long.'),
    }),
    cluster,
    http: section('Health, metrics, status.', {
      listen: listenAddress()
        .prefault('127.0.0.1:8080')
        .describe(
          'Where health, metrics and the status page are served; off for nowhere. There is no log-in: keep it inside.',
        ),
      allowed_hosts: z
        .array(z.string().min(1))
        .default([])
        .describe(
          'Names with a dot by which it may be asked for, such as that of a proxy in front; addresses and names without one always are.',
        ),
      metrics_by: z
        .enum(['auto', 'stream', 'account'])
        .default('auto')
        .describe(
          'Whether metrics of streams are told for each stream or, with an empty label `stream`, for all streams of an account together; auto is by stream up to 20 accounts in a process.',
        ),
    }),
    log: section('What is written to stdout.', {
      level: z
        .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
        .default('info')
        .describe('The least urgent lines that are written; debug adds a line per page and request.'),
    }),
    tracing: section('OpenTelemetry: a trace of every step, with its requests, its comparison and its commit.', {
      otlp_endpoint: url()
        .optional()
        .meta({ example: 'http://localhost:4318' })
        .describe(
          'The collector, by OTLP over HTTP; unset, there are no traces. Needs the packages that docs/operating/traces.md names, which reads OTEL_EXPORTER_OTLP_HEADERS and its like from the environment.',
        ),
      sample_ratio: z.number().min(0).max(1).default(1).describe('The share of traces that is sent, drawn at random.'),
    }),
  })
  .superRefine(({ harvest, topics, cluster }, context) => {
    if (cluster.enabled && !cluster.shared_token_files && harvest.accounts.some(({ oauth }) => oauth !== undefined)) {
      const message =
        'must be true, because accounts with oauth.token_file move to instances that have to see the same file';
      context.addIssue({ code: 'custom', path: ['cluster', 'shared_token_files'], message });
    }
    // The rows of two accounts in one topic could not be told apart (docs/decisions/0007).
    if (harvest.accounts.length < 2 || topics.prefix.includes('{account_id}')) return;
    const message = 'must hold {account_id}, since there are several accounts';
    context.addIssue({ code: 'custom', path: ['topics', 'prefix'], message });
  });

type Written = z.output<typeof schema>;
/** The way out, from `proxy_url` or the environment. */
type WithProxies<T> = T & { readonly proxies: Proxies };

/** The effective configuration: frozen, defaults filled in, property names as in the file. */
export type Config = Omit<Written, 'harvest' | 'kafka' | 'schema_registry' | 'streams'> & {
  readonly harvest: WithProxies<Written['harvest']>;
  readonly kafka: WithProxies<Written['kafka']>;
  readonly schema_registry: WithProxies<Written['schema_registry']>;
  readonly streams: Readonly<Record<string, StreamConfig>>;
};
export type AccountConfig = Config['harvest']['accounts'][number];

/** The configuration of what was written and found right, with the defaults of lists and the proxies in their places. */
export function configOf(written: object, env: Environment['env']): Config {
  const config = schema.parse(withListDefaults(written));
  const { harvest, kafka, schema_registry } = config;
  const { defaults: _, ...streams } = config.streams;
  return {
    ...config,
    harvest: { ...harvest, proxies: proxiesOf(harvest.proxy_url, env) },
    kafka: { ...kafka, proxies: proxiesOf(undefined, env) },
    schema_registry: { ...schema_registry, proxies: proxiesOf(schema_registry.proxy_url, env) },
    streams: streams as Record<string, StreamConfig>,
  };
}

function areDistinct(accounts: readonly { id: string }[]): boolean {
  return new Set(accounts.map(({ id }) => id)).size === accounts.length;
}

function isRegistryAuth(given: { username?: unknown; password?: unknown; bearer_token?: unknown }): boolean {
  const basic = given.username !== undefined && given.password !== undefined;
  const neither = given.username === undefined && given.password === undefined;
  return given.bearer_token === undefined ? basic : neither;
}
