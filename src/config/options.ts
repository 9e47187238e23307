// Every configuration key, declared once: type, default, unit, description, secrecy, example. Validation, the typed
// Config, config/reference.yaml, the JSON Schema and docs/generated/CONFIG.md all come from this file; load.ts reads.
import { z } from 'zod';
import { cluster } from './cluster-options.ts';
import { type StreamConfig, streams, withListDefaults } from './stream-options.ts';
import { date, list, listenAddress, option, seconds, secret, text, token, url, urls, whole } from './values.ts';

const account = z
  .strictObject({
    id: option(z.string().regex(/^\d{1,15}$/, 'must be the digits of an account id'), 'The Harvest account id.', {
      example: '${HARVEST_ACCOUNT_ID}',
    }),
    access_token: option(
      token().optional(),
      'A personal access token (Harvest ID, Developers). Give this or oauth, not both.',
      { secret: true, usual: true, example: '${HARVEST_ACCESS_TOKEN}' },
    ),
    oauth: option(
      z
        .strictObject({
          client_id: option(text(), 'Client id of your OAuth2 application.', { from_file: true, example: 'abc' }),
          client_secret: option(secret(), 'Client secret of your OAuth2 application.', {
            secret: true,
            example: '${file:/run/secrets/harvest_client_secret}',
          }),
          refresh_token: option(secret(), 'The first refresh token; later ones are kept in token_file.', {
            secret: true,
            example: '${file:/run/secrets/harvest_refresh_token}',
          }),
          token_file: option(
            text(),
            'Where renewed tokens are kept: Harvest may hand out a new refresh token each time. Must be writable and survive restarts.',
            { example: '/var/lib/harvest-kafka/token.json' },
          ),
        })
        .optional(),
      'Tokens that are renewed by themselves, instead of access_token.',
    ),
  })
  .refine((given) => (given.access_token === undefined) !== (given.oauth === undefined), {
    error: 'needs either access_token or oauth',
    when: () => true,
  });

const budget = (per_seconds: number, description: string) =>
  option(
    z
      .strictObject({
        requests: option(
          whole(1).default(95),
          'Requests allowed in any sliding window. Harvest stops at 100; the rest is left to others on the same account.',
          { unit: 'requests' },
        ),
        per_seconds: option(seconds(1).default(per_seconds), 'Length of the window.', { unit: 'seconds' }),
      })
      .prefault({}),
    description,
  );

const harvest = option(
  z
    .strictObject({
      base_url: option(url().prefault('https://api.harvestapp.com/v2'), 'Where the Harvest API v2 begins.'),
      public_url: option(
        url().prefault('https://api.harvestapp.com/v2'),
        'Where the links in answers say that the API begins, when base_url is a gateway: links that lead there are taken by path and query on base_url.',
      ),
      id_base_url: option(url().prefault('https://id.getharvest.com'), 'Harvest ID, which renews OAuth2 tokens.'),
      user_agent: option(
        text()
          .max(200)
          .regex(/^[\x20-\x7e]+$/, 'must be printable ASCII')
          .default('harvest-kafka (https://www.npmjs.com/package/harvest-kafka)'),
        'Required by Harvest: the name of the application and, in parentheses, a link or address of who runs it.',
      ),
      start_date: option(
        date().optional(),
        'Bounds the snapshot by updated_since, and the report windows. Unset: everything.',
        { example: '2024-01-01' },
      ),
      end_date: option(date().optional(), 'Last day of the report windows. Unset: today.', { example: '2026-12-31' }),
      accounts: option(
        z.array(account).min(1).refine(areDistinct, 'names the same id twice'),
        'The Harvest accounts to publish, each with its own token.',
      ),
      budgets: option(
        z
          .strictObject({
            general: budget(15, 'Requests to everything but reports.'),
            reports: budget(900, 'Requests to /reports.'),
          })
          .prefault({}),
        'How many requests may be made; Harvest counts per account.',
      ),
      overlap_seconds: option(
        seconds(0).default(300),
        'How far a poll reaches back before the one before it. Costs nothing downstream: unchanged rows are not published again.',
        { unit: 'seconds' },
      ),
      ca_file: option(
        text().optional(),
        'PEM file of a certificate authority to trust, for a proxy that re-encrypts.',
        {
          reads_file: true,
          example: '/etc/ssl/proxy.pem',
        },
      ),
    })
    .refine(({ start_date, end_date }) => !start_date || !end_date || start_date <= end_date, {
      error: 'has an end_date before its start_date',
    }),
  'The source: which accounts, and how politely.',
);

