// The package as users get it: packed, installed into an empty project without running what packages bring, and used.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, normalize } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { until } from '../support/patience.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const run = promisify(execFile);

interface Manifest {
  readonly version: string;
  readonly homepage: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

interface Locked {
  readonly version: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
}

interface Lock {
  readonly packages: Readonly<Record<string, Locked>>;
}

interface Materials {
  readonly bomFormat: string;
  readonly metadata: { readonly component: { readonly name: string } };
  readonly components: readonly {
    readonly name: string;
    readonly version: string;
    readonly hashes?: readonly { readonly alg: string }[];
  }[];
}

const json = async <T>(path: string): Promise<T> => JSON.parse(await readFile(path, 'utf8'));
/** Packages of a lock file by their place; the first entry is the project itself. */
const lockedIn = ({ packages }: Lock) => Object.entries(packages).filter(([place]) => place !== '');

let folder: string;
let project: string;
let installed: string;
let files: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'harvest-kafka-package-'));
  // A copy, because the shrinkwrap must not lie in the folder that other tests run in.
  const copy = join(folder, 'copy');
  const left = ['node_modules', '.git', '.lab'];
  await cp(ROOT, copy, { recursive: true, filter: (path) => !left.includes(basename(path)) });
  for (const made of ['shrinkwrap', 'sbom']) await run('node', [`scripts/${made}.mjs`, 'write', copy], { cwd: ROOT });
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: copy });
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'))!;

  project = join(folder, 'project');
  await cp(join(copy, 'LICENSE'), join(project, 'LICENSE'));
  await writeFile(join(project, 'package.json'), '{"private":true}');
  const quietly = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
  await run('npm', ['install', ...quietly, join(folder, tarball)], { cwd: project });
  installed = join(project, 'node_modules/harvest-kafka');
  const entries = await readdir(installed, { recursive: true, withFileTypes: true });
  files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(installed.length + 1));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const command = (...args: string[]) => run('npx', ['--no-install', 'harvest-kafka', ...args], { cwd: project });

test('the package holds the compiled program, its schemas, its pages, its rules and dashboard, and the poms of the demo, and no source and no test', () => {
  const folders = [...new Set(files.map((path) => path.split('/').slice(0, -1).join('/') || path))];
  const shipped =
    /^(dist\/(src|lab)|avro|config|deploy|docs|observe|lab\/stack\/poms|lab\/simulator|bench)\b|^[A-Z]+(\.md)?$/;
  expect(folders.filter((path) => !shipped.test(path))).toEqual([
    'npm-shrinkwrap.json',
    'package.json',
    'sbom.cdx.json',
  ]);
  expect(files.filter((path) => /\.(ts|map)$|test|\.env/.test(path))).toEqual([]);
  for (const path of [
    'dist/src/main.js',
    'docs/README.md',
    'observe/prometheus/rules.yaml',
    'observe/grafana/dashboards/harvest-kafka.json',
    'CHANGELOG.md',
    'LICENSE',
    'lab/stack/poms/kafka/pom.xml',
  ]) {
    expect(files).toContain(path);
  }
});

test('every link between the pages of the package leads to a file of the package', async () => {
  const broken: string[] = [];
  for (const page of files.filter((path) => path.endsWith('.md'))) {
    const text = await readFile(join(installed, page), 'utf8');
    for (const [, link] of text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)) {
      const target = normalize(join(page, '..', link!)).replace(/\/$/, '');
      if (!files.some((path) => path === target || path.startsWith(`${target}/`))) broken.push(`${page}: ${link}`);
    }
  }
  expect(broken).toEqual([]);
});

