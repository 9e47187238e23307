// One connector brought to work: its settings given to Connect, then watched until all of it runs, or until what failed can be told.
import { patiently } from '../base/backoff.ts';
import type { Clock, Random } from '../base/clock.ts';
import { PublisherError } from '../base/errors.ts';
import type { ConnectClient, ConnectorState, ConnectorStatus } from './connect-client.ts';
import type { ConnectorConfig } from './connector.ts';

export interface Connector {
  readonly name: string;
  readonly config: ConnectorConfig;
}

export interface ApplyOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
  /** How long it may take until all runs. */
  readonly patienceMs: number;
  /** Have all topics read from their beginning: after a table was lost. */
  readonly fromBeginning: boolean;
}

/** A task says RUNNING before its first rows are written, and fails on those. */
const STEADY_MS = 4_000;
const LOOK_MS = 500;

/**
 * Gives Connect the connector's settings and resolves once the connector and all its tasks have run for a while. Throws
 * PublisherError: connect.failed with what ended a task, connect.not_running when the patience ends, and what the client throws.
 */
export async function applyConnector(
  client: ConnectClient,
  { name, config }: Connector,
  options: ApplyOptions,
): Promise<ConnectorStatus> {
  const ask = <T>(work: () => Promise<T>): Promise<T> => whileBusy(work, options);
  await ask(() => client.put(name, config));
  if (options.fromBeginning) {
    await ask(() => client.stop(name));
    await ask(() => client.forgetOffsets(name));
    await ask(() => client.resume(name));
  }
  // Settings that did not change start nothing, so what failed earlier is started here.
  if (failures(await ask(() => client.status(name))).length > 0) await ask(() => client.restartFailed(name));
  return untilSteady(name, () => ask(() => client.status(name)), options);
}

/** A worker that has just started is not there yet, and one that shares out its tasks asks for patience. */
function whileBusy<T>(work: () => Promise<T>, { clock, random, signal, patienceMs }: ApplyOptions): Promise<T> {
  return patiently(
    work,
    { baseMs: LOOK_MS, mostMs: 4_000, patienceMs },
    {
      clock,
      random,
      signal,
      mayPass: (error) => error instanceof PublisherError && error.code === 'connect.unavailable',
    },
  );
}

async function untilSteady(
  name: string,
  look: () => Promise<ConnectorStatus | null>,
  { clock, signal, patienceMs }: ApplyOptions,
): Promise<ConnectorStatus> {
  const begunAt = clock.monotonic();
  let runningSince: number | null = null;
  for (;;) {
    const status = await look();
    const [failure] = failures(status);
    // Connect remembers a failure until the restart has begun.
    if (failure && clock.monotonic() - begunAt > STEADY_MS) throw failed(name, failure);
    if (isRunning(status)) {
      runningSince ??= clock.monotonic();
      if (clock.monotonic() - runningSince >= STEADY_MS) return status;
    } else {
      runningSince = null;
    }
    if (runningSince === null && clock.monotonic() - begunAt > patienceMs) throw notRunning(name, status, patienceMs);
    await clock.sleep(LOOK_MS, signal);
    signal.throwIfAborted();
  }
}

interface Failure {
  /** `connector`, or `task 0`. */
  readonly what: string;
  readonly trace: string;
}

function failures(status: ConnectorStatus | null): Failure[] {
  return parts(status)
    .filter(({ state }) => state === 'FAILED')
    .map(({ what, trace }) => ({ what, trace: trace ?? '' }));
}

function isRunning(status: ConnectorStatus | null): status is ConnectorStatus {
  return status !== null && status.tasks.length > 0 && parts(status).every(({ state }) => state === 'RUNNING');
}

function parts(status: ConnectorStatus | null): (ConnectorState & { what: string })[] {
  if (status === null) return [];
  const tasks = status.tasks.map((task) => ({ ...task, what: `task ${task.id}` }));
  return [{ ...status.connector, what: 'the connector' }, ...tasks];
}

function failed(name: string, { what, trace }: Failure): PublisherError {
  const lines = trace.split('\n').map((line) => line.trim());
  const cause = lines.findLast((line) => line.startsWith('Caused by: '));
  const said = [lines[0]!, ...(cause ? [cause] : [])].join('\n  ');
  return new PublisherError('connect.failed', `${what} of ${name} has FAILED: ${said}`, {
    ...(NO_DATABASE.test(trace) ? DATABASE : {}),
  });
}

/** Debezium's sink keeps to itself what the database said: it speaks of a dialect whenever it cannot open a connection. */
const NO_DATABASE = /Unable to determine Dialect|authentication failed|too many clients|Connection .* refused/;
const DATABASE = {
  remedy:
    "The sink cannot open the database: its address, its log-in, or no connection is free (max_connections); the worker's log has the database's own words. Connect fills in ${env:…} only with config.providers=env and config.providers.env.class=org.apache.kafka.common.config.provider.EnvVarConfigProvider in the worker, and the variable in its environment.",
};

function notRunning(name: string, status: ConnectorStatus | null, patienceMs: number): PublisherError {
  const seen = parts(status).map(({ what, state }) => `${what} ${state}`);
  const told = seen.length === 0 ? 'there is no such connector' : seen.join(', ');
  return new PublisherError('connect.not_running', `${name} does not run after ${patienceMs / 1000} s: ${told}`);
}
