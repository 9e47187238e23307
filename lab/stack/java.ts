// The lab needs two things of the machine: Java to run, Maven to fetch. Says in one sentence what is missing.

import { join } from 'node:path';
import { PublisherError } from '../../src/base/errors.ts';
import { run } from './process.ts';

const OLDEST_JAVA = 17;
const OTHERWISE = 'or use docker compose';

/** The path of a program of the Java installation: that of JAVA_HOME, else the one on the PATH. */
export function javaTool(name: 'java' | 'keytool'): string {
  const home = process.env.JAVA_HOME;
  return home ? join(home, 'bin', name) : name;
}

// The one sentence says what to do already.
const SAID = { remedy: '' };

/** Throws PublisherError `lab.missing` unless Java 17 or newer runs here. */
export async function requireJava(): Promise<void> {
  const version = await output(javaTool('java'), '-version');
  const found = version === undefined ? undefined : javaRelease(version);
  if (found !== undefined && found >= OLDEST_JAVA) return;
  const note = found === undefined ? '' : ` (found Java ${found})`;
  throw new PublisherError(
    'lab.missing',
    `Java ${OLDEST_JAVA} or newer is missing${note}: install it, for example openjdk-17-jre-headless, ${OTHERWISE}.`,
    SAID,
  );
}

/** Throws PublisherError `lab.missing` unless Maven runs here. Only a cache that is not filled yet needs it. */
export async function requireMaven(): Promise<void> {
  if ((await output('mvn', '-version')) !== undefined) return;
  throw new PublisherError(
    'lab.missing',
    `Maven is missing; it fetches Kafka and the registry once: install it, for example the package maven, ${OTHERWISE}.`,
    SAID,
  );
}

/**
 * Arguments that let a small server start in one second rather than three. The archive of loaded classes is made once,
 * by a training run; a JVM that finds it missing or of another JVM goes on without.
 */
export function quickStart(heapMb: number, archive: string, use: 'read archive' | 'write archive'): string[] {
  return [
    `-Xmx${heapMb}m`,
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-Xshare:auto',
    '-Xlog:disable',
    '-Xlog:all=error:stderr',
    use === 'read archive' ? `-XX:SharedArchiveFile=${archive}` : `-XX:ArchiveClassesAtExit=${archive}`,
  ];
}

/** The feature release in what `java -version` prints: 17 for `17.0.15`, 8 for `1.8.0_402`. */
export function javaRelease(text: string): number | undefined {
  const match = /version "(?:1\.)?(\d+)/.exec(text);
  return match ? Number(match[1]) : undefined;
}

async function output(command: string, ...args: string[]): Promise<string | undefined> {
  try {
    const { code, output } = await run(command, args);
    return code === 0 ? output : undefined;
  } catch {
    return undefined;
  }
}