const kafka = option(
  z.strictObject({
    brokers: option(
      list((entry) => /^(\[[0-9a-fA-F:]+\]|[^\s:/,]+):\d{1,5}$/.test(entry), 'must be host:port, or several of them'),
      'Bootstrap brokers: a list, or one text with commas.',
      { example: 'localhost:9092' },
    ),
    client_id: option(text().default('harvest-kafka'), 'Shown in the logs and quotas of the broker.'),
    ssl: option(
      z
        .union([
          z.boolean(),
          z.strictObject({
            ca_file: option(text().optional(), 'PEM file of the certificate authority of the brokers.', {
              reads_file: true,
              example: '/etc/ssl/kafka-ca.pem',
            }),
            cert_file: option(text().optional(), 'PEM file of our certificate (mutual TLS).', {
              reads_file: true,
              example: '/etc/ssl/kafka-client.pem',
            }),
            key_file: option(text().optional(), 'PEM file of our private key (mutual TLS).', {
              reads_file: true,
              example: '/etc/ssl/kafka-client.key',
            }),
            key_passphrase: option(secret().optional(), 'Passphrase of key_file, when that is encrypted.', {
              secret: true,
              example: '${KAFKA_KEY_PASSPHRASE}',
            }),
            reject_unauthorized: option(
              z.boolean().default(true),
              'Whether a broker with an unknown certificate is refused. Keep it on outside a lab.',
            ),
          }),
        ])
        .default(false),
      'TLS to the brokers: true, false, or a map of the keys below.',
    ),
    sasl: option(
      z
        .strictObject({
          mechanism: option(z.enum(['plain', 'scram-sha-256', 'scram-sha-512']), 'How to log in.', {
            example: 'scram-sha-512',
          }),
          username: option(text(), 'User name.', { from_file: true, example: 'harvest-kafka' }),
          password: option(secret(), 'Password.', { secret: true, example: '${KAFKA_PASSWORD}' }),
        })
        .optional(),
      'Log-in to the brokers. Unset: none.',
    ),
    compression: option(
      z.enum(['none', 'gzip']).default('none'),
      'Compression of what is sent. gzip saves network and disk for about 40 % more CPU per record and 2.5 times the reading time at start; at the rate Harvest allows, neither network nor disk is short.',
    ),
    transaction_timeout_seconds: option(
      whole(1, 900).default(30),
      'After this long the broker ends a transaction whose process died; until then its last page stays hidden.',
      { unit: 'seconds' },
    ),
  }),
  'The target.',
);

const schemaRegistry = option(
  z.strictObject({
    url: option(
      urls('must be http:// or https:// addresses; credentials belong to schema_registry.auth'),
      'Confluent-compatible registry: one address, or several of the same cluster. Needed at start only.',
      { example: 'http://localhost:8081' },
    ),
    auth: option(
      z
        .strictObject({
          username: option(text().optional(), 'User name, with password.', {
            from_file: true,
            example: 'harvest-kafka',
          }),
          password: option(secret().optional(), 'Password, with username.', {
            secret: true,
            example: '${SCHEMA_REGISTRY_PASSWORD}',
          }),
          bearer_token: option(token().optional(), 'A bearer token, instead of username and password.', {
            secret: true,
            example: '${file:/run/secrets/registry_token}',
          }),
        })
        .refine((given) => isRegistryAuth(given), {
          error: 'needs either username and password, or bearer_token',
          when: () => true,
        })
        .optional(),
      'Log-in to the registry. Unset: none.',
    ),
    auto_register: option(
      z.boolean().default(true),
      'Whether missing schemas are registered at start; when off, start is refused with the list of what is missing.',
    ),
    ca_file: option(text().optional(), 'PEM file of a certificate authority to trust.', {
      reads_file: true,
      example: '/etc/ssl/registry-ca.pem',
    }),
  }),
  'Where the Avro schemas live.',
);

