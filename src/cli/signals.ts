// `release`, `reconcile`, `pause`, `resume`, and what `state reset` and `dead-letters replay` end in: a signal for whoever publishes the account. Only
// a signal is written: a running daemon is not disturbed, and carries it out in its own time.
import { hostname, userInfo } from 'node:os';
import { isoSeconds } from '../base/clock.ts';
import { EXIT } from '../base/errors.ts';
import type { Config } from '../config/options.ts';
import type { Signal } from '../engine/ports.ts';
import { sendSignals, untilTaken } from '../kafka/send-signals.ts';
import { stateTopic } from '../kafka/topics.ts';
import { enabledStreams, kafkaSettings, prefixOf } from '../settings.ts';
import { configOf } from './configuration.ts';
import { type CommonOptions, clock, interruption, print, uuid } from './context.ts';
import { accountNamed, enabledStreamNamed } from './names.ts';
import { printJson } from './output.ts';

/** In the place of a stream's name. */
const ALL = 'all';

export interface SignalOptions extends CommonOptions {
  readonly account?: string;
  /** Seconds. */
  readonly wait?: number;
}

/** Lets go of a hold: what is missing may be deleted once Harvest said 404. */
export async function release(options: SignalOptions, stream: string): Promise<number> {
  return leave(configOf(options), options, { kind: 'release', streams: [stream] });
}

/** Has everything of a stream read now. */
export async function reconcile(options: SignalOptions, stream: string): Promise<number> {
  return leave(configOf(options), options, { kind: 'reconcile', streams: [stream] });
}

/** Has nothing asked of Harvest for these streams, or for all, until they are resumed. */
export async function pause(options: SignalOptions, ...names: string[]): Promise<number> {
  return leaveForSome(options, 'pause', names);
}

/** Has these streams, or all, read again from where they stand. */
export async function resume(options: SignalOptions, ...names: string[]): Promise<number> {
  return leaveForSome(options, 'resume', names);
}

function leaveForSome(options: SignalOptions, kind: 'pause' | 'resume', names: readonly string[]): Promise<number> {
  const config = configOf(options);
  const streams = names.includes(ALL) ? enabledStreams(config).map(({ name }) => name) : names;
  return leave(config, options, { kind, streams, by: caller() });
}

/** Who runs this command, for those who wonder later: `user@host`. */
function caller(): string {
  return `${userName()}@${hostname()}`;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a uid that has no name.
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

/** Leaves a signal for each stream and says what comes of it. Exit 75 when nobody took them within `--wait`. */
export async function leave(
  config: Config,
  options: SignalOptions,
  wanted: Pick<Signal, 'kind' | 'by'> & { readonly streams: readonly string[]; readonly to?: string | null },
): Promise<number> {
  const account = accountNamed(config, options.account);
  const { kind, to = null, by } = wanted;
  const at = isoSeconds(clock.now());
  const signals = wanted.streams.map((name): Signal => {
    const stream = enabledStreamNamed(config, name).name;
    return { id: uuid(), kind, stream, to, at, ...(by !== undefined && { by }) };
  });
  const { signal, exitCode } = interruption();
  const where = { kafka: kafkaSettings(config), prefix: prefixOf(config, account), accountId: account.id };
  const first = await sendSignals(where.kafka, where, signals);
  if (!options.json) print(told(where.prefix, signals));

  let taken: boolean | null = null;
  if (options.wait !== undefined) {
    const patienceMs = options.wait * 1000;
    taken = await untilTaken({ ...where, clock, log: () => {} }, signals, first, patienceMs, signal);
  }
  if (options.json) printJson({ account_id: account.id, signals, taken });
  else if (taken !== null)
    print(taken ? 'Taken.' : `Not taken within ${options.wait} s. It waits until a daemon runs.`);
  return exitCode() ?? (taken === false ? EXIT.temporary : EXIT.clean);
}

function told(prefix: string, signals: readonly Signal[]): string {
  const lines = signals.map(({ id, kind, stream, to }) => {
    return `${kind} of ${stream}${to === null ? '' : ` back to ${to}`}: left as signal ${id} in ${stateTopic(prefix)}`;
  });
  return `${lines.join('\n')}
A running daemon takes it within seconds, else the next one that starts. Until then harvest-kafka state show lists it;
with --wait <seconds> this command waits for it.`;
}
