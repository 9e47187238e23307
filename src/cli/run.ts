// `run`: the daemon with its log, HTTP server and progress.
import { repeat } from '../base/clock.ts';
import { EXIT, PublisherError } from '../base/errors.ts';
import type { ClusterEvent } from '../cluster/status.ts';
import type { Config } from '../config/options.ts';
import { Daemon } from '../daemon.ts';
import type { PublisherEvent } from '../engine/events.ts';
import type { Log } from '../kafka/connection.ts';
import { logCluster } from '../observe/cluster.ts';
import { openHttp } from '../observe/http.ts';
import { createEventLog, createLog, type Logger, tellOfDrops } from '../observe/log.ts';
import { createMetrics } from '../observe/metrics.ts';
import { openTracing, type Tracing } from '../observe/open-telemetry.ts';
import { watchAccounts } from './accounts-watch.ts';
import { configOf } from './configuration.ts';
import { type CommonOptions, clock, interruption, random, uuid, VERSION } from './context.ts';
import { enabledStreamNamed } from './names.ts';
import { judgeOnce, leftOutLine } from './once.ts';
import { screen } from './progress.ts';
import { showSnapshots } from './snapshot-progress.ts';
import { standardOutput } from './standard-output.ts';

interface RunCommandOptions extends CommonOptions {
  readonly once?: boolean;
  /** Takes accounts from the group of instances that could run them. */
  readonly takeOver?: boolean;
  /** Names of streams; empty reads all. */
  readonly only?: readonly string[];
}

const SUMMARY_INTERVAL_MS = 300_000;
/** A commit that the broker does not answer may take longer than a stop may. */
const STOP_PATIENCE_MS = 8_000;
/** So long the last lines wait for their reader. */
const LAST_LINES_MS = 1_000;

/** Exit 0 when caught up (`--once`, see once.ts), 130 or 143 when stopped; failures throw. */
export async function run(options: RunCommandOptions): Promise<number> {
  const config = configOf(options);
  const names = (options.only ?? []).map((name) => enabledStreamNamed(config, name).name);
  const only = names.length > 0 ? new Set(names) : null;
  if (config.cluster.enabled && (options.once || only !== null)) {
    const message = 'run --once and --only are for an instance by itself, and cluster.enabled is true';
    throw new PublisherError('usage', message, { remedy: 'Add --set cluster.enabled=false.' });
  }
  const terminal = process.stdout.isTTY === true && !options.json;
  const color = terminal && !process.env.NO_COLOR;
  // Lines go above the progress block of a terminal.
  const log = createLog({
    level: config.log.level,
    pretty: terminal,
    color,
    stream: terminal ? screen : standardOutput,
  });
  tellOfDrops(log, standardOutput);
  const { signal, exitCode } = interruption(() => {
    log.info({ event: 'process.stopping' }, 'stopping: the page in hand is finished or dropped');
  }, STOP_PATIENCE_MS);
  const reread = () => configOf(options);
  try {
    const { once = false, takeOver = false } = options;
    await publish(config, log, { signal, once, only, takeOver, terminal, reread });
  } finally {
    await standardOutput.flushed(clock, LAST_LINES_MS);
  }
  return exitCode() ?? EXIT.clean;
}

/** Runs the daemon of `config` with everything around it, until it ends. `onListening` gets the HTTP address. */
export async function publish(
  config: Config,
  log: Logger,
  options: {
    readonly signal: AbortSignal;
    readonly once: boolean;
    /** Read these streams alone; null reads all. */
    readonly only?: ReadonlySet<string> | null;
    /** Take accounts from the group of instances that could run them. */
    readonly takeOver?: boolean;
    readonly terminal: boolean;
    /** The configuration as it is now. */
    readonly reread?: () => Config;
    readonly onListening?: (address: string) => void;
    readonly onEvent?: (event: PublisherEvent) => void;
  },
): Promise<void> {
  const tracing = await tracingOf(config, log);
  const events = createEventLog(log, tracing?.traces);
  const status = () => daemon.status();
  const cluster = () => daemon.cluster();
  const metrics = createMetrics(VERSION, status, clock, () => standardOutput.dropped, cluster, config.http.metrics_by);
  const listeners = new Map<string, readonly ((event: PublisherEvent) => void)[]>();
  const listenersOf = (id: string) => {
    const known = listeners.get(id) ?? [events.listen(id), metrics.listen(id)];
    listeners.set(id, known);
    return known;
  };
  const tellOfCluster = logCluster(log);
  const onCluster = (event: ClusterEvent) => {
    tellOfCluster(event);
    metrics.listenCluster(event);
  };
  const daemon: Daemon = new Daemon(config, {
    clock,
    random,
    uuid,
    ...(options.reread && { reread: options.reread }),
    log: kafkaLog(log),
    emit: (account, event) => {
      for (const listen of listenersOf(account)) listen(event);
      options.onEvent?.(event);
    },
    version: VERSION,
    onCluster,
  });

  const { listen, allowed_hosts: allowedHosts } = config.http;
  const server =
    listen &&
    (await openHttp({
      listen,
      allowedHosts,
      version: VERSION,
      clock,
      metrics,
      accounts: status,
      dead: () => daemon.dead(),
      cluster,
    }));
  if (server) {
    log.info(
      { event: 'http.listening', address: server.address },
      `status page, health and metrics at ${server.address}`,
    );
    options.onListening?.(server.address);
  }
  const progress = showSnapshots({ status, clock, terminal: options.terminal, log });
  const summaries = repeat(clock, SUMMARY_INTERVAL_MS, () => events.summarise(status()));
  const watching =
    config.cluster.enabled && options.reread
      ? watchAccounts(
          config,
          options.reread,
          (accounts) => daemon.setAccounts(accounts),
          (reason) => onCluster({ name: 'cluster.accounts_unreadable', reason }),
        )
      : () => {};
  try {
    const { once, only = null, takeOver = false } = options;
    await daemon.run(options.signal, { once, only, takeOver });
    if (options.once && !options.signal.aborted) {
      events.summarise(status());
      for (const { account, stream, ...why } of judgeOnce(status(), options.only ?? null)) {
        log.warn({ event: 'stream.left_out', account, stream, ...why }, leftOutLine(why));
      }
    }
  } finally {
    watching();
    summaries();
    progress.close();
    await Promise.all([server?.close(), tracing?.close()]);
  }
}

/** Null when none is wanted. */
async function tracingOf({ tracing }: Config, log: Logger): Promise<Tracing | null> {
  const { otlp_endpoint: otlpEndpoint, sample_ratio: sampleRatio } = tracing;
  return otlpEndpoint === undefined
    ? null
    : openTracing({ otlpEndpoint, sampleRatio }, { version: VERSION, clock, log });
}

/** kafkajs through pino; its own errors are handled by the sink and would only alarm here. */
export function kafkaLog(log: Logger): Log {
  return (level, message, fields) => log[level]({ event: 'kafka.log', ...fields }, message);
}
