// `demo`: the main job on one machine. Simulated Harvest (or the account of the environment), a real broker and registry, the
// publisher, and a consumer that prints each change.
import { join, resolve } from 'node:path';
import { EXIT, PublisherError } from '../../src/base/errors.ts';
import { ChangePrinter } from '../../src/cli/change-printer.ts';
import { clock, type DemoOptions, interruption } from '../../src/cli/context.ts';
import { painter } from '../../src/cli/output.ts';
import { screen } from '../../src/cli/progress.ts';
import { publish } from '../../src/cli/run.ts';
import { watchChanges } from '../../src/cli/watch.ts';
import { loadConfig } from '../../src/config/load.ts';
import { withoutVariables } from '../../src/config/overrides.ts';
import { createLog } from '../../src/observe/log.ts';
import { enabledStreams } from '../../src/settings.ts';
import { catalog } from '../../src/streams/catalog.ts';
import { serve } from '../simulator/index.ts';
import { type Stack, startStack } from '../stack/stack.ts';
import { type FleetDemoOptions, runFleet } from './fleet.ts';
import { openLivingAccount } from './living-account.ts';
import { startTables } from './tables.ts';

/** Runs until Ctrl-C, then stops all of it; a second start goes on. */
export async function demo(options: DemoOptions): Promise<number> {
  refuseMixture(options);
  const write = (line: string) => screen.write(line);
  const paint = painter(process.stdout);
  const { signal } = interruption(() => write('\nstopping …\n'));
  const terminal = process.stdout.isTTY === true;
  const account = process.env.HARVEST_ACCESS_TOKEN ? (process.env.HARVEST_ACCOUNT_ID ?? '') : null;
  const data = resolve(options.data ?? '.lab/demo', account ?? 'simulated');

  // Parts are stopped in the reverse order of their start, whatever happens in between.
  const closers: (() => Promise<unknown>)[] = [];
  const stop = new AbortController();
  const stopped = AbortSignal.any([signal, stop.signal]);
  // Nobody sees it any more.
  process.stdout.on('error', () => stop.abort());
  try {
    const stack = await startStack({ dataDir: data, onProgress: (text) => write(paint('gray', `${text}\n`)), signal });
    closers.push(() => stack.stop());
    if (isShared(options)) {
      await shareAccounts(options, { data, stack, write, paint, signal: stopped });
      return EXIT.clean;
    }
    const tables = options.sink
      ? startTables({ data, bootstrap: stack.broker.bootstrap, write, paint, signal: stopped })
      : null;
    if (tables) closers.push(tables.close);
    const simulated = account === null ? await simulate(data, options) : null;
    if (simulated) closers.push(simulated.close);

    const config = loadConfig({
      ...(options.config ? { file: options.config } : {}),
      env: {
        ...withoutVariables(process.env),
        ...simulated?.env,
        KAFKA_BROKERS: stack.broker.bootstrap,
        SCHEMA_REGISTRY_URL: stack.registry.url,
      },
      overrides: [...DEMO_SETTINGS, ...(simulated ? SIMULATED_SETTINGS : []), ...(options.set ?? [])],
    });
    const log = createLog({ level: 'warn', pretty: true, color: terminal, stream: screen });
    // The topics are there once the account is open.
    let announceOpen = () => {};
    const opened = new Promise<void>((resolve) => {
      announceOpen = resolve;
    });
    const publishing = publish(config, log, {
      signal: stopped,
      once: false,
      terminal,
      onEvent: ({ name }) => {
        if (name === 'account.opened') announceOpen();
      },
      onListening: (address) => {
        const lines = [
          ['Harvest', simulated?.address ?? config.harvest.base_url],
          ['broker', stack.broker.bootstrap],
          ['registry', stack.registry.url],
          ['status page', address],
          ['metrics', `${address}/metrics`],
        ] as const;
        write(`\n${lines.map(([name, where]) => `  ${name.padEnd(12)} ${paint('bold', where)}\n`).join('')}\n`);
        write('Changes as they arrive on the topics (+ created, ~ updated, - deleted); Ctrl-C stops everything.\n\n');
      },
    });
    closers.push(async () => {
      stop.abort();
      await publishing.catch(() => {});
    });

    await Promise.race([opened, publishing]);
    const streams = enabledStreams(config).map(({ name }) => name);
    const printer = new ChangePrinter({ write, paint, clock, width: LINE_WIDTH });
    const watching = watchChanges(config, config.harvest.accounts, streams, {
      show: (change) => printer.show(change),
      fromBeginning: false,
      onCaughtUp: () => simulated?.live(),
      signal: stopped,
    });
    closers.push(async () => printer.close());
    await Promise.all([publishing, watching, tables?.fill(config)]);
    return EXIT.clean;
  } catch (error) {
    // Stopped while it was still starting: nothing has failed.
    if (stopped.aborted) return EXIT.clean;
    throw error;
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

interface Shared extends Pick<FleetDemoOptions, 'data' | 'write' | 'paint' | 'signal'> {
  readonly stack: Stack;
}

const isShared = ({ accounts, instances }: DemoOptions) => accounts > 1 || instances > 1;

/** Throws `usage` for what is there with one account alone. */
function refuseMixture(options: DemoOptions): void {
  if (!isShared(options) || !(options.sink || process.env.HARVEST_ACCESS_TOKEN)) return;
  const message = '--accounts and --instances are for simulated accounts, and without --sink';
  throw new PublisherError('usage', message, { remedy: 'Unset HARVEST_ACCESS_TOKEN, leave out --sink.' });
}

function shareAccounts(options: DemoOptions, { stack, data, ...common }: Shared): Promise<void> {
  return runFleet({
    ...common,
    data: join(data, 'fleet'),
    ...{ accounts: options.accounts, instances: options.instances, set: options.set ?? [] },
    ...{ timeEntries: Math.ceil(options.timeEntries / options.accounts), everyMs: options.every * options.accounts },
    ...{ bootstrap: stack.broker.bootstrap, registryUrl: stack.registry.url },
  });
}

const LINE_WIDTH = 150;
const DERIVED = catalog.filter(({ kind }) => kind === 'derived').map(({ name }) => `streams.${name}.enabled=true`);
/** Anything free on loopback, and all that there is to see. */
const DEMO_SETTINGS = ['http.listen=127.0.0.1:0', ...DERIVED];
/** A change or deletion shows within seconds; the simulator's budgets are Harvest's own. */
const SIMULATED_SETTINGS = [
  ...['time_entries', 'expenses', 'invoices', 'estimates', 'projects', 'clients', 'contacts', 'tasks', 'users'].flatMap(
    (name) => [`streams.${name}.poll_interval_seconds=3`, `streams.${name}.count_interval_seconds=10`],
  ),
  // A count every ten seconds is more than an account in earnest should spend.
  'polling.budget_share=0.8',
  'harvest.overlap_seconds=10',
  // Its life deletes a project with all its hours now and then; a hold would wait for a person to believe that.
  'deletes.hold_percent=100',
];

async function simulate(data: string, { timeEntries, every }: DemoOptions) {
  const account = await openLivingAccount({ file: join(data, 'account.json'), timeEntries, everyMs: every });
  const server = await serve(account.simulator, { host: '127.0.0.1', port: 0 });
  return {
    address: server.url,
    env: {
      HARVEST_BASE_URL: `${server.url}/v2`,
      HARVEST_ACCOUNT_ID: String(account.simulator.accountId),
      HARVEST_ACCESS_TOKEN: account.simulator.token,
    },
    live: account.live,
    close: async () => {
      await account.close();
      await server.close();
    },
  };
}
