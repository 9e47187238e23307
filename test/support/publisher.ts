// The built command as a process of its own: what users run, killed as users' machines kill it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import type { RunningSimulator, Simulator } from '../../lab/simulator/index.ts';
import { catalog } from '../../src/streams/catalog.ts';
import { moved } from './patience.ts';

export { until } from './patience.ts';

/** The built command. */
export const MAIN = new URL('../../dist/src/main.js', import.meta.url).pathname;

export interface Where {
  readonly simulator: Simulator;
  readonly server: RunningSimulator;
  readonly bootstrap: string;
  readonly registryUrl: string;
  readonly prefix: string;
  /** More `--set`. */
  readonly settings?: readonly string[];
  /** More of its environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Words before the command. */
  readonly launcher?: readonly string[];
}

export interface Ended {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

export interface Running {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Everything printed so far. */
  output(): string;
  /** Everything said on stderr so far. */
  errors(): string;
  /** Resolves when a line matches. */
  printed(pattern: RegExp): Promise<RegExpMatchArray>;
}

export const NO_LIMITS = ['general', 'reports'].flatMap((budget) => [
  `harvest.budgets.${budget}.requests=1000000`,
  `harvest.budgets.${budget}.per_seconds=1`,
]);

/** Switches off all streams but these: what is not about streams need not wait for 32 of them. */
export function onlyStreams(...names: readonly string[]): string[] {
  return catalog.filter(({ name }) => !names.includes(name)).map(({ name }) => `streams.${name}.enabled=false`);
}

/** One of each kind of stream that a test of something else may need. */
export const FEW = [
  'company',
  'clients',
  'contacts',
  'roles',
  'tasks',
  'time_entries',
  'expenses',
  'estimates',
  'time_team',
];

export const FEW_STREAMS = [...NO_LIMITS, ...onlyStreams(...FEW)];

/** Starts `harvest-kafka <args>`; ended with the test at the latest. */
export function start(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  launcher: readonly string[] = [],
): Running {
  return startProgram([...launcher, process.execPath, MAIN, ...args], { PATH: process.env.PATH ?? '', ...env });
}

/** Starts any program with this environment alone; ended with the test at the latest. */
export function startProgram(
  [command, ...words]: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd?: string,
): Running {
  const child = spawn(command!, words, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout.on('data', (piece) => {
    moved();
    output += piece;
  });
  child.stderr.on('data', (piece) => {
    moved();
    errors += piece;
  });
  const ended = once(child, 'close').then(([code]): Ended => ({ code: code as number | null, output, errors }));
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return {
    process: child,
    ended,
    output: () => output,
    errors: () => errors,
    printed: async (pattern) => {
      for (;;) {
        const match = output.match(pattern);
        if (match) return match;
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`ended before it printed ${pattern}:\n${output}\n${errors}`);
        await pause(20);
      }
    },
  };
}

/** Starts a command of the publisher on that account, broker and registry. */
export function publisher(where: Where, command: readonly string[]): Running {
  const settings = [`topics.prefix=${where.prefix}`, 'http.listen=off', ...(where.settings ?? NO_LIMITS)];
  return start([...command, ...settings.flatMap((setting) => ['--set', setting])], environment(where), where.launcher);
}

export function environment({ simulator, server, bootstrap, registryUrl, env }: Where): Record<string, string> {
  return {
    ...env,
    HARVEST_BASE_URL: `${server.url}/v2`,
    HARVEST_ACCOUNT_ID: String(simulator.accountId),
    HARVEST_ACCESS_TOKEN: simulator.token,
    KAFKA_BROKERS: bootstrap,
    SCHEMA_REGISTRY_URL: registryUrl,
  };
}

/** Runs a command to its end. */
export function finished(where: Where, command: readonly string[]): Promise<Ended> {
  return publisher(where, command).ended;
}
