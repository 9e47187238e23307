// A real PostgreSQL on this machine: started, stopped, killed and started again on the same port and data directory. Knows
// nothing of the tables in it.

import { chown, mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PublisherError } from '../../src/base/errors.ts';
import { exists, type FetchOptions } from './artefacts.ts';
import { freePort } from './ports.ts';
import { findPsql, isReadableBy, postgresBin, type SqlClient, sqlClient, unprivilegedUser } from './postgres-home.ts';
import { run, type ServerOptions, type User } from './process.ts';
import { Restartable } from './restartable.ts';

/** Who owns the lab's database. */
export const SINK_USER = { username: 'sink', password: 'lab-only' } as const;
const DATABASE = 'postgres';

export interface PostgresOptions extends FetchOptions {
  /** Holds the database and outlives it; used again when it is there. As root it may be moved to where others can read. */
  readonly dataDir: string;
  /** Default: a free one. */
  readonly port?: number | undefined;
  readonly onLog?: ((line: string) => void) | undefined;
}

/** Starts a server; resolves when it takes connections. Throws PublisherError `lab.failed` with the end of its log. */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const user = await unprivilegedUser();
  const bin = await postgresBin(user, options);
  const dataDir = await ownedFolder(resolve(options.dataDir), user);
  const cluster = join(dataDir, 'cluster');
  const isNew = !(await exists(join(cluster, 'PG_VERSION')));
  if (isNew) await initialise(bin, dataDir, cluster, user);
  const port = options.port ?? (await freePort());
  const postgres = new Postgres({ bin, cluster, port, isNew, user, options });
  await postgres.start(options.signal);
  return postgres;
}

interface PostgresParts {
  readonly bin: string;
  readonly cluster: string;
  readonly port: number;
  readonly isNew: boolean;
  readonly user: User;
  readonly options: PostgresOptions;
}

/** One server, running or not. */
export class Postgres extends Restartable {
  readonly port: number;
  /** `postgresql://user:password@host:port/database` */
  readonly url: string;
  /** `jdbc:postgresql://host:port/database`, without user and password. */
  readonly jdbcUrl: string;
  /** Its data directory was made at this start. */
  readonly isNew: boolean;
  readonly #parts: PostgresParts;

  constructor(parts: PostgresParts) {
    super();
    const place = `127.0.0.1:${parts.port}/${DATABASE}`;
    this.port = parts.port;
    this.url = `postgresql://${SINK_USER.username}:${SINK_USER.password}@${place}`;
    this.jdbcUrl = `jdbc:postgresql://${place}`;
    this.isNew = parts.isNew;
    this.#parts = parts;
  }

  async start(signal?: AbortSignal): Promise<void> {
    const { bin, cluster, port, user, options } = this.#parts;
    const settings = {
      port: String(port),
      listen_addresses: '127.0.0.1',
      // Paths of sockets are short, and ours may be long.
      unix_socket_directories: '',
      timezone: 'UTC',
      log_timezone: 'UTC',
      shared_buffers: '32MB',
    };
    const program: ServerOptions = {
      name: `PostgreSQL ${port}`,
      command: join(bin, 'postgres'),
      args: ['-D', cluster, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      cwd: cluster,
      user,
      // At SIGTERM it would wait until every client has gone.
      stopSignal: 'SIGINT',
      onLog: options.onLog,
    };
    await this.launch(program, () => this.#answers(), signal);
  }

  /** A connected client. */
  async connect(): Promise<SqlClient> {
    const client = await sqlClient(this.url, this.#parts.options);
    // A connection that breaks while nobody uses it is told at its next use.
    client.on('error', () => {});
    await client.connect();
    return client;
  }

  /** The rows of the last statement of `sql`. */
  async query<Row>(sql: string): Promise<Row[]> {
    const client = await this.connect();
    try {
      const results = await client.query(sql);
      return (Array.isArray(results) ? results.at(-1) : results).rows;
    } finally {
      await client.end();
    }
  }

  /** What a person types to look around; null where `psql` is not installed. */
  async psqlLine(): Promise<string | null> {
    return (await findPsql()) === null ? null : `psql ${this.url}`;
  }

  async #answers(): Promise<boolean> {
    try {
      await this.query('select 1');
      return true;
    } catch {
      return false;
    }
  }
}

/** A folder that belongs to the user; elsewhere when the wanted one lies where only root can look. */
async function ownedFolder(wanted: string, user: User): Promise<string> {
  await mkdir(wanted, { recursive: true });
  if (user.uid === undefined) return wanted;
  const elsewhere = join(tmpdir(), 'harvest-kafka-postgres', Buffer.from(wanted).toString('base64url').slice(-40));
  const folder = (await isReadableBy(user, wanted)) ? wanted : elsewhere;
  await mkdir(folder, { recursive: true });
  await chown(folder, user.uid, user.gid!);
  return folder;
}

async function initialise(bin: string, dataDir: string, cluster: string, user: User): Promise<void> {
  const passwordFile = join(dataDir, 'password');
  await writeFile(passwordFile, `${SINK_USER.password}\n`, { mode: 0o600 });
  if (user.uid !== undefined) await chown(passwordFile, user.uid, user.gid!);
  const log = ['--auth=scram-sha-256', `--pwfile=${passwordFile}`, `--username=${SINK_USER.username}`];
  const { code, output } = await run(
    join(bin, 'initdb'),
    ['-D', cluster, '--encoding=UTF8', '--no-locale', '--no-sync', '--no-instructions', ...log],
    { ...user, cwd: dataDir },
  );
  if (code !== 0) throw new PublisherError('lab.failed', `PostgreSQL cannot make a data directory: ${output}`);
}
