// A real schema registry on this machine, Apicurio, which speaks the Confluent API. Knows nothing of our schemas.

import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { cachedFromMaven, type FetchOptions, maven } from './artefacts.ts';
import { javaTool, quickStart } from './java.ts';
import { freePort } from './ports.ts';
import { answersAt, Server } from './process.ts';

export const REGISTRY_VERSION = '3.0.9';

export interface RegistryOptions extends FetchOptions {
  /** Default: a free one. */
  readonly port?: number | undefined;
  /** Keeps the schemas over restarts; without it they live in memory. */
  readonly dataDir?: string | undefined;
  /** Default 128. */
  readonly heapMb?: number | undefined;
  /** The global rule, default `BACKWARD`. Enforced, although this registry goes on reporting `NONE`. */
  readonly compatibility?: string | undefined;
  readonly onLog?: ((line: string) => void) | undefined;
}

export interface Registry {
  /** Where the Confluent API begins: `http://127.0.0.1:<port>/apis/ccompat/v7`. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Rejects with PublisherError `lab.failed` when it ends although nobody told it to. */
  readonly died: Promise<never>;
  /** SIGTERM; resolves when the process is gone. */
  stop(): Promise<void>;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  logTail(lines: number): string[];
}

/**
 * Starts a registry; resolves when it lists its subjects. Throws PublisherError `lab.missing` (Java, Maven) or
 * `lab.failed` with the end of the registry's log.
 */
export async function startRegistry(options: RegistryOptions = {}): Promise<Registry> {
  const home = await registryHome(options);
  return launch(home, options, 'read archive');
}

/** The folder of the registry's programs, fetched when absent. Throws PublisherError `lab.missing` or `lab.failed`. */
export async function registryHome(options: FetchOptions): Promise<string> {
  return cachedFromMaven(`apicurio-registry-${REGISTRY_VERSION}`, options, async (home) => {
    options.onProgress?.(`Apicurio Registry ${REGISTRY_VERSION}: downloading (104 MB, once)`);
    const unpack = ['dependency:unpack', `-DoutputDirectory=${home}`, `-Dregistry.version=${REGISTRY_VERSION}`];
    await maven('registry', unpack, options);
    options.onProgress?.(`Apicurio Registry ${REGISTRY_VERSION}: preparing (once)`);
    const training = await launch(home, { signal: options.signal }, 'write archive');
    await training.stop();
  });
}

async function launch(
  home: string,
  options: RegistryOptions,
  archive: 'read archive' | 'write archive',
): Promise<Registry> {
  const port = options.port ?? (await freePort());
  const url = `http://127.0.0.1:${port}/apis/ccompat/v7`;
  const server = await Server.start({
    name: `Schema registry ${url}`,
    command: javaTool('java'),
    args: [
      ...quickStart(options.heapMb ?? 128, 'registry.jsa', archive),
      '-Dquarkus.http.host=127.0.0.1',
      `-Dquarkus.http.port=${port}`,
      `-Dapicurio.rules.global.compatibility=${options.compatibility ?? 'BACKWARD'}`,
      // By itself it opens twenty connections to its database before it answers, and gives up when one takes five seconds.
      '-Dapicurio.datasource.jdbc.initial-size=1',
      '-Dapicurio.datasource.jdbc.min-size=1',
      '-Dquarkus.datasource.h2.jdbc.acquisition-timeout=300S',
      '-Dquarkus.log.level=WARN',
      '-Dquarkus.banner.enabled=false',
      ...(await storage(options.dataDir)),
      '-jar',
      `apicurio-registry-app-${REGISTRY_VERSION}-runner.jar`,
    ],
    cwd: home,
    onLog: options.onLog,
  });
  await server.ready((patience) => answersAt(`${url}/subjects`, patience), options.signal);
  return {
    url,
    port,
    pid: server.pid,
    died: server.died,
    stop: () => server.stop(),
    kill: () => server.kill(),
    logTail: (lines) => server.logTail(lines),
  };
}

async function storage(dataDir: string | undefined): Promise<string[]> {
  if (dataDir === undefined) return [];
  await mkdir(dataDir, { recursive: true });
  // H2 otherwise writes up to half a second after it said so, and a kill would lose what was acknowledged.
  return [`-Dapicurio.datasource.url=jdbc:h2:file:${resolve(dataDir, 'registry')};WRITE_DELAY=0`];
}
