// What the topics should hold, asked from the simulator's own door for oracles: every stream, every parent, every window.
import type { Simulator } from '../../src/lab/simulator/index.ts';
import { catalog } from '../../src/streams/catalog.ts';
import type { StreamDefinition } from '../../src/streams/definition.ts';
import type { Expected } from './equality.ts';

type Json = Record<string, unknown>;

/** Every row a stream's topic should hold now. Reports: one set of rows for each calendar month. */
export function truthOf(simulator: Simulator, stream: StreamDefinition): Expected[] {
  const rows = (records: readonly Json[], added: Json) => records.map((record) => ({ record, added }));
  switch (stream.kind) {
    case 'list':
      return rows(simulator.truth(stream.name), {});
    case 'whole':
      return rows(simulator.truth(stream.name), stream.name === 'company' ? { id: simulator.accountId } : {});
    case 'child':
      return simulator
        .parentIds(stream.name)
        .flatMap((parentId) => rows(simulator.truth(stream.name, { parentId }), { [stream.parent!.field]: parentId }));
    case 'report':
      return simulator.months().flatMap((window) => rows(simulator.truth(stream.name, window), { ...window }));
  }
}

/** What identifies a row of the stream, whether it comes from Harvest or from a topic. */
export function identityOf(stream: StreamDefinition): (row: Json) => string {
  return (row) => stream.key.map(({ name }) => row[name] ?? '').join('|');
}

export const streams: readonly StreamDefinition[] = catalog;
