// The Flink SQL of the page on readers, run by Flink's own jars in one process over the topics of KAFKA_BROKERS and
// SCHEMA_REGISTRY_URL, compose's by default: `npm run flink`. Needs Java and Maven, and 250 MB the first time.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cached } from '../dist/lab/stack/artefacts.js';
import { javaTool } from '../dist/lab/stack/java.js';

const folder = new URL('flink/', import.meta.url).pathname;
const page = readFileSync(new URL('../docs/operating/readers.md', import.meta.url), 'utf8');
const { KAFKA_BROKERS = 'localhost:19092', SCHEMA_REGISTRY_URL = 'http://localhost:8081/apis/ccompat/v7' } =
  process.env;

const home = await cached('flink-2.2.0', {}, async (libs) => {
  console.log('Flink 2.2.0: downloading (once)');
  const copy = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${libs}`];
  const { status } = spawnSync('mvn', ['-B', '-q', '-f', join(folder, 'pom.xml'), ...copy], { stdio: 'inherit' });
  if (status !== 0) throw new Error('Maven could not fetch scripts/flink/pom.xml');
});

const [, sql] = /^```sql\n([\s\S]+?)^```$/m.exec(page);
const opened = ['java.lang', 'java.util', 'java.time', 'java.nio'].map(
  (name) => `--add-opens=java.base/${name}=ALL-UNNAMED`,
);
const { status } = spawnSync(
  javaTool('java'),
  [...opened, '-Xmx512m', '-cp', join(home, '*'), join(folder, 'RunSql.java')],
  {
    input: sql
      .replaceAll('localhost:19092', KAFKA_BROKERS)
      .replaceAll('http://localhost:8081/apis/ccompat/v7', SCHEMA_REGISTRY_URL),
    stdio: ['pipe', 'inherit', 'inherit'],
  },
);
process.exitCode = status ?? 1;
