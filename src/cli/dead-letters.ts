// `dead-letters list` and `dead-letters replay`: records that could not be converted, and another try for them.
import { isoSeconds } from '../base/clock.ts';
import { EXIT } from '../base/errors.ts';
import { readDeadLetters } from '../kafka/dead-letters.ts';
import { readState } from '../kafka/state-view.ts';
import { kafkaSettings, prefixOf } from '../settings.ts';
import { configOf } from './configuration.ts';
import { type CommonOptions, clock, interruption, print } from './context.ts';
import { accountNamed, streamNamed } from './names.ts';
import { printJson, table } from './output.ts';
import { leave, type SignalOptions } from './signals.ts';

interface ListOptions extends CommonOptions {
  readonly account?: string;
}

interface ListedDeadLetter {
  readonly account_id: string;
  readonly time: string;
  readonly stream: string;
  readonly id: string;
  readonly stage: string;
  readonly class: string;
  readonly field: string;
  readonly message: string;
  readonly offset: number;
  /** The original record, in JSON alone: a dead letter may be many megabytes. */
  readonly record?: unknown;
}

/** The dead letters of all streams, or of those named; the oldest first. */
export async function listDeadLetters(options: ListOptions, ...names: string[]): Promise<number> {
  const config = configOf(options);
  const wanted = new Set(names.map((name) => streamNamed(name).name));
  const accounts = options.account === undefined ? config.harvest.accounts : [accountNamed(config, options.account)];
  const { signal } = interruption();
  const letters: ListedDeadLetter[] = [];
  for (const account of accounts) {
    await readDeadLetters(
      kafkaSettings(config),
      prefixOf(config, account),
      ({ at, errorClass, value, ...letter }) => {
        if (wanted.size > 0 && !wanted.has(letter.stream)) return;
        letters.push({
          account_id: account.id,
          time: isoSeconds(at),
          class: errorClass,
          ...letter,
          ...(options.json ? { record: value && original(value) } : {}),
        });
      },
      { clock, signal },
    );
  }
  if (options.json) printJson(letters);
  else if (letters.length === 0) print('There are no dead letters.');
  else {
    const columns = ['time', 'stream', 'id', 'class', 'field', 'message'] as const;
    print(table(letters, accounts.length > 1 ? ['account_id', ...columns] : columns));
  }
  return EXIT.clean;
}

/** Tries the refused records of these streams once more; without names, of every stream that has some. */
export async function replayDeadLetters(options: SignalOptions, ...names: string[]): Promise<number> {
  const config = configOf(options);
  const streams = names.length > 0 ? names : await refusedStreams(options);
  if (streams.length > 0) return leave(config, options, { kind: 'replay', streams });
  if (options.json) printJson({ account_id: accountNamed(config, options.account).id, signals: [], taken: null });
  else print('No record is refused: there is nothing to replay.');
  return EXIT.clean;
}

async function refusedStreams(options: SignalOptions): Promise<string[]> {
  const config = configOf(options);
  const account = accountNamed(config, options.account);
  const { signal } = interruption();
  const { rows } = await readState(kafkaSettings(config), prefixOf(config, account), clock, signal);
  return rows
    .filter(({ accountId, name }) => accountId === account.id && config.streams[name]?.enabled)
    .filter(({ row }) => Object.keys((row.refused as object | undefined) ?? {}).length > 0)
    .map(({ name }) => name);
}

/** As it was, or as text when it is no JSON. */
function original(value: Buffer): unknown {
  const text = value.toString();
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
