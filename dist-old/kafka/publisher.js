import { assert, PublisherError } from '../base/errors.js';
import { createConnection } from './connection.js';
import { pack, parcels, valueLimit } from './messages.js';
import { OrderBook } from './orders.js';
import { Ownership } from './ownership.js';
import { createTopicReader, farewell } from './reader.js';
import { restoreTopics } from './restore.js';
import { fence } from './session.js';
import { settle } from './settlement.js';
import { AccountState, encodeRow, orderKey, rowKey } from './state-topic.js';
import { TopicMemory } from './topic-memory.js';
import { dataTopic, ensureTopics, stateTopic, verifyTransactionalId, } from './topics.js';
/** One account's way to Kafka. Throws PublisherErrors `kafka.*`; `Sink` says what may follow which. */
export function createSink(options) {
    return new Publisher(options);
}
export function transactionalIdOf(prefix, accountId) {
    return `${prefix}-${accountId}`;
}
const TRANSACTION_TIMEOUT_MS = 30_000;
/** After so long without a word the broker may have forgotten the producer, and a firewall the sockets. */
const SILENCE_MAX_MS = 3_600_000;
class Publisher {
    #options;
    #log;
    #place;
    #stateTopic;
    #transactionTimeoutMs;
    #state;
    #orders;
    #ownership;
    #memories;
    #closing = new AbortController();
    #running = null;
    #busy = false;
    constructor(options) {
        const { topics, accountId, kafka, instance, clock } = options;
        const { prefix } = topics;
        this.#options = options;
        this.#log = options.log ?? (() => { });
        this.#stateTopic = stateTopic(prefix);
        this.#transactionTimeoutMs = kafka.transaction_timeout_ms ?? TRANSACTION_TIMEOUT_MS;
        this.#place = { brokers: kafka.brokers.join(','), prefix, transactionalId: transactionalIdOf(prefix, accountId) };
        this.#state = new AccountState(prefix, accountId, instance);
        this.#orders = new OrderBook({ kafka, prefix, accountId, clock, log: this.#log });
        this.#ownership = new Ownership({
            kafka,
            accountId,
            instance,
            clock,
            place: this.#place,
            state: this.#state,
            orders: this.#orders,
            log: this.#log,
        });
        this.#memories = new Map(options.streams.map(({ name }) => [name, new TopicMemory()]));
    }
    async open(restore, signal) {
        return this.#alone(async () => {
            const both = AbortSignal.any([signal, this.#closing.signal]);
            const { reader, bounds } = await this.#takeOver(both);
            try {
                return await this.#restore(reader, bounds, restore, both);
            }
            catch (error) {
                await this.#stop();
                throw error;
            }
            finally {
                await farewell(reader, this.#options.clock);
            }
        });
    }
    async commit(batch) {
        if (isEmpty(batch))
            return;
        return this.#alone(async () => {
            if (this.#silentMs() > SILENCE_MAX_MS)
                await this.#renew();
            if (!this.#running)
                throw new PublisherError('kafka.doubt', 'the log has to be opened before a commit');
            const { session, layouts } = this.#running;
            const { prefix, transactionalId } = this.#place;
            const data = parcels(prefix, transactionalId, layouts, batch);
            let sent;
            try {
                sent = await session.transact((send) => this.#send(data, batch, layouts, send));
            }
            catch (error) {
                await this.#stop();
                throw await this.#ownership.judge(error, 'committing a batch', this.#closing.signal);
            }
            // Nothing is remembered before the commit is known.
            for (const { stream, partition, last } of sent.records)
                this.#memory(stream).wrote(partition, last);
            for (const [name, row] of sent.rows)
                this.#state.wrote(name, row);
            this.#state.position = sent.statePosition ?? this.#state.position;
            this.#orders.done(batch.ordersDone);
        });
    }
    orders(signal) {
        return this.#orders.read(signal);
    }
    async close() {
        this.#closing.abort(new PublisherError('kafka.doubt', 'the log was closed'));
        this.#orders.close();
        await this.#stop();
    }
    /** One producer has one transaction at a time: overlapping calls are a defect of the caller. */
    async #alone(work) {
        assert(!this.#busy, 'the sink does one thing at a time');
        this.#busy = true;
        try {
            return await work();
        }
        finally {
            this.#busy = false;
        }
    }
    async #stop() {
        const running = this.#running;
        this.#running = null;
        if (!running)
            return;
        await running.session.close();
        running.connection.sever();
    }
    #silentMs() {
        return this.#running ? this.#options.clock.monotonic() - this.#running.session.usedAt : 0;
    }
    #memory(stream) {
        const memory = this.#memories.get(stream);
        assert(memory !== undefined, `only enabled streams are published, not ${stream}`);
        return memory;
    }
    // ---- taking over -------------------------------------------------------------------------------------------------
    /**
     * Makes this process the one writer of the account, in the only order that holds:
     *  1. read who signed. After our own first signature this tells whether somebody newer did, whom we must not fence back;
     *  2. fence: older producers are refused from here on, and what they left open is aborted;
     *  3. settle: prove that nothing committed is hidden. Before our own first commit, because its marker would also release
     *     records that a broker's defect has stranded under the same producer id;
     *  4. sign: commit a record that names this opening. Once it is there, nobody older can commit any more;
     *  5. read the state up to that signature: the rows are final, whatever became of the commits before.
     * An instance that fences us between 2 and 4 makes our signature fail; one that comes later, a commit.
     */
    async #takeOver(signal) {
        const { clock, kafka, topics, streams } = this.#options;
        await this.#stop();
        signal.throwIfAborted();
        const connection = createConnection(kafka, this.#log);
        // kafkajs knows no abort signals, but it notices that its sockets are gone.
        signal.addEventListener('abort', connection.sever);
        const reader = createTopicReader(connection, clock, this.#place);
        let session = null;
        try {
            const layouts = await ensureTopics(connection, topics, streams, this.#log, clock, signal);
            await verifyTransactionalId(connection, topics.prefix, this.#place.transactionalId);
            await this.#ownership.look(reader, signal);
            session = await fence(connection, this.#sessionOptions(), signal);
            const own = [this.#stateTopic, ...streams.map(({ name }) => dataTopic(topics.prefix, name))];
            const settled = await settle(reader, own, connection.brokers, clock, signal);
            await this.#ownership.sign(session, reader, signal);
            this.#running = { connection, session, layouts };
            return { reader, bounds: settled };
        }
        catch (error) {
            await session?.close();
            await farewell(reader, clock);
            connection.sever();
            signal.throwIfAborted();
            throw await this.#ownership.judge(error, 'taking the account over', signal);
        }
        finally {
            signal.removeEventListener('abort', connection.sever);
        }
    }
    #sessionOptions() {
        const { clock, random, kafka } = this.#options;
        return {
            transactionalId: this.#place.transactionalId,
            transactionTimeoutMs: this.#transactionTimeoutMs,
            compression: kafka.compression,
            clock,
            random,
            place: this.#place,
        };
    }
    /**
     * A new producer after long silence, on the same terms as any opening: a newer instance is not fenced back. Nothing is
     * under way, so this is no doubt, unless somebody (an older instance, recovering) has moved the state meanwhile.
     */
    async #renew() {
        const { changes } = this.#state;
        const { reader } = await this.#takeOver(this.#closing.signal);
        await farewell(reader, this.#options.clock);
        // Our own signature is the one change to expect.
        if (this.#state.changes === changes + 1)
            return;
        await this.#stop();
        throw new PublisherError('kafka.doubt', 'the state of the account moved without us');
    }
    // ---- reading back ------------------------------------------------------------------------------------------------
    async #restore(reader, bounds, restore, signal) {
        const { prefix } = this.#options.topics;
        for (const [name, memory] of this.#memories)
            memory.learn(this.#state.rows.get(name)?.offsets ?? {});
        const { broken, records } = await restoreTopics(reader, bounds, prefix, this.#memories, restore, signal);
        const rows = new Map();
        for (const [name, { row }] of this.#state.rows)
            rows.set(name, row);
        return { rows, broken, records, maxValueBytes: this.#maxValueBytes() };
    }
    #maxValueBytes() {
        const { prefix } = this.#options.topics;
        const { layouts } = this.#running;
        return new Map([...this.#memories.keys()].map((name) => [name, valueLimit(layouts.get(dataTopic(prefix, name)))]));
    }
    // ---- writing -----------------------------------------------------------------------------------------------------
    async #send(data, { rows, ordersDone }, layouts, send) {
        const records = [];
        for (const { topic, partition, messages, stream } of data) {
            const first = await send(topic, partition, messages);
            if (stream === null)
                continue;
            if (!this.#memory(stream).accepts(partition, first)) {
                throw new PublisherError('kafka.doubt', `${topic} partition ${partition} was made anew: it gave offset ${first} again`);
            }
            records.push({ stream, partition, last: first + messages.length - 1 });
        }
        // Last, so that whoever reads uncommitted never sees a cursor ahead of its records.
        const stored = new Map();
        for (const [name, row] of rows)
            stored.set(name, row && { row, offsets: this.#offsets(name, records) });
        const { prefix } = this.#place;
        const { accountId } = this.#options;
        const entries = [
            ...[...stored].map(([name, row]) => [rowKey(prefix, accountId, name), row && encodeRow(row)]),
            ...ordersDone.map((id) => [orderKey(prefix, accountId, id), null]),
        ];
        // One partition of the state topic is one shard, whatever the topic has.
        const layout = new Map([[this.#stateTopic, { ...layouts.get(this.#stateTopic), partitions: 1 }]]);
        const here = { topic: this.#stateTopic, stream: null };
        let statePosition = null;
        for (const { topic, partition, messages } of pack(layout, entries, () => here, toStateMessage)) {
            statePosition = (await send(topic, partition, messages)) + messages.length;
        }
        return { records, rows: stored, statePosition };
    }
    #offsets(name, records) {
        const fresh = records.filter(({ stream }) => stream === name).map(({ partition, last }) => [partition, last]);
        return { ...this.#memories.get(name)?.noted(), ...Object.fromEntries(fresh) };
    }
}
function toStateMessage([key, value]) {
    return { key: Buffer.from(key), value };
}
function isEmpty({ messages, deadLetters, notifications, rows, ordersDone }) {
    return messages.length + deadLetters.length + notifications.length + rows.size + ordersDone.length === 0;
}