test('the installed command answers without an account, and nothing can be imported from the package', async () => {
  const { version } = await json<Manifest>(join(ROOT, 'package.json'));
  expect(await command('--version')).toEqual({ stdout: `${version}\n`, stderr: '' });
  expect((await command('streams')).stdout).toMatch(/^time_entries +list +harvest\.time_entries/m);
  expect(JSON.parse((await command('spec')).stdout)).toHaveProperty('properties.harvest');
  const checked = await command('check').catch((failure) => failure);
  expect(checked).toMatchObject({ code: 78, stderr: expect.stringContaining('HARVEST_ACCOUNT_ID') });
  const imported = run('node', ['--input-type=module', '-e', "import 'harvest-kafka'"], { cwd: project });
  await expect(imported).rejects.toThrow('ERR_PACKAGE_PATH_NOT_EXPORTED');
});

test('traces, whose packages are not installed with it, are refused with the line that installs them', async () => {
  const nowhere = { KAFKA_BROKERS: '127.0.0.1:1', SCHEMA_REGISTRY_URL: 'http://127.0.0.1:1' };
  const env = { ...process.env, ...nowhere, HARVEST_ACCOUNT_ID: '1', HARVEST_ACCESS_TOKEN: 'none' };
  const line = ['--no-install', 'harvest-kafka', 'run', '--set', 'tracing.otlp_endpoint=http://127.0.0.1:4318'];
  const refused = await run('npx', line, { cwd: project, env }).catch((failure) => failure);
  const { peerDependencies } = await json<{ peerDependencies: Record<string, string> }>(join(ROOT, 'package.json'));
  const packages = Object.entries(peerDependencies).map(([name, version]) => `${name}@${version}`);
  expect(packages).toHaveLength(4);
  expect(refused).toMatchObject({ code: 78, stderr: expect.stringContaining(`npm install ${packages.join(' ')},`) });
});

test('the versions of the shrinkwrap are those of the lock file, proven by their hashes, without what development needs', async () => {
  const lock = lockedIn(await json<Lock>(join(ROOT, 'package-lock.json')));
  const shrinkwrap = await json<Lock>(join(installed, 'npm-shrinkwrap.json'));
  expect(lockedIn(shrinkwrap)).toEqual(lock.filter(([, { dev }]) => !dev));
  expect(shrinkwrap.packages['']).not.toHaveProperty('devDependencies');
  expect(JSON.stringify(shrinkwrap)).not.toMatch(/"resolved"/);
});

test('the bill of materials names every package of the shrinkwrap with its version and hash, and none besides', async () => {
  const bom = await json<Materials>(join(installed, 'sbom.cdx.json'));
  expect([bom.bomFormat, bom.metadata.component.name]).toEqual(['CycloneDX', 'harvest-kafka']);
  const locked = lockedIn(await json<Lock>(join(installed, 'npm-shrinkwrap.json')));
  const shipped = new Set(locked.map(([place, { version }]) => `${place.split('node_modules/').at(-1)}@${version}`));
  expect(bom.components.map((each) => `${each.name}@${each.version}`).sort()).toEqual([...shipped].sort());
  expect(bom.components.filter(({ hashes }) => hashes?.[0]?.alg !== 'SHA-512')).toEqual([]);
});

test('no package wants to run anything at its installation', async () => {
  const packages = lockedIn(await json<Lock>(join(installed, 'npm-shrinkwrap.json')));
  expect(packages.filter(([, { hasInstallScript }]) => hasInstallScript)).toEqual([]);
});

test('the demo of the installed package publishes a made-up account and shows what its reader decodes', async () => {
  const env = { ...process.env, HARVEST_ACCESS_TOKEN: '' };
  // Not by npx, which would leave it behind when it is killed.
  const main = join(project, 'node_modules/.bin/harvest-kafka');
  const args = [main, 'demo', '--time-entries', '50', '--data', join(folder, 'demo')];
  const demo = spawn(process.execPath, args, { cwd: project, env, stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void demo.kill('SIGKILL'));
  let shown = '';
  demo.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
  });
  await until('the demo shows the first records', () => /read for the first time: .*clients \d/.test(shown));
  demo.kill('SIGTERM');
  await once(demo, 'exit');
});
