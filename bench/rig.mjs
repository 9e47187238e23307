// The parts of the bench run against this: a broker, a registry, simulated accounts and measured processes, all on this
// machine and gone with the bench.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DEFAULT_ACCOUNT_ID, DEFAULT_TOKEN } from '../dist/lab/simulator/index.js';
import { Server } from '../dist/lab/stack/process.js';
import { startStack } from '../dist/lab/stack/stack.js';
import { catalog } from '../dist/src/streams/catalog.js';
import { LiveAccount } from './account.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** What the image sets for the publisher's memory, but for its heap, which is a share of a container. */
const IMAGE = Object.fromEntries(
  [...readFileSync(`${ROOT}Dockerfile`, 'utf8').matchAll(/(MALLOC_\w+|NODE_OPTIONS)=("[^"]*"|\S+)/g)].map(
    ([, name, value]) => [
      name,
      value
        .replaceAll('"', '')
        .replace(/--max-old-space-size-percentage=\d+/, '')
        .trim(),
    ],
  ),
);

// Budgets that never wait, so that time is ours and not Harvest's.
export const UNBOUNDED = ['general', 'reports'].flatMap((name) => [
  `harvest.budgets.${name}.requests=1000000`,
  `harvest.budgets.${name}.per_seconds=1`,
]);

/** Overrides under which `name` is the only stream. */
export function only(name) {
  return catalog.filter((stream) => stream.name !== name).map((stream) => `streams.${stream.name}.enabled=false`);
}

export class Rig {
  #stack;
  #dataDir;
  #simulator;
  #environment;
  #prefixes = 0;

  static async start() {
    const rig = new Rig();
    rig.#dataDir = await mkdtemp(join(tmpdir(), 'harvest-kafka-bench-'));
    // Fifty accounts are nearly two thousand topics.
    rig.#stack = await startStack({ dataDir: rig.#dataDir, heapMb: 320 });
    return rig;
  }

  async stop() {
    await this.#simulator?.stop();
    await this.#stack.kill();
    await rm(this.#dataDir, { recursive: true, force: true });
  }

  /** Serves an account of that size, instead of the one before. */
  async simulate(timeEntries) {
    await this.#simulator?.stop();
    this.#simulator = await Server.start({
      name: 'Harvest simulator',
      command: process.execPath,
      args: ['dist/lab/simulator/command.js', '--no-limits', '--time-entries', String(timeEntries)],
      cwd: ROOT,
    });
    const address = () =>
      this.#simulator
        .logTail(10)
        .join('\n')
        .match(/simulated at (\S+)/)?.[1];
    await this.#simulator.ready(async () => address() !== undefined);
    this.#environment = {
      ...process.env,
      HARVEST_BASE_URL: address(),
      HARVEST_ACCOUNT_ID: String(DEFAULT_ACCOUNT_ID),
      HARVEST_ACCESS_TOKEN: DEFAULT_TOKEN,
      KAFKA_BROKERS: this.#stack.broker.bootstrap,
      SCHEMA_REGISTRY_URL: this.#stack.registry.url,
    };
  }

  /** An account served by this process, with topics of its own; `options` are the simulator's. */
  live(options) {
    return LiveAccount.open(this.where(), options);
  }

  /** Broker, registry, a prefix that no topic has yet, and a folder that goes with the rig. */
  where() {
    const { broker, registry } = this.#stack;
    const prefix = this.freshPrefix();
    return { bootstrap: broker.bootstrap, registryUrl: registry.url, prefix, folder: this.#dataDir };
  }

  /** A prefix that no topic has yet. */
  freshPrefix() {
    return `bench-${++this.#prefixes}`;
  }

  floor() {
    return this.#measure('floor.mjs', []);
  }

  /** `lingerSeconds`: see publisher.mjs; `nodeOptions` go to node itself. */
  publisher(prefix, overrides, { lingerSeconds = 0, nodeOptions = [] } = {}) {
    const settings = [`topics.prefix=${prefix}`, 'http.listen=off', 'log.level=warn', ...UNBOUNDED, ...overrides];
    return this.#measure('publisher.mjs', settings, nodeOptions, {
      ...IMAGE,
      BENCH_LINGER_SECONDS: String(lingerSeconds),
    });
  }

  /** Runs a script of this folder; resolves with what it sends, rejects when it fails. */
  async #measure(script, args, nodeOptions = [], environment = {}) {
    const child = fork(fileURLToPath(new URL(script, import.meta.url)), args, {
      cwd: ROOT,
      env: { ...this.#environment, ...environment },
      execArgv: nodeOptions,
      // stdout is ours: the table alone.
      stdio: ['ignore', process.stderr, process.stderr, 'ipc'],
    });
    let result;
    child.once('message', (message) => {
      result = message;
    });
    const [code] = await once(child, 'exit');
    if (code !== 0 || result === undefined) throw new Error(`${script} ended with ${code}`);
    return result;
  }
}
