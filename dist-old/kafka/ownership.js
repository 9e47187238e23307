// Whose the account is. Reads the state topic with the signatures in it, signs it, and tells after a failure whether the
// account was lost to a newer instance or is only in doubt. The rule by which the log decides is AccountState's.
import { isoSeconds } from '../base/clock.js';
import { PublisherError } from '../base/errors.js';
import { createConnection } from './connection.js';
import { isFencing, translate } from './failures.js';
import { createTopicReader, farewell } from './reader.js';
import { TransactionFailure } from './session.js';
import { isAnotherLog, ownerKey } from './state-topic.js';
import { stateTopic } from './topics.js';
/** How long we look for the signature of whoever fenced us: it signs right after fencing. */
const SIGNATURE_PATIENCE_MS = 5_000;
const SIGNATURE_POLL_MS = 250;
export class Ownership {
    #parts;
    #topic;
    #openings = 0;
    constructor(parts) {
        this.#parts = parts;
        this.#topic = stateTopic(parts.place.prefix);
    }
    /** Reads who signed and what the rows are. Throws `kafka.fenced` when somebody newer did. */
    async look(reader, signal) {
        await this.#readSignatures(reader, signal);
        this.#refuseNewer();
    }
    /**
     * Commits a record that names this opening and reads the state up to it: once it is there, nobody older can commit any
     * more, and the rows are final. Throws `kafka.fenced` when somebody newer signed, `kafka.doubt` when our record is not there.
     */
    async sign(session, reader, signal) {
        const { clock, instance, accountId, place, state } = this.#parts;
        const owner = { instance, opening: ++this.#openings, opened_at: isoSeconds(clock.now()) };
        const message = { key: ownerKey(place.prefix, accountId), value: JSON.stringify(owner), partition: 0 };
        const signature = await session.transact((send) => send(this.#topic, 0, [message]));
        await this.#readState(reader, state.position, signature + 1, signal);
        this.#refuseNewer();
        if (state.owner?.instance !== instance || state.owner.opening !== owner.opening) {
            throw new PublisherError('kafka.doubt', `our signature is not at offset ${signature} of ${this.#topic}`);
        }
    }
    /** What it means that this failed; `doing` completes "while …". */
    async judge(error, doing, signal) {
        const cause = error instanceof TransactionFailure ? error.cause : error;
        if (!isFencing(cause))
            return translate(cause, doing, this.#parts.place);
        return this.#whoFencedUs(cause, signal);
    }
    /**
     * Waits for the signature of whoever fenced us. A newer instance's: the account is theirs. Anything else leaves it ours,
     * and we open again: an older instance that came back from a doubt before it saw our signature; a broker that gave up
     * our transaction for its age; a request of our own former opening that arrived late; somebody who died before it
     * signed. One that only dawdles fences us again, and has signed by then.
     */
    async #whoFencedUs(cause, signal) {
        const { clock, kafka, log, place, state } = this.#parts;
        const known = state.owner;
        const connection = createConnection(kafka, log);
        const reader = createTopicReader(connection, clock, place);
        signal.addEventListener('abort', connection.sever);
        try {
            const deadline = clock.monotonic() + SIGNATURE_PATIENCE_MS;
            do {
                await this.#readSignatures(reader, signal);
                if (state.newer)
                    return this.#fencedBy(state.newer, cause);
                if (state.owner !== known)
                    return this.#doubted(cause);
                await clock.sleep(SIGNATURE_POLL_MS, signal);
            } while (clock.monotonic() < deadline && !signal.aborted);
        }
        catch {
            // Not readable now: the next opening looks at the signatures again before it fences anybody.
            return this.#doubted(cause);
        }
        finally {
            signal.removeEventListener('abort', connection.sever);
            await farewell(reader, clock);
            connection.sever();
        }
        return this.#doubted(cause);
    }
    /** What is visible of the state topic now; it tells also when the topic is not the one that we have read so far. */
    async #readSignatures(reader, signal) {
        const bounds = (await reader.bounds([this.#topic], signal)).get(this.#topic)[0];
        const { state } = this.#parts;
        if (isAnotherLog(state.position, bounds))
            state.forget();
        await this.#readState(reader, Math.max(state.position, bounds.start), bounds.stable, signal);
    }
    async #readState(reader, from, to, signal) {
        const { state, orders } = this.#parts;
        const range = { topic: this.#topic, partition: 0, from, to };
        const followed = orders.follow(from);
        await reader.read([range], (record) => {
            state.apply(record);
            followed(record);
        }, signal);
        state.position = Math.max(from, to);
    }
    #refuseNewer() {
        const { newer } = this.#parts.state;
        if (newer)
            throw this.#fencedBy(newer);
    }
    #fencedBy({ instance, opened_at }, cause) {
        const { accountId, place } = this.#parts;
        const who = `instance ${instance}, opened at ${opened_at}`;
        return new PublisherError('kafka.fenced', `account ${accountId} was taken over by ${who} (transactional id ${place.transactionalId})`, { cause });
    }
    #doubted(cause) {
        const { transactionalId } = this.#parts.place;
        return new PublisherError('kafka.doubt', `the broker no longer takes this producer of ${transactionalId}`, {
            cause,
        });
    }
}
