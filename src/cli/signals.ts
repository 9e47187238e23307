// `release`, `reconcile`, and what `state reset` and `dead-letters replay` end in: a signal for whoever publishes the account. Only
// a signal is written: a running daemon is not disturbed, and carries it out in its own time.
import { isoSeconds } from '../base/clock.ts';
import { EXIT } from '../base/errors.ts';
import type { Config } from '../config/options.ts';
import type { Signal } from '../engine/ports.ts';
import { sendSignals, untilTaken } from '../kafka/send-signals.ts';
import { stateTopic } from '../kafka/topics.ts';
import { kafkaSettings, prefixOf } from '../settings.ts';
import { configOf } from './configuration.ts';
import { type CommonOptions, clock, interruption, print, uuid } from './context.ts';
import { accountNamed, enabledStreamNamed } from './names.ts';
import { printJson } from './output.ts';

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

/** Leaves a signal for each stream and says what comes of it. Exit 75 when nobody took them within `--wait`. */
export async function leave(
  config: Config,
  options: SignalOptions,
  wanted: Pick<Signal, 'kind'> & { readonly streams: readonly string[]; readonly to?: string | null },
): Promise<number> {
  const account = accountNamed(config, options.account);
  const { kind, to = null } = wanted;
  const at = isoSeconds(clock.now());
  const signals = wanted.streams.map((name): Signal => {
    const stream = enabledStreamNamed(config, name).name;
    return { id: uuid(), kind, stream, to, at };
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
