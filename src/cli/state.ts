// `state show` and `state reset`: where each stream stands, as last committed, and having one read again. Neither fences anybody: a
// running daemon goes on.
import { EXIT, PublisherError } from '../base/errors.ts';
import type { Config } from '../config/options.ts';
import { date } from '../config/values.ts';
import type { JsonObject } from '../engine/ports.ts';
import { parseRow, type StreamRow, stateOf } from '../engine/state/stream-row.ts';
import { resetPosition } from '../engine/steps/signal-step.ts';
import { readState, type ShownState } from '../kafka/state-view.ts';
import { kafkaSettings, prefixOf } from '../settings.ts';
import { catalog, findStream } from '../streams/catalog.ts';
import type { StreamDefinition } from '../streams/definition.ts';
import { configOf } from './configuration.ts';
import { type CommonOptions, clock, interruption, print } from './context.ts';
import { accountNamed, enabledStreamNamed, streamNamed } from './names.ts';
import { printJson, table } from './output.ts';
import { leave, type SignalOptions } from './signals.ts';

/** Shows one stream's row whole, or a line for each stream; and the signals that wait. */
export async function showState(options: CommonOptions, stream?: string): Promise<number> {
  const config = configOf(options);
  if (stream !== undefined) streamNamed(stream);
  const { rows, signals } = await stored(config);
  const ours = new Set(config.harvest.accounts.map(({ id }) => id));
  const isAsked = (accountId: string, name: string) => ours.has(accountId) && (stream ?? name) === name;
  const shownRows = rows
    .filter(({ accountId, name }) => isAsked(accountId, name))
    .map(({ accountId, name, row, offsets }): JsonObject => ({ account_id: accountId, stream: name, ...row, offsets }))
    .sort((a, b) => place(a) - place(b));
  const shownSignals = signals
    .filter((signal) => isAsked(signal.accountId, signal.stream))
    .map(({ accountId, id, stream: name, ...rest }): JsonObject => {
      return { account_id: accountId, stream: name, signal: id, ...rest };
    });

  if (options.json) printJson([...shownRows, ...shownSignals]);
  else if (shownRows.length + shownSignals.length === 0) print('Nothing is stored yet.');
  else {
    const accountColumn = ours.size > 1 ? ['account_id'] : [];
    const columns = ['stream', 'state', 'complete', 'rows', 'synced_to', 'position'];
    if (stream !== undefined) printJson(shownRows);
    else print(table(shownRows.filter(isStream).map(brief), [...accountColumn, ...columns]));
    if (shownSignals.length > 0) {
      print(
        `\nSignals that wait for a daemon:\n${table(shownSignals, [...accountColumn, 'stream', 'kind', 'to', 'at', 'signal'])}`,
      );
    }
  }
  return EXIT.clean;
}

interface ResetOptions extends SignalOptions {
  readonly to?: string;
  readonly dryRun?: boolean;
}

/** Has a stream read again, from `--to` or from its beginning; what is equal on the topic is not published again. */
export async function resetState(options: ResetOptions, name: string): Promise<number> {
  const { to = null, dryRun } = options;
  if (to !== null) refuseNoDate(to);
  const config = configOf(options);
  const stream = enabledStreamNamed(config, name);
  if (to !== null) refuseDate(stream, to);
  return dryRun ? showReset(config, options, stream) : leave(config, options, { kind: 'reset', streams: [name], to });
}

function refuseNoDate(to: string): void {
  const { error } = date().safeParse(to);
  if (error)
    throw new PublisherError('usage', `option '--to <date>' argument '${to}' is invalid. ${error.issues[0]!.message}`);
}

async function showReset(config: Config, options: ResetOptions, stream: StreamDefinition): Promise<number> {
  const account = accountNamed(config, options.account);
  const { rows } = await stored(config);
  const found = rows.find(({ accountId, name }) => accountId === account.id && name === stream.name);
  const now = found ? parseRow(stream, found.row) : null;
  const becomes = now && resetPosition(now, options.to ?? null);
  if (options.json) {
    printJson({ account_id: account.id, stream: stream.name, position: now?.position ?? null, becomes });
  } else if (now === null) print(`${stream.name} was never read: there is nothing to reset.`);
  else {
    print(`now      ${JSON.stringify(now.position)}\nbecomes  ${JSON.stringify(becomes)}\nNothing was written.`);
  }
  return EXIT.clean;
}

/** A stream goes back, never forward, or changes in between would be missed; and only lists can be asked from a day on. */
function refuseDate({ name, kind }: StreamDefinition, to: string): void {
  if (to > new Date(clock.now()).toISOString().slice(0, 10)) {
    throw new PublisherError('usage', `--to ${to} lies in the future`, { remedy: 'A stream can only be sent back.' });
  }
  if (kind === 'list') return;
  throw new PublisherError('usage', `${name} is always read whole, so --to has no meaning for it`, {
    remedy: `Leave it away: harvest-kafka state reset ${name}`,
  });
}

async function stored(config: Config): Promise<ShownState> {
  const { signal } = interruption();
  const prefixes = [...new Set(config.harvest.accounts.map((account) => prefixOf(config, account)))];
  const states = await Promise.all(prefixes.map((prefix) => readState(kafkaSettings(config), prefix, clock, signal)));
  return { rows: states.flatMap(({ rows }) => rows), signals: states.flatMap(({ signals }) => signals) };
}

/** In the order of the catalog. */
function place(row: JsonObject): number {
  return catalog.findIndex(({ name }) => name === row.stream);
}

function isStream(row: JsonObject): boolean {
  return findStream(row.stream as string) !== undefined;
}

function brief(row: JsonObject): JsonObject {
  const { kind: _, ...position } = row.position as JsonObject;
  const state = stateOf({ hold: null, paused: null, ...row } as unknown as StreamRow);
  return { ...row, state, complete: row.complete ? 'yes' : 'no', position: JSON.stringify(position).slice(0, 100) };
}
