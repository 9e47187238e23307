// `demo --accounts 6 --instances 3`: instances that share accounts, each a process of its own, so that one can be killed for real and its
// accounts be seen to move.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packagePath } from '../../src/base/package-root.ts';
import { clock } from '../../src/cli/context.ts';
import type { Paint } from '../../src/cli/output.ts';
import { catalog } from '../../src/streams/catalog.ts';
import { serveAll } from '../simulator/index.ts';
import { dieWithUs } from '../stack/process.ts';
import { FleetBoard, type LogLine } from './fleet-board.ts';
import { openLivingAccount } from './living-account.ts';

export interface FleetDemoOptions {
  readonly accounts: number;
  readonly instances: number;
  readonly data: string;
  readonly bootstrap: string;
  readonly registryUrl: string;
  readonly timeEntries: number;
  readonly everyMs: number;
  /** More `--set` for the instances. */
  readonly set: readonly string[];
  readonly write: (line: string) => void;
  readonly paint: Paint;
  readonly signal: AbortSignal;
}

/** Few and small: what is to be seen is who runs them. */
const STREAMS = ['clients', 'projects', 'tasks', 'users', 'time_entries'];
const FIRST_ACCOUNT = 1_000_001;
/** After this another instance takes the place of the one that was killed. */
const REPLACED_AFTER_MS = 25_000;
const STOP_PATIENCE_MS = 12_000;

interface Instance {
  readonly name: string;
  readonly process: ChildProcess;
  readonly ended: Promise<void>;
}

/** Runs until `signal` aborts. */
export async function runFleet(options: FleetDemoOptions): Promise<void> {
  const { data, accounts, instances: count, write, paint, signal } = options;
  mkdirSync(data, { recursive: true });
  const living = await Promise.all(
    Array.from({ length: accounts }, (_, at) =>
      openLivingAccount({
        ...{ file: join(data, `account-${at + 1}.json`), timeEntries: options.timeEntries, everyMs: options.everyMs },
        ...{ seed: at + 1, accountId: FIRST_ACCOUNT + at },
      }),
    ),
  );
  const server = await serveAll(living.map(({ simulator }) => simulator));
  const lines = living.map(({ simulator }) => `- {id: "${simulator.accountId}", access_token: ${simulator.token}}\n`);
  const file = join(data, 'accounts.yaml');
  writeFileSync(file, lines.join(''));
  const fleet = new Instances(options, [`harvest.accounts_file=${file}`, `harvest.base_url=${server.url}/v2`]);
  let stopKeys = () => {};
  try {
    write(`\n${accounts} accounts on ${count} instances; a second start goes on where this one stands.\n`);
    for (let started = 0; started < count; started++) fleet.start();
    stopKeys = listenForKeys(fleet, write, paint);
    for (const account of living) account.live();
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  } finally {
    stopKeys();
    await fleet.stop();
    for (const account of living) await account.close();
    await server.close();
  }
}

class Instances {
  readonly #options: FleetDemoOptions;
  readonly #settings: readonly string[];
  readonly #board = new FleetBoard();
  #living: Instance[] = [];
  #started = 0;
  #isStopping = false;
  #cancelReplacement = () => {};

  constructor(options: FleetDemoOptions, settings: readonly string[]) {
    this.#options = options;
    this.#settings = settings;
  }

  /** Each with the command that kills it. */
  get commands(): string[] {
    return this.#living.map(({ name, process }) => `kill -KILL ${process.pid} (${name})`);
  }

  start(): void {
    const { bootstrap, registryUrl, set, signal, write, paint } = this.#options;
    const name = `pub-${++this.#started}`;
    const enabled = catalog.map((row) => `streams.${row.name}.enabled=${STREAMS.includes(row.name)}`);
    const settings = [
      ...[...this.#settings, `kafka.brokers=${bootstrap}`, `schema_registry.url=${registryUrl}`, ...enabled],
      ...['topics.prefix=fleet-{account_id}', 'topics.replication_factor=1', 'http.listen=127.0.0.1:0'],
      ...['cluster.enabled=true', 'cluster.group_id=fleet', `cluster.name=${name}`, 'cluster.balance_after_seconds=5'],
      ...['deletes.hold_percent=100', 'harvest.overlap_seconds=10', ...set],
    ];
    const config = join(this.#options.data, 'fleet.yaml');
    writeFileSync(config, '{}\n');
    const words = ['run', '--config', config, ...settings.flatMap((setting) => ['--set', setting])];
    const child = spawn(process.execPath, [packagePath('dist/src/main.js'), ...words], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    // A terminal that is closed ends the demo without a word, and instances would go on asking for a broker that is gone.
    dieWithUs(child).catch(() => {});
    createInterface({ input: child.stdout }).on('line', (line) => this.#hear(name, line));
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const instance = { name, process: child, ended };
    this.#living.push(instance);
    write(paint('gray', `${name} starts (process ${child.pid})\n`));
    void ended.then(() => this.#gone(instance));
    if (signal.aborted) child.kill('SIGTERM');
  }

  /** SIGKILL for the one that has most to lose. */
  kill(): void {
    const most = (name: string) => this.#board.accountsOf(name).length;
    const [victim] = [...this.#living].sort((a, b) => most(b.name) - most(a.name));
    victim?.process.kill('SIGKILL');
  }

  /** A clean end of all of them. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#cancelReplacement();
    const kill = clock.after(STOP_PATIENCE_MS, () => {
      for (const { process } of this.#living) process.kill('SIGKILL');
    });
    for (const { process } of this.#living) process.kill('SIGTERM');
    await Promise.all(this.#living.map(({ ended }) => ended));
    kill();
  }

  #hear(name: string, line: string): void {
    const { write, paint } = this.#options;
    const told = this.#board.hear(name, parsed(line), clock.monotonic());
    for (const text of told) write(`${text}\n`);
    if (told.length > 0 && !this.#isStopping) write(paint('gray', `  ${this.#text()}\n`));
  }

  #gone(instance: Instance): void {
    this.#living = this.#living.filter((each) => each !== instance);
    if (this.#isStopping) return;
    const { write, paint } = this.#options;
    const accounts = this.#board.gone(instance.name, clock.monotonic());
    const left = accounts.length > 0 ? `it ran ${accounts.join(' ')}` : 'it ran nothing';
    write(`\n${paint('bold', `${instance.name} is gone`)}: ${left}. After the session time-out of 10 s:\n`);
    this.#cancelReplacement();
    this.#cancelReplacement = clock.after(REPLACED_AFTER_MS, () => this.start());
  }

  #text(): string {
    return this.#board.text(this.#living.map(({ name }) => name));
  }
}

/** `k` kills an instance; without a terminal a line says how that is done. Returns what ends the listening. */
function listenForKeys(fleet: Instances, write: (line: string) => void, paint: Paint): () => void {
  const { stdin } = process;
  if (!stdin.isTTY) {
    write(`Kill one and watch its accounts move: ${fleet.commands.join(', ')}\n\n`);
    return () => {};
  }
  write(`${paint('bold', 'k')} kills an instance, Ctrl-C stops everything.\n\n`);
  const listen = (key: Buffer) => {
    if (key.toString() === 'k') fleet.kill();
    // A terminal that hands over each key makes no signal of this one.
    if (key.toString() === '\x03') process.kill(process.pid, 'SIGINT');
  };
  stdin.setRawMode(true);
  stdin.on('data', listen);
  return () => {
    stdin.off('data', listen);
    stdin.setRawMode(false);
    stdin.pause();
  };
}

function parsed(line: string): LogLine {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return {};
  }
}
