// Did the publisher keep its promises? One judgement over everything that it ever made visible, whether that is read from
// the log in memory or by an independent consumer from a broker: P1 (equal), P2 and P3 (no false change, nothing older
// after something newer), P8 (no tombstone for what is still there).

import type { Grain, Simulator } from '../../lab/simulator/index.ts';
import type { StreamDefinition } from '../../src/streams/definition.ts';
import { type WeekStart, windowOf } from '../../src/streams/windows.ts';
import { testCodec } from './codec.ts';
import type { Decoded } from './consumer.ts';
import { differences, type Expected } from './equality.ts';
import { MemoryLog } from './memory-log.ts';
import { identityOf, streams, truthOf } from './truth.ts';
import type { Witness } from './witness.ts';

/** One message, whatever it was read from. */
export interface Published {
  readonly stream: string;
  /** Hexadecimal. */
  readonly key: string;
  readonly value: Buffer | null;
  /** The `__source_ts_ms` header; null when there is none. */
  readonly sourceTsMs: number | null;
  /** Where to find it. */
  readonly where: string;
}

/** Everything that was published, each stream's messages in an order that keeps that of every key. */
export interface Evidence {
  readonly history: readonly Published[];
  /** The row id in the key, as `identityOf` writes it. */
  idOf(message: Published): Promise<string>;
  decode(message: Published): Promise<Decoded>;
}

export interface Verdict {
  /** Where the compacted view and Harvest differ, field by field. */
  readonly differences: readonly string[];
  /** Values repeated, older ones after newer ones, tombstones for nothing. */
  readonly falseChanges: readonly string[];
  /** Tombstones for what Harvest never lost, and rows that rise from the dead. */
  readonly falseDeletions: readonly string[];
  /** Rows per stream. */
  readonly rows: Readonly<Record<string, number>>;
}

export interface Judged {
  readonly grain?: Grain;
  readonly streams?: readonly string[];
  /** Knows which rows of reports and project assignments were ever seen to leave; without, those are not judged for P8. */
  readonly witness?: Witness;
}

/** Judges what was published. The simulator must be quiet; a timer may run, as its ticking alone is not published. */
export async function judge(simulator: Simulator, evidence: Evidence, options: Judged = {}): Promise<Verdict> {
  const found: string[] = [];
  const rows: Record<string, number> = {};
  for (const stream of streams.filter(({ name }) => options.streams?.includes(name) ?? true)) {
    const last = new Map<string, Published>();
    for (const message of evidence.history) if (message.stream === stream.name) last.set(message.key, message);
    const actual: Decoded[] = [];
    for (const message of last.values()) if (message.value !== null) actual.push(await evidence.decode(message));
    rows[stream.name] = actual.length;
    const expected = [
      ...truthOf(simulator, stream, options.grain),
      ...windowsBeyond(simulator, stream, actual, options.grain),
    ];
    found.push(...differences(stream.name, identityOf(stream), expected, actual));
  }
  return {
    differences: found,
    falseChanges: falseChanges(evidence.history),
    falseDeletions: await falseDeletions(simulator, evidence, options),
    rows,
  };
}

/**
 * When the oldest or the newest entry moves or goes, reports keep the windows beyond what is then the first or the last:
 * uninvoiced has rows in them all the same. They are compared like any other.
 */
function windowsBeyond(
  simulator: Simulator,
  stream: StreamDefinition,
  actual: readonly Decoded[],
  grain: Grain = 'month',
): Expected[] {
  if (stream.kind !== 'report') return [];
  const known = new Set(simulator.windows(grain).map(({ from }) => from));
  const weekStart = simulator.data.company.week_start_day as WeekStart;
  const beyond = new Set(actual.map(({ value }) => value.from as string).filter((from) => !known.has(from)));
  return [...beyond]
    .map((from) => windowOf(from, grain, weekStart))
    .filter((window) => beyond.has(window.from))
    .flatMap((window) => simulator.truth(stream.name, window).map((record) => ({ record, added: { ...window } })));
}

