// The truth that topics should hold, asked from the simulator's own door for oracles: every stream, every parent, every window.
import type { Grain, Simulator } from '../../lab/simulator/index.ts';
import { catalog } from '../../src/streams/catalog.ts';
import type { StreamDefinition } from '../../src/streams/definition.ts';
import type { Expected } from './equality.ts';

type Json = Record<string, unknown>;

/** Every row a stream's topic should hold now. Reports: one set of rows for each calendar window of that grain. */
export function truthOf(simulator: Simulator, stream: StreamDefinition, grain: Grain = 'month'): Expected[] {
  if (stream.kind === 'derived') {
    return truthOf(simulator, parentOf(stream)).flatMap(({ record }) => itemsOf(stream, record));
  }
  return simulator.scopes(stream.name, grain).flatMap(({ parentId, ...window }) => {
    const added = {
      ...window,
      ...(parentId !== undefined && { [stream.parent!.field]: parentId }),
      ...(stream.name === 'company' && { id: simulator.accountId }),
    };
    const scope = parentId === undefined ? window : { parentId };
    return simulator.truth(stream.name, scope).map((record) => ({ record, added }));
  });
}

/** The rows of a derived stream in a record of its parent's, each with its place. */
export function itemsOf({ parent, rows }: StreamDefinition, record: Json): Expected[] {
  const added = (position: number) => ({ [parent!.field]: record.id, position });
  return (record[rows!] as Json[]).map((item, position) => ({ record: item, added: added(position) }));
}

/** The stream of the parents. */
export function parentOf({ parent }: StreamDefinition): StreamDefinition {
  return streams.find(({ name }) => name === parent!.stream)!;
}

/** Identifies a row of the stream, whether it comes from Harvest or from a topic. */
export function identityOf(stream: StreamDefinition): (row: Json) => string {
  return (row) => stream.key.map(({ name }) => row[name] ?? '').join('|');
}

export const streams: readonly StreamDefinition[] = catalog;

/** Those that Harvest has itself. */
export const harvestStreams: readonly StreamDefinition[] = catalog.filter(({ kind }) => kind !== 'derived');
