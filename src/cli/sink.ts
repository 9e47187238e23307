// `sink ddl`, `sink connector` and `sink apply`: the topics in SQL tables. Tables and connector follow from the catalog, the schemas
// and the configuration alone; only `apply` talks to anybody.
import { EXIT, PublisherError } from '../base/errors.ts';
import { publishedSchema } from '../codec/schemas.ts';
import type { AccountConfig, Config } from '../config/options.ts';
import { valueSchemas } from '../privacy.ts';
import { enabledStreams, prefixOf } from '../settings.ts';
import { applyConnector, type Connector } from '../sink/apply.ts';
import { createConnectClient } from '../sink/connect-client.ts';
import { type ConnectorPlan, connectorConfig } from '../sink/connector.ts';
import { postgresDdl, type SchemaOfTables } from '../sink/ddl.ts';
import { type Table, tableOf } from '../sink/tables.ts';
import { configOf, NO_ACCOUNT, withoutAccount } from './configuration.ts';
import { type CommonOptions, clock, interruption, print, random } from './context.ts';
import { printJson } from './output.ts';

export interface SinkOptions extends CommonOptions {
  readonly schema: string;
}

export interface ConnectorOptions extends SinkOptions {
  readonly for: ConnectorPlan['sink'];
  readonly converter: ConnectorPlan['converter'];
  readonly jdbcUrl: string;
  readonly user: string;
  readonly password: string;
  readonly registryUrl?: string;
  readonly with?: readonly string[];
}

export interface ApplyOptions extends ConnectorOptions {
  readonly connectUrl: string;
  readonly fromBeginning?: boolean;
  /** Seconds. */
  readonly wait: number;
}

/** Prints the SQL; with `--json` the tables that it makes. */
export async function sinkDdl(options: SinkOptions): Promise<number> {
  const schemas = await schemasOfTables(configuration(options), options);
  if (options.json) printJson(schemas);
  else print(postgresDdl(schemas));
  return EXIT.clean;
}

/** Prints what `POST /connectors` of Kafka Connect takes: of several accounts, a list of them. */
export async function sinkConnector(options: ConnectorOptions): Promise<number> {
  const connectors = await connectorsOf(configuration(options), options);
  printJson(connectors.length === 1 ? connectors[0] : connectors);
  return EXIT.clean;
}

/** Gives Connect one connector after the other. Throws what ended the first that does not run. */
export async function sinkApply(options: ApplyOptions): Promise<number> {
  const connectors = await connectorsOf(configuration(options), options);
  const client = createConnectClient(connectUrl(options.connectUrl), clock);
  const { signal, exitCode } = interruption();
  const { wait, fromBeginning = false } = options;
  const applied = [];
  try {
    for (const connector of connectors) {
      if (!options.json) print(`${connector.name}: waiting until its tasks run …`);
      const patience = { patienceMs: wait * 1000, fromBeginning };
      const { tasks } = await applyConnector(client, connector, { clock, random, signal, ...patience });
      applied.push({ connector: connector.name, state: 'RUNNING', tasks: tasks.length });
      if (!options.json) print(`${connector.name}: RUNNING, ${tasks.length} of ${tasks.length} tasks`);
    }
  } catch (error) {
    if (signal.aborted) return exitCode()!;
    throw error;
  } finally {
    await client.close();
  }
  if (options.json) printJson(applied);
  return EXIT.clean;
}

function configuration(options: SinkOptions): Config {
  const config = configOf(options, withoutAccount());
  const isUnknown = config.harvest.accounts.some(({ id }) => id === NO_ACCOUNT);
  if (!isUnknown || !config.topics.prefix.includes('{account_id}')) return config;
  throw new PublisherError('usage', 'topics.prefix holds {account_id}, and no account is given', {
    remedy: 'Set HARVEST_ACCOUNT_ID; no token is needed.',
  });
}

/** The tables of each account. Throws `usage` when `schema` cannot be one. */
export async function schemasOfTables(config: Config, options: Pick<SinkOptions, 'schema'>): Promise<SchemaOfTables[]> {
  const tables = await tablesOf(config);
  return config.harvest.accounts.map((account) => ({ schema: schemaOf(options, config, account), tables }));
}

