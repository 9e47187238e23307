import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { requireJava, requireMaven } from '../../../lab/stack/java.ts';

let machine: string;

beforeEach(async () => {
  machine = await mkdtemp(join(tmpdir(), 'harvest-kafka-test-'));
  await mkdir(join(machine, 'bin'));
  vi.stubEnv('JAVA_HOME', machine);
  vi.stubEnv('PATH', join(machine, 'bin'));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(machine, { recursive: true });
});

/** Installs a program that prints `text` on stderr, as `java -version` does. */
async function install(name: string, text: string): Promise<void> {
  const file = join(machine, 'bin', name);
  await writeFile(file, `#!/bin/sh\necho '${text}' >&2\n`);
  await chmod(file, 0o755);
}

test.each(['openjdk version "17.0.15" 2025-04-15', 'openjdk version "25" 2025-09-16 LTS'])(
  '%s is new enough',
  async (text) => {
    await install('java', text);
    await expect(requireJava()).resolves.toBeUndefined();
  },
);

test.each([
  ['openjdk version "11.0.2" 2019-01-15', '11'],
  ['java version "1.8.0_402"', '8'],
])('%s is too old, and is named', async (text, release) => {
  await install('java', text);
  await expect(requireJava()).rejects.toMatchObject({
    code: 'lab.missing',
    exitCode: 69,
    message: `Java 17 or newer is missing (found Java ${release}): install it, for example openjdk-17-jre-headless, or use docker compose.`,
  });
});

test('no Java at all is told from an old one', async () => {
  await expect(requireJava()).rejects.toThrow(
    'Java 17 or newer is missing: install it, for example openjdk-17-jre-headless, or use docker compose.',
  );
});

test('Maven is required by name', async () => {
  await expect(requireMaven()).rejects.toMatchObject({ code: 'lab.missing' });
  await install('mvn', 'Apache Maven 3.8.7');
  await expect(requireMaven()).resolves.toBeUndefined();
});