/** Never to be seen, whatever crashed (P2, P3): equal values in a row, an older version after a newer. */
export function falseChanges(history: readonly Published[]): string[] {
  const last = new Map<string, { readonly value: Buffer | null; readonly newest: number }>();
  const wrong: string[] = [];
  for (const { stream, key, value, sourceTsMs, where } of history) {
    const name = `${stream} ${key}`;
    // Before its first value a key is as good as deleted.
    const before = last.get(name) ?? { value: null, newest: Number.NEGATIVE_INFINITY };
    const time = sourceTsMs ?? Number.NEGATIVE_INFINITY;
    if (before.value === null ? value === null : value?.equals(before.value))
      wrong.push(`${where}: the same value again`);
    if (value !== null && sourceTsMs !== null && time < before.newest) wrong.push(`${where}: an older version`);
    last.set(name, { value, newest: value === null ? before.newest : Math.max(before.newest, time) });
  }
  return wrong;
}

/** Tombstones that nothing in Harvest stands behind (P8), and values after a tombstone of an id, which never comes back. */
async function falseDeletions(
  simulator: Simulator,
  { history, idOf }: Evidence,
  { grain = 'month', witness }: Judged,
): Promise<string[]> {
  const gone = new Set(simulator.data.gone.map(({ stream, id }) => `${stream} ${id}`));
  const windows = new Set(simulator.windows(grain).map(({ from, to }) => `${from}|${to}`));
  const buried = new Set<string>();
  const wrong: string[] = [];
  for (const message of history) {
    const { stream, key, value, where } = message;
    // Rows of reports and a person's projects may leave and return; every other id is gone for good.
    const comesBack = stream === 'project_assignments' || !(stream in simulator.data);
    if (value !== null) {
      if (buried.has(`${stream} ${key}`)) wrong.push(`${where}: back after its tombstone`);
      continue;
    }
    if (!comesBack) buried.add(`${stream} ${key}`);
    const id = await idOf(message);
    if (gone.has(`${stream} ${id}`)) continue;
    if (comesBack) {
      const [from, to, ...row] = id.split('|');
      const isOldWindow = row.length > 0 && !windows.has(`${from}|${to}`);
      if (!witness || isOldWindow || witness.sawLeave(stream, id)) continue;
      if (stream === 'project_assignments' && gone.has(`user_assignments ${id}`)) continue;
    }
    wrong.push(`${where}: a tombstone for ${id}, which Harvest has not lost`);
  }
  return wrong;
}

const DEFINITIONS: ReadonlyMap<string, StreamDefinition> = new Map(streams.map((stream) => [stream.name, stream]));

/** Compiling the schemas takes longer than reading with them. */
let reading: ReturnType<typeof testCodec> | undefined;

/** The evidence in a log in memory. A topic that was emptied counts from then on. */
export function evidenceOf(log: MemoryLog): Evidence {
  reading ??= testCodec();
  const codec = reading;
  const history = [...log.topics.values()].flatMap((topic) =>
    topic.map(({ stream, key, value, sourceTsMs }, at) => ({
      ...{ stream, value, sourceTsMs, key: key.toString('hex') },
      where: `${stream} offset ${at}`,
    })),
  );
  return {
    history,
    idOf: async ({ stream, key }) => String(codec.rowId(DEFINITIONS.get(stream)!, Buffer.from(key, 'hex'))),
    decode: async ({ stream, value }) => ({
      key: {},
      value: (await codec.decode(DEFINITIONS.get(stream)!, value!)) as Record<string, unknown>,
    }),
  };
}

/** A log that looks, at the moment of each commit, whether every tombstone has its deletion behind it already. */
export class WatchedLog extends MemoryLog {
  /** Tombstones that came before the deletion did. */
  readonly early: string[] = [];
  readonly #simulator: Simulator;

  constructor(simulator: Simulator) {
    super();
    this.#simulator = simulator;
  }

  override append(batch: Parameters<MemoryLog['append']>[0]): void {
    super.append(batch);
    for (const { stream, key, value } of batch.messages) {
      const noun = this.#simulator.data[stream as 'clients'];
      if (value !== null || stream === 'company' || noun === undefined) continue;
      reading ??= testCodec();
      const id = Number(reading.rowId(DEFINITIONS.get(stream)!, key));
      if (noun.get(id)) this.early.push(`${stream} ${id}`);
    }
  }
}