/** Tables of all streams that are on, with the schemas that their topics carry. */
async function tablesOf(config: Config): Promise<Table[]> {
  const streams = enabledStreams(config);
  const schemas = await valueSchemas(config, streams);
  return streams.map((stream) => {
    const schema = publishedSchema(schemas.get(stream.name)!, config.decimal_handling_mode);
    return tableOf(stream, schema, config.key.format, streams);
  });
}

const SCHEMA_NAME = /^[a-z_][a-z0-9_]{0,39}$/;

function schemaOf({ schema }: Pick<SinkOptions, 'schema'>, { harvest }: Config, { id }: AccountConfig): string {
  if (SCHEMA_NAME.test(schema)) return harvest.accounts.length === 1 ? schema : `${schema}_${id}`;
  throw new PublisherError('usage', `--schema ${schema} is no plain name of a schema`, {
    remedy: 'Use at most 40 lower-case letters, digits and underscores.',
  });
}

/** The connector of each account. Throws `usage` when an option cannot be right. */
export async function connectorsOf(config: Config, options: ConnectorOptions): Promise<Connector[]> {
  const tables = await tablesOf(config);
  const { auth, url } = config.schema_registry;
  const registryUrls = options.registryUrl?.split(',') ?? url;
  const shared = {
    sink: options.for,
    converter: options.converter,
    tables,
    keyFormat: config.key.format,
    jdbcUrl: jdbcUrl(options.jdbcUrl),
    user: options.user,
    password: placeholder('--password', options.password),
    registryUrls: registryUrls.map((each) => httpUrl('--registry-url', each)),
    registryLogIn: auth === undefined ? 'none' : auth.bearer_token ? 'bearer' : 'basic',
    settings: settingsIn(options.with ?? []),
  } as const;
  return config.harvest.accounts.map((account) => {
    const prefix = prefixOf(config, account);
    const schema = schemaOf(options, config, account);
    return { name: `${prefix}-sink`, config: connectorConfig({ ...shared, prefix, schema }) };
  });
}

function jdbcUrl(url: string): string {
  if (!/^jdbc:\w+:/.test(url)) {
    throw new PublisherError('usage', `--jdbc-url must begin like jdbc:postgresql://host:5432/database`);
  }
  if (!/[?&](user|password|pass)=|\/\/[^/]*@/i.test(url)) return url;
  throw new PublisherError('usage', '--jdbc-url holds a user or password, which Connect would show to everybody', {
    remedy: "Leave them out, and say where Connect finds them: --user, --password '${file:/path/of/file:key}'.",
  });
}

/** `${provider:place}`, as Connect's config providers read it. */
const PLACEHOLDER = /^\$\{\w[\w-]*:[^}]+\}$/;

function placeholder(option: string, value: string): string {
  if (PLACEHOLDER.test(value)) return value;
  throw new PublisherError('usage', `${option} must be where Connect finds the secret, not the secret itself`, {
    remedy: "In single quotes: '${env:NAME}', '${file:/path/of/file:key}' or '${dir:/folder:file}'.",
  });
}

const SECRET_SETTING = /password|secret|token(?!ize)|credential|user\.info|jaas/i;

function settingsIn(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((setting) => {
      const equals = setting.indexOf('=');
      const [key, value] = [setting.slice(0, Math.max(equals, 0)).trim(), setting.slice(equals + 1)];
      if (key === '') {
        throw new PublisherError('usage', '--with must be written key=value, for example --with tasks.max=4');
      }
      return [key, SECRET_SETTING.test(key) ? placeholder(`--with ${key}`, value) : value];
    }),
  );
}

function connectUrl(text: string): string {
  return httpUrl('--connect-url', text).replace(/\/+$/, '');
}

function httpUrl(option: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new PublisherError('usage', `${option} must be an http:// or https:// address`);
  }
  if (url.username === '' && url.password === '') return text;
  throw new PublisherError('usage', `${option} holds a user name or password, which other users of this machine see`, {
    remedy: 'Leave them out; docs/operating/sinks.md says how Connect logs in to the registry.',
  });
}
