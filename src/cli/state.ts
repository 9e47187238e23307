// `state show`: the state rows as last committed. Reads only: nothing is fenced, a running daemon goes on.
import { EXIT, PublisherError } from '../base/errors.ts';
import { nearest } from '../config/nearest.ts';
import { kafkaSettings, prefixOf } from '../daemon.ts';
import type { JsonObject } from '../engine/ports.ts';
import { readStateRows } from '../kafka/state-topic.ts';
import { catalog, findStream } from '../streams/catalog.ts';
import type { StreamDefinition } from '../streams/definition.ts';
import { type CommonOptions, clock, configOf, interruption, print } from './context.ts';
import { printJson, table } from './output.ts';

/** Shows one stream's row whole, or a line for each stream. */
export async function showState(options: CommonOptions, stream?: string): Promise<number> {
  const config = configOf(options);
  if (stream !== undefined) namedStream(stream);
  const { signal } = interruption();
  const prefixes = [...new Set(config.harvest.accounts.map((account) => prefixOf(config, account)))];
  const stored = await Promise.all(
    prefixes.map((prefix) => readStateRows(kafkaSettings(config), prefix, clock, signal)),
  );
  const ours = new Set(config.harvest.accounts.map(({ id }) => id));
  const rows = stored
    .flat()
    .filter(({ accountId, name }) => ours.has(accountId) && (stream === undefined || stream === name))
    .map(({ accountId, name, row, offsets }): JsonObject => ({ account_id: accountId, stream: name, ...row, offsets }))
    .sort((a, b) => place(a) - place(b));

  if (options.json) printJson(rows);
  else if (rows.length === 0) print('Nothing is stored yet.');
  else if (stream !== undefined) printJson(rows);
  else {
    const columns = ['stream', 'state', 'complete', 'rows', 'synced_to', 'position'];
    print(table(rows.filter(isStream).map(brief), ours.size > 1 ? ['account_id', ...columns] : columns));
  }
  return EXIT.clean;
}

/** The stream of that name. Throws `usage` with the nearest one. */
export function namedStream(name: string): StreamDefinition {
  const stream = findStream(name);
  if (stream) return stream;
  const names = catalog.map((row) => row.name);
  const meant = nearest(name, names);
  throw new PublisherError('usage', `there is no stream named ${name}${meant ? `; did you mean ${meant}?` : ''}`, {
    remedy: `The streams are ${names.join(', ')}.`,
  });
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
  return { ...row, complete: row.complete ? 'yes' : 'no', position: JSON.stringify(position).slice(0, 100) };
}
