import { createConnection } from './connection.js';
import { parseOrder } from './orders.js';
import { createTopicReader } from './reader.js';
import { decodeRow, parseKey } from './state-topic.js';
import { hasTopic, stateTopic } from './topics.js';
/** Every account's rows and orders as committed now. */
export async function readState(settings, prefix, clock, signal, log = () => { }) {
    const connection = createConnection(settings, log);
    const topic = stateTopic(prefix);
    if (!(await hasTopic(connection, prefix, topic)))
        return { rows: [], orders: [] };
    const reader = createTopicReader(connection, clock, { brokers: connection.brokers, prefix });
    const rows = new Map();
    const orders = new Map();
    try {
        await reader.readAll([topic], (record) => {
            const { key, value, timestamp: committedAt } = record;
            const subject = parseKey(key);
            if (subject?.prefix !== prefix)
                return;
            const { account_id: accountId, stream: name, order: id } = subject;
            if (value === null) {
                rows.delete(String(key));
                orders.delete(String(key));
            }
            else if (name !== undefined) {
                rows.set(String(key), { ...decodeRow(record, value), accountId, name, committedAt });
            }
            else if (id !== undefined) {
                const order = parseOrder(id, value);
                if (order)
                    orders.set(String(key), { ...order, accountId });
            }
        }, signal);
    }
    finally {
        await reader.close();
    }
    return { rows: [...rows.values()], orders: [...orders.values()] };
}
