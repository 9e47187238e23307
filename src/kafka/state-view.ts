// The state topic for the eyes of people: every account's rows, and the signals that wait. Reads only: nobody is fenced.
import type { Clock } from '../base/clock.ts';
import type { Signal } from '../engine/ports.ts';
import type { KafkaSettings } from './connection.ts';
import type { OnRecord } from './reader.ts';
import { parseSignal } from './signals.ts';
import { decodeRow, parseKey, type StoredRow } from './state-topic.ts';
import { readTopic } from './topic-log.ts';
import { stateTopic } from './topics.ts';

export interface ShownRow extends StoredRow {
  readonly accountId: string;
  readonly name: string;
  /** When it was committed, in ms. */
  readonly committedAt: number;
}

export interface ShownState {
  readonly rows: readonly ShownRow[];
  /** Signals that are not carried out yet, the oldest first. */
  readonly signals: readonly (Signal & { readonly accountId: string })[];
}

/** Every account's rows and signals as committed now. */
export async function readState(
  settings: KafkaSettings,
  prefix: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<ShownState> {
  const rows = new Map<string, ShownRow>();
  const signals = new Map<string, ShownState['signals'][number]>();
  const take: OnRecord = (record) => {
    const { key, value, timestamp: committedAt } = record;
    const subject = parseKey(key);
    if (subject?.prefix !== prefix) return;
    const { account_id: accountId, stream: name, signal: id } = subject;
    if (value === null) {
      rows.delete(String(key));
      signals.delete(String(key));
    } else if (name !== undefined) {
      rows.set(String(key), { ...decodeRow(record, value), accountId, name, committedAt });
    } else if (id !== undefined) {
      const known = parseSignal(id, value);
      if (known) signals.set(String(key), { ...known, accountId });
    }
  };
  await readTopic(settings, { prefix, topic: stateTopic(prefix) }, take, { clock, signal });
  return { rows: [...rows.values()], signals: [...signals.values()] };
}
