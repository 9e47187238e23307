// The programs of the page on readers, taken from it and run as they stand there, against what the built command publishes. What
// needs a program that npm and Maven do not bring (Python's confluent-kafka, kcat) is left out where that is not installed.
import { readFileSync } from 'node:fs';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connectHome } from '../../lab/stack/connect.ts';
import { javaTool } from '../../lab/stack/java.ts';
import { run } from '../../lab/stack/process.ts';
import { dataTopic } from '../../src/kafka/topics.ts';
import { createDecoder } from '../support/consumer.ts';
import { freeEntries } from '../support/free-entries.ts';
import { readCommitted } from '../support/kafka.ts';
import { has } from '../support/programs.ts';
import {
  environment,
  finished,
  MAIN,
  NO_LIMITS,
  onlyStreams,
  type Running,
  startProgram,
  until,
} from '../support/publisher.ts';
import { type Scene, scene } from '../support/scene.ts';
import { temporaryFolder } from '../support/stack.ts';

const root = new URL('../..', import.meta.url).pathname;
const PAGE = readFileSync(join(root, 'docs/operating/readers.md'), 'utf8');
const PYTHON = process.env.PYTHON || 'python3';

/** The program in the section of that heading. */
function programOf(heading: string): string {
  const section = PAGE.split(/^## /m).find((text) => text.startsWith(`${heading}\n`))!;
  return /^```\w+\n([\s\S]+?)^```$/m.exec(section)![1]!;
}

/** A folder in which the program is written as `file`, where it finds npm's packages and the built command. */
async function folderWith(heading: string, file: string): Promise<string> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, file), programOf(heading));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  await mkdir(join(folder, 'bin'));
  const command = join(folder, 'bin', 'harvest-kafka');
  await writeFile(command, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
  await chmod(command, 0o755);
  return folder;
}

const SETTINGS = [...NO_LIMITS, ...onlyStreams('company', 'clients', 'projects', 'time_entries')];

async function published(where: Scene): Promise<void> {
  const end = await finished(where, ['run', '--once']);
  expect(end, end.errors).toMatchObject({ code: 0 });
}

async function stage(): Promise<Scene> {
  const where = {
    ...(await scene({ timeEntries: 20, years: 0.2 })),
    settings: [...SETTINGS, 'deletes.hold_percent=100'],
  };
  await published(where);
  return where;
}

const topicOf = ({ prefix }: Scene) => dataTopic(prefix, 'time_entries');

/** What an independent consumer makes of the topic, a line for each change. */
async function linesOf(where: Scene): Promise<string[]> {
  const decode = createDecoder(where.registryUrl);
  const messages = await readCommitted(where.bootstrap, [topicOf(where)]);
  const lines = messages.map(async (message) => {
    const { key, value } = await decode(message);
    const what = `${message.headers.__op} ${key.id}`;
    if (message.value === null) return what;
    return `${what} ${value.spent_date} ${value.hours} ${(value.client as { name: string }).name}`;
  });
  return (await Promise.all(lines)).sort();
}

/** The lines that are whole. */
const wholeLines = (reader: Running) => reader.output().split('\n').slice(0, -1);

/** Hours have six decimals in some languages, and as many as needed in others. */
const printedLines = (reader: Running) =>
  wholeLines(reader)
    .map((line) => line.replace(/^(\w \d+ \S+) (\S+)/, (_, what, hours) => `${what} ${Number(hours)}`))
    .sort();

const printedObjects = (reader: Running) =>
  wholeLines(reader)
    .map((line) => JSON.parse(line))
    .map(({ op, key, after }) =>
      [op, key.id, ...(after ? [after.spent_date, after.hours, after.client.name] : [])].join(' '),
    )
    .sort();

interface Reader {
  readonly heading: string;
  readonly file: string;
  readonly command: (topic: string) => Promise<readonly string[]>;
  readonly lines: (reader: Running) => string[];
}

const TERMINAL: Reader = {
  heading: 'A terminal',
  file: 'watch.sh',
  // The shell makes way for it, so that it ends with the test.
  command: async () => ['sh', '-c', `exec ${programOf('A terminal')}`],
  lines: printedObjects,
};

const JAVA: Reader = {
  heading: 'Java',
  file: 'Hours.java',
  command: async (topic) => [
    javaTool('java'),
    ...['-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', join(await connectHome({}), 'libs', '*')],
    ...['Hours.java', topic],
  ],
  lines: printedLines,
};

const NODE: Reader = {
  heading: 'Node',
  file: 'hours.mjs',
  command: async (topic) => [process.execPath, 'hours.mjs', topic],
  lines: printedLines,
};

const PYTHON_READER: Reader = {
  heading: 'Python',
  file: 'hours.py',
  command: async (topic) => [PYTHON, 'hours.py', topic],
  lines: printedLines,
};

async function started(where: Scene, { heading, file, command }: Reader): Promise<Running> {
  const folder = await folderWith(heading, file);
  const env = {
    ...environment(where),
    PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
    HARVEST_KAFKA__TOPICS__PREFIX: where.prefix,
    // Java prints in the encoding of the machine.
    LC_ALL: 'C.UTF-8',
  };
  return startProgram(await command(topicOf(where)), env, folder);
}

/** The readers see what was there before them, then a change and a deletion as they come. */
async function follow(readers: readonly Reader[]): Promise<void> {
  const where = await stage();
  const running = await Promise.all(readers.map((reader) => started(where, reader)));
  const allPrint = async (lines: readonly string[]) => {
    for (const [index, { heading, lines: printed }] of readers.entries()) {
      const reader = running[index]!;
      await until(`${heading} prints ${lines.length} lines`, () => {
        if (reader.process.exitCode !== null) throw new Error(`${heading} ended: ${reader.errors()}`);
        return printed(reader).length >= lines.length;
      });
      expect(printed(reader), heading).toEqual(lines);
    }
  };
  await allPrint(await linesOf(where));

  const { data } = where.simulator;
  const [changed, deleted] = freeEntries(where.simulator);
  where.pass(60_000);
  data.time_entries.update(changed!.id, { hours: 1.37, notes: 'longer than it seemed' });
  data.time_entries.delete(deleted!.id);
  await published(where);
  const lines = await linesOf(where);
  expect(lines.map((line) => line.slice(0, 1))).toEqual(expect.arrayContaining(['r', 'u', 'd']));
  await allPrint(lines);
}

test('a terminal, Java and Node: the programs of the page see every hour, a change and a deletion as they are on the topic', () =>
  follow([TERMINAL, JAVA, NODE]));

const hasConfluentKafka = await run(PYTHON, ['-c', 'import confluent_kafka.schema_registry.avro']).then(
  ({ code }) => code === 0,
  () => false,
);

test.skipIf(!hasConfluentKafka)('Python: the program of the page sees every hour, a change and a deletion', () =>
  follow([PYTHON_READER]),
);

test.skipIf(!has('kcat'))('kcat: the line of the page shows where each stream stands', async () => {
  const where = await stage();
  const folder = await folderWith('kcat', 'state.sh');
  const env = { PATH: process.env.PATH!, KAFKA_BROKERS: where.bootstrap, PREFIX: where.prefix };
  const { code, output } = await startProgram(['sh', 'state.sh'], env, folder).ended;
  expect(code).toBe(0);
  expect(output).toContain('"stream":"time_entries"');
});
