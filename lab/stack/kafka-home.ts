// Kafka's programs: the jars, a formatted template of a data directory, and the archive of loaded classes.

import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PublisherError } from '../../src/base/errors.ts';
import { cachedFromMaven, exists, type FetchOptions, labFile, maven } from './artefacts.ts';
import { type BrokerPlan, LAB_USER, serverProperties } from './broker-config.ts';
import { javaTool, quickStart } from './java.ts';
import { freePort } from './ports.ts';
import { run, Server } from './process.ts';

/** HARVEST_KAFKA_LAB_KAFKA names another one: all of the lab and of the tests runs on it then. */
export const KAFKA_VERSION = process.env.HARVEST_KAFKA_LAB_KAFKA || '4.2.1';

/** The broker writes this when it takes requests. */
export const STARTED = 'Kafka Server started';

/** The folder of Kafka's programs, fetched when absent. Throws PublisherError `lab.missing` or `lab.failed`. */
export async function kafkaHome(version: string, options: FetchOptions): Promise<string> {
  return cachedFromMaven(`kafka-${version}`, options, async (home) => {
    options.onProgress?.(`Apache Kafka ${version}: downloading (45 MB, once)`);
    const copy = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${join(home, 'libs')}`];
    await maven('kafka', [...copy, `-Dkafka.version=${version}`], options);
    options.onProgress?.(`Apache Kafka ${version}: preparing (once)`);
    await prepare(home, options.signal);
  });
}

/** The arguments of `java` that run one of Kafka's programs; the working directory must be Kafka's home. */
export async function kafkaProgram(
  home: string,
  heapMb: number,
  program: readonly string[],
  archive: 'read archive' | 'write archive' = 'read archive',
): Promise<string[]> {
  // Relative and sorted: the archive of classes is used only with the very class path that it was made with.
  const jars = (await readdir(join(home, 'libs'))).sort().map((jar) => `libs/${jar}`);
  return [
    ...quickStart(heapMb, 'kafka.jsa', archive),
    `-Dlog4j2.configurationFile=${labFile('kafka', 'log4j2.properties')}`,
    '-cp',
    jars.join(':'),
    ...program,
  ];
}

/** Writes the broker's server.properties to `file`. */
export async function writeProperties(file: string, plan: BrokerPlan): Promise<void> {
  await writeFile(file, (await readFile(labFile('kafka', 'server.properties'), 'utf8')) + serverProperties(plan));
}

/** Makes `logDir` a data directory of this node; `clusterId` and directory ids are 16 random bytes in base64url. */
export async function format(home: string, plan: BrokerPlan, clusterId: string): Promise<void> {
  await mkdir(plan.logDir, { recursive: true });
  await copyFile(join(home, BOOTSTRAP), join(plan.logDir, BOOTSTRAP));
  // Written last and in one piece: its presence says that the directory is formatted.
  const meta = { version: '1', 'cluster.id': clusterId, 'node.id': plan.nodeId, 'directory.id': newId() };
  const text = Object.entries(meta).map(([key, value]) => `${key}=${value}\n`);
  await writeFile(join(plan.logDir, 'meta.properties.new'), text.join(''));
  await rename(join(plan.logDir, 'meta.properties.new'), join(plan.logDir, META));
}

export async function isFormatted(logDir: string): Promise<boolean> {
  return exists(join(logDir, META));
}

export function newId(): string {
  return randomBytes(16).toString('base64url');
}

const META = 'meta.properties';

// The first records of a cluster's metadata log: feature levels, and the lab's user for the SCRAM listeners.
const BOOTSTRAP = 'bootstrap.checkpoint';

// Formatting with Kafka's own tool costs a JVM; what it writes is the same for every directory but for the ids. And one
// start writes the archive of loaded classes, which makes every later start twice as fast.
async function prepare(home: string, signal: AbortSignal | undefined): Promise<void> {
  const training = join(home, 'training');
  const ports = { client: await freePort(), internal: await freePort(), controller: await freePort() };
  const plan: BrokerPlan = { nodeId: 1, cluster: [ports], logDir: join(training, 'log'), security: 'plain' };
  const properties = join(training, 'server.properties');
  await mkdir(training);
  await writeProperties(properties, plan);

  const scram = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
    '--add-scram',
    `${mechanism}=[name=${LAB_USER.username},password=${LAB_USER.password}]`,
  ]);
  const formatting = ['kafka.tools.StorageTool', 'format', `--cluster-id=${newId()}`, '--config', properties, ...scram];
  const { code, output } = await run(javaTool('java'), await kafkaProgram(home, 128, formatting), {
    cwd: home,
    signal,
  });
  if (code !== 0) throw new PublisherError('lab.failed', `Kafka cannot format a directory: ${output}`);
  await copyFile(join(plan.logDir, BOOTSTRAP), join(home, BOOTSTRAP));

  const server = await Server.start({
    name: 'Kafka broker (training run)',
    command: javaTool('java'),
    args: await kafkaProgram(home, 256, ['kafka.Kafka', properties], 'write archive'),
    cwd: home,
  });
  try {
    await server.ready(async () => server.hasLogged(STARTED), signal);
  } finally {
    await server.stop();
  }
  await rm(training, { recursive: true });
}