export const schema = z
  .strictObject({
    harvest,
    kafka,
    schema_registry: schemaRegistry,
    topics: option(
      z
        .strictObject({
          prefix: option(
            z
              .string()
              .regex(
                /^([a-zA-Z0-9._-]|\{account_id\}){1,180}$/,
                'must be a topic name: letters, digits, dot, underscore, hyphen, and {account_id}',
              )
              .default('harvest'),
            'Topics are <prefix>.<stream>, <prefix>.state, <prefix>.dead-letters and <prefix>.notifications. With several accounts it must hold {account_id}, so that each has topics of its own.',
          ),
          partitions: option(
            whole(1, 10_000).default(1),
            'Partitions of the data topics that are made; present topics keep theirs.',
          ),
          replication_factor: option(
            z
              .int()
              .refine((copies) => copies === -1 || copies >= 1, 'must be -1 (the default of the broker) or at least 1')
              .default(-1),
            'Replicas of the topics that are made; -1 is the default of the broker.',
          ),
        })
        .prefault({}),
      'Names and shape of the topics.',
    ),
    key: option(
      z
        .strictObject({
          format: option(
            z.enum(['avro', 'string']).default('avro'),
            'Keys as Avro ({"id": 123}) or as text ("123", for reports "from|to|id|currency"). Cannot be changed for topics that exist.',
          ),
        })
        .prefault({}),
      'The record keys.',
    ),
    decimal_handling_mode: option(
      z.enum(['precise', 'double', 'string']).default('precise'),
      'Amounts, rates, hours and quantities as Avro decimal(24,6), as double, or as text.',
    ),
    running_timers: option(
      z.enum(['on_change', 'every_poll']).default('on_change'),
      'When a time entry whose timer runs is published: on_change when anything but the ticking of hours and rounded_hours has changed (the last hours come when it stops), every_poll each time its hours have grown.',
    ),
    streams,
    deletes: option(
      z
        .strictObject({
          hold_percent: option(
            whole(0, 100).default(5),
            'More than this share of the rows of a stream missing at once, and more than hold_at_least, looks like a role that shrank: nothing is deleted until harvest-kafka release <stream>, or until they are there again.',
            { unit: 'percent' },
          ),
          hold_at_least: option(whole(0).default(50), 'Fewer missing rows than this are never held.', { unit: 'rows' }),
        })
        .prefault({}),
      'When deletions are held.',
    ),
    reports: option(
      z
        .strictObject({
          window: option(
            z.enum(['day', 'week', 'month', 'quarter', 'year']).default('month'),
            'The calendar window of report rows; it is part of their key.',
          ),
        })
        .prefault({}),
      'The report streams.',
    ),
    cluster,
    http: option(
      z
        .strictObject({
          listen: option(
            listenAddress().prefault('127.0.0.1:8080'),
            'Where health, metrics and the status page are served; off for nowhere. There is no log-in: keep it inside.',
          ),
        })
        .prefault({}),
      'Health, metrics, status.',
    ),
    log: option(
      z
        .strictObject({
          level: option(
            z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
            'The least urgent lines that are written; debug adds a line per page and request.',
          ),
        })
        .prefault({}),
      'What is written to stdout.',
    ),
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

/** The effective configuration: frozen, defaults filled in, property names as in the file. */
export type Config = Omit<z.output<typeof schema>, 'streams'> & {
  readonly streams: Readonly<Record<string, StreamConfig>>;
};
export type AccountConfig = Config['harvest']['accounts'][number];
/** The configuration of what was written and found right, with the defaults of lists in their places. */
export function configOf(written: object): Config {
  const config = schema.parse(withListDefaults(written));
  const { defaults: _, ...own } = config.streams;
  return { ...config, streams: own as Record<string, StreamConfig> };
}

function areDistinct(accounts: readonly { id: string }[]): boolean {
  return new Set(accounts.map(({ id }) => id)).size === accounts.length;
}

function isRegistryAuth(given: { username?: unknown; password?: unknown; bearer_token?: unknown }): boolean {
  const basic = given.username !== undefined && given.password !== undefined;
  const neither = given.username === undefined && given.password === undefined;
  return given.bearer_token === undefined ? basic : neither;
}
