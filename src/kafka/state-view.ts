// What the state topic holds for the eyes of people: every account's rows, and the orders that wait. Reads only: nobody is fenced.
import type { Clock } from '../base/clock.ts';
import type { Order } from '../engine/ports.ts';
import { createConnection, type KafkaSettings, type Log } from './connection.ts';
import { parseOrder } from './signals.ts';
import { createTopicReader } from './reader.ts';
import { decodeRow, parseKey, type StoredRow } from './state-topic.ts';
import { hasTopic, stateTopic } from './topics.ts';

export interface ShownRow extends StoredRow {
  readonly accountId: string;
  readonly name: string;
  /** When it was committed, in ms. */
  readonly committedAt: number;
}

export interface ShownOrder extends Order {
  readonly accountId: string;
}

export interface ShownState {
  readonly rows: readonly ShownRow[];
  /** Orders that are not carried out yet, the oldest first. */
  readonly orders: readonly ShownOrder[];
}

/** Every account's rows and orders as committed now. */
export async function readState(
  settings: KafkaSettings,
  prefix: string,
  clock: Clock,
  signal: AbortSignal,
  log: Log = () => {},
): Promise<ShownState> {
  const connection = createConnection(settings, log);
  const topic = stateTopic(prefix);
  if (!(await hasTopic(connection, prefix, topic))) return { rows: [], orders: [] };
  const reader = createTopicReader(connection, clock, { brokers: connection.brokers, prefix });
  const rows = new Map<string, ShownRow>();
  const orders = new Map<string, ShownOrder>();
  try {
    await reader.readAll(
      [topic],
      (record) => {
        const { key, value, timestamp: committedAt } = record;
        const subject = parseKey(key);
        if (subject?.prefix !== prefix) return;
        const { account_id: accountId, stream: name, order: id } = subject;
        if (value === null) {
          rows.delete(String(key));
          orders.delete(String(key));
        } else if (name !== undefined) {
          rows.set(String(key), { ...decodeRow(record, value), accountId, name, committedAt });
        } else if (id !== undefined) {
          const order = parseOrder(id, value);
          if (order) orders.set(String(key), { ...order, accountId });
        }
      },
      signal,
    );
  } finally {
    await reader.close();
  }
  return { rows: [...rows.values()], orders: [...orders.values()] };
}
