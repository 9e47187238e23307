import { PublisherError } from '../base/errors.js';
import { Secret } from '../base/secret.js';
import { attempt } from './attempt.js';
import { parsedObject, pauseOf, unparsable } from './failures.js';
import { below } from './links.js';
import { objectOf, textOf } from './pages.js';
/** A personal access token: it is good or it is not. */
export function personalToken(token) {
    return { token: async () => token, renew: async () => false, close: async () => { } };
}
/** Refreshing early costs nothing; refreshing late costs a refused request. */
const EARLY_MS = 300_000;
/** An OAuth2 grant. One refresh at a time, whoever asks; it is not tied to the signal of the one who asked first. */
export class OAuthGrant {
    #options;
    /** The newest refresh token; null before the store was read. */
    #newest = null;
    #access = null;
    #refreshing = null;
    /** Harvest ID asked us to wait until then (monotonic). */
    #throttled = null;
    constructor(options) {
        this.#options = options;
    }
    async token(signal) {
        const { clock } = this.#options;
        if (this.#access !== null && clock.monotonic() < this.#access.staleAt)
            return this.#access.token;
        return unlessAborted(this.#refreshOnce(), signal);
    }
    async renew(refused, signal) {
        // Several requests may have been refused with the same token; the first of them has already replaced it.
        if (this.#access?.token === refused)
            await unlessAborted(this.#refreshOnce(), signal);
        return true;
    }
    async close() {
        await this.#refreshing?.catch(() => { });
    }
    #refreshOnce() {
        this.#refreshing ??= this.#refresh().finally(() => {
            this.#refreshing = null;
        });
        return this.#refreshing;
    }
    async #refresh() {
        const { store, refreshToken: configured, clock, emit } = this.#options;
        const current = this.#newest ?? (await store.read(configured)) ?? configured;
        // Written before it is spent as well: a file that cannot be written is better found out while this token is good.
        await store.write(configured, current);
        const granted = await this.#exchange(current);
        this.#newest = granted.refreshToken ?? current;
        // Before the access token is used: a crash in between must find the refresh token that works.
        await store.write(configured, this.#newest);
        const lifeMs = granted.expiresInSeconds === null ? Number.POSITIVE_INFINITY : granted.expiresInSeconds * 1000;
        this.#access = {
            token: granted.accessToken,
            staleAt: clock.monotonic() + lifeMs - Math.min(EARLY_MS, lifeMs / 10),
        };
        emit({ name: 'token.refreshed', expiresInSeconds: granted.expiresInSeconds });
        return granted.accessToken;
    }
    async #exchange(current) {
        const { idBase, userAgent, clientId, clientSecret, transport, limitMs, clock } = this.#options;
        const request = {
            method: 'POST',
            url: below(idBase, '/api/v2/oauth2/token').href,
            headers: {
                'user-agent': userAgent,
                accept: 'application/json',
                'content-type': 'application/x-www-form-urlencoded',
            },
            body: new URLSearchParams({
                grant_type: 'refresh_token',
                refresh_token: current.reveal(),
                client_id: clientId,
                client_secret: clientSecret.reveal(),
            }).toString(),
        };
        const place = { request, stream: null, conceal: (text) => text };
        if (this.#throttled !== null && clock.monotonic() < this.#throttled.until)
            throw this.#throttled.error;
        const answer = await attempt(transport, request, limitMs, clock, null);
        if (answer.status !== 200) {
            const error = this.#refused(answer.status, await textOf(answer, place), place);
            const pauseMs = pauseOf(answer, clock.now());
            if (pauseMs !== null)
                this.#throttled = { until: clock.monotonic() + pauseMs, error };
            throw error;
        }
        return grantedBy(objectOf(await textOf(answer, place), place), place);
    }
    #refused(status, body, place) {
        const { method, url } = place.request;
        if (status === 400 || status === 401) {
            const message = `${method} ${url} answered ${status}: ${errorWord(body)}`;
            return new PublisherError('harvest.unauthorised', message, {
                remedy: 'The refresh token or the client secret is no longer good: authorise again and configure the new token.',
            });
        }
        // Nothing here says that the grant itself is bad, so it is worth asking again later.
        const code = status === 429 ? 'harvest.throttled' : 'harvest.server';
        return new PublisherError(code, `${method} ${url} answered ${status}`);
    }
}
function grantedBy(body, place) {
    const { access_token, refresh_token, expires_in } = body;
    if (typeof access_token !== 'string' || access_token === '')
        throw unparsable(place, 'no access_token in the answer');
    return {
        accessToken: new Secret(access_token),
        refreshToken: typeof refresh_token === 'string' && refresh_token !== '' ? new Secret(refresh_token) : null,
        expiresInSeconds: typeof expires_in === 'number' && expires_in > 0 ? expires_in : null,
    };
}
/** `invalid_grant` and its like; the description beside it is left out, as it may repeat what was sent. */
function errorWord(body) {
    const { error } = parsedObject(body) ?? {};
    return typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? error : 'no error word in the answer';
}
/** Waits for `work`, or rejects with the reason of `signal`; the work itself goes on. */
function unlessAborted(work, signal) {
    return new Promise((resolve, reject) => {
        const leave = () => reject(signal.reason);
        if (signal.aborted)
            leave();
        signal.addEventListener('abort', leave, { once: true });
        void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
    });
}
