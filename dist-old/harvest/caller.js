// One request until it is answered: waits for the budget and a token, sends, and repeats what is worth repeating
// (design section 9). Knows nothing of what is asked; client.ts builds the address and reads the answer.
import { setMaxListeners } from 'node:events';
import { asPublisherError } from '../base/errors.js';
import { attempt } from './attempt.js';
import { parsedObject, pauseOf, refusal } from './failures.js';
import { objectOf, textOf } from './pages.js';
/** Tries of one request before its failure is the engine's, which goes on with longer pauses and says so. */
const TRIES = 4;
/** Full jitter below 250 ms, 1 s, 4 s. */
const BACK_OFF_BASE_MS = 250;
const BACK_OFF_FACTOR = 4;
export class Caller {
    #options;
    constructor(options) {
        this.#options = options;
    }
    /** Throws PublisherError `harvest.*`, or the reason of `signal` when that aborts. */
    async call(call, signal) {
        // All requests of an account wait for one signal: more than the ten listeners that Node takes for a leak.
        setMaxListeners(0, signal);
        const { clock, random } = this.#options;
        const progress = { since: clock.monotonic(), failures: 0, renewed: false };
        for (;;) {
            try {
                const done = await this.#once(call, progress, signal);
                if (done !== null)
                    return done.value;
            }
            catch (thrown) {
                signal.throwIfAborted();
                const error = asPublisherError(thrown);
                progress.failures += 1;
                if (error.kind !== 'transient' || progress.failures === TRIES)
                    throw error;
                await clock.sleep(random() * BACK_OFF_BASE_MS * BACK_OFF_FACTOR ** (progress.failures - 1), signal);
                signal.throwIfAborted();
            }
        }
    }
    /** One attempt; null when the same is to be asked again, which does not count as a failure. */
    async #once(call, progress, signal) {
        const { token, answer, paused } = await this.#send(call, progress.since, signal);
        if (paused)
            return null;
        const place = {
            request: { method: 'GET', url: call.url.href },
            stream: call.stream,
            conceal: (text) => text.replaceAll(token.reveal(), '[redacted]'),
        };
        if (answer.status === 200) {
            return { value: call.read(objectOf(await textOf(answer, place), place), answer, place) };
        }
        if (answer.status === 401 && !progress.renewed && (await this.#options.auth.renew(token, signal))) {
            progress.renewed = true;
            return null;
        }
        const body = await textOf(answer, place).catch(() => '');
        // A proxy's 404 page must never pass for a deletion, so only Harvest's own JSON counts (promise P8).
        if (answer.status === 404 && call.absent !== undefined && parsedObject(body)) {
            return { value: call.absent() };
        }
        throw refusal(answer, body, place);
    }
    /** Waits for its turn, then sends. The answer is whole, and its wish for a pause granted, when this returns. */
    async #send(call, since, signal) {
        const { clock } = this.#options;
        const queuedAt = clock.monotonic();
        return call.budget.run({ priority: call.priority, since }, signal, async () => {
            // Asked for at the last moment: a request may have waited for longer than a token lives.
            const token = await this.#options.auth.token(signal);
            const sentAt = clock.now();
            const answer = await this.#attempt(call, token, clock.monotonic() - queuedAt, signal);
            // Still inside the attempt: its end lets the next request go, and that must already see the pause.
            return { token, answer: { ...answer, sentAt }, paused: this.#paused(call.budget, answer) };
        });
    }
    async #attempt(call, token, waitedMs, signal) {
        const { transport, limitMs, clock, emit } = this.#options;
        const request = { method: 'GET', url: call.url.href, headers: this.#headers(token) };
        const startedAt = clock.monotonic();
        let answer = null;
        try {
            answer = await attempt(transport, request, limitMs, clock, signal);
            return answer;
        }
        finally {
            emit({
                name: 'request.finished',
                stream: call.label,
                purpose: call.purpose,
                budget: call.budget.name,
                status: answer?.status ?? 0,
                ms: Math.round(clock.monotonic() - startedAt),
                bytes: answer?.body.length ?? 0,
                waitedMs,
            });
        }
    }
    #paused(budget, answer) {
        const ms = pauseOf(answer, this.#options.clock.now());
        if (ms === null)
            return false;
        budget.pause(ms);
        this.#options.emit({ name: 'budget.paused', budget: budget.name, ms, status: answer.status });
        return true;
    }
    #headers(token) {
        return {
            authorization: `Bearer ${token.reveal()}`,
            'harvest-account-id': String(this.#options.accountId),
            'user-agent': this.#options.userAgent,
            accept: 'application/json',
            'accept-encoding': 'gzip',
        };
    }
}
