import { assert, PublisherError } from '../base/errors.js';
import { PER_PAGE, PRIORITY } from '../engine/ports.js';
import { OAuthGrant, personalToken } from './auth.js';
import { Budget } from './budget.js';
import { Caller } from './caller.js';
import { Connections } from './connections.js';
import { answeredUpTo, unparsable } from './failures.js';
import { apiBase, below, followable, idBase, pageAddress, sameRequest } from './links.js';
import { envelopeOf } from './pages.js';
import { fileTokenStore, memoryTokenStore } from './token-store.js';
import { openTransport, TIMEOUTS } from './transport.js';
/** Throws `config.invalid` when the options cannot make a request. */
export function createSource(options) {
    return new Client(options);
}
class Client {
    pageRows;
    #base;
    #idBase;
    #closeTransport;
    #auth;
    #caller;
    #budgets;
    constructor(options) {
        this.pageRows = options.pageRows ?? PER_PAGE;
        this.#base = apiBase(options.baseUrl ?? 'https://api.harvestapp.com/v2');
        this.#idBase = idBase(options.idBaseUrl ?? 'https://id.getharvest.com');
        const { accountId, userAgent, clock, random, emit } = options;
        const timeouts = { ...TIMEOUTS, ...options.timeouts };
        const places = options.connections ?? 6;
        const { transport, close } = options.transport
            ? { transport: options.transport, close: async () => { } }
            : openTransport({ connections: places, timeouts, ca: options.ca });
        this.#closeTransport = close;
        this.#auth = authOf(options, this.#idBase, transport, timeouts.refreshMs);
        mustFitHeader('harvest.user_agent', userAgent);
        const limitMs = timeouts.totalMs;
        this.#caller = new Caller({ transport, auth: this.#auth, accountId, userAgent, limitMs, clock, random, emit });
        const connections = new Connections(places);
        const budget = (name) => new Budget({
            name,
            requests: options.budgets[name].requests,
            windowMs: options.budgets[name].perSeconds * 1000,
            clock: options.clock,
            connections,
            onLeaseLow: options.onLeaseLow ?? null,
        });
        // Reports first: they are few, and a busy general budget would leave them no connection.
        const reports = budget('reports');
        this.#budgets = { reports, general: budget('general') };
    }
    get budgets() {
        return [this.#budgets.general, this.#budgets.reports];
    }
    async fetchPage(request, signal) {
        const { stream, purpose, priority } = request;
        const url = pageAddress(this.#base, request, this.pageRows);
        return this.#caller.call({
            url,
            stream,
            label: stream.name,
            purpose,
            priority,
            budget: this.#budgets[stream.budget],
            read: (body, answer, place) => this.#page(stream, url, body, answer, place),
        }, signal);
    }
    async fetchRecord(stream, { id, parent }, signal) {
        const { single } = stream;
        assert(single !== null, `${stream.name} answers for one record`);
        assert(parent !== null || !single.includes('{parent}'), `a record of ${stream.name} is asked below its parent`);
        return this.#caller.call({
            url: below(this.#base, single.replace('{id}', String(id)).replace('{parent}', String(parent))),
            stream,
            label: stream.name,
            purpose: 'confirm',
            priority: PRIORITY.dirty,
            budget: this.#budgets[stream.budget],
            read: (body, _, place) => {
                if (body.id !== id)
                    throw unparsable(place, `the record is not the one with id ${id}`);
                return body;
            },
            absent: () => null,
        }, signal);
    }
    whoAmI(signal) {
        return this.#caller.call(this.#probe('me', below(this.#base, '/users/me'), (body) => body), signal);
    }
    accounts(signal) {
        const url = below(this.#idBase, '/api/v2/accounts');
        const read = (body, _, place) => envelopeOf(body, 'accounts', place).records;
        return this.#caller.call(this.#probe('accounts', url, read), signal);
    }
    async close() {
        for (const budget of this.budgets)
            budget.close();
        await this.#auth.close();
        await this.#closeTransport();
    }
    #probe(label, url, read) {
        const budget = this.#budgets.general;
        return { url, stream: null, label, purpose: 'probe', priority: PRIORITY.probe, budget, read };
    }
    #page(stream, asked, body, answer, place) {
        const serverTime = answeredUpTo(answer, answer.sentAt);
        if (stream.rows === null)
            return { records: [body], next: null, totalEntries: null, serverTime };
        const { records, next, totalEntries } = envelopeOf(body, stream.rows, place);
        if (next === null)
            return { records, next, totalEntries, serverTime };
        const link = followable(this.#base, next, asked, stream);
        if (sameRequest(link, asked))
            throw unparsable(place, 'links.next leads back to the page itself');
        return { records, next: link.href, totalEntries, serverTime };
    }
}
function authOf(options, idBase, transport, limitMs) {
    const { credential, tokenStore, userAgent, clock, emit } = options;
    if ('accessToken' in credential) {
        mustFitHeader('access_token', credential.accessToken.reveal());
        return personalToken(credential.accessToken);
    }
    const { tokenFile, ...grant } = credential.oauth;
    const store = tokenStore ?? (tokenFile === null ? memoryTokenStore() : fileTokenStore(tokenFile));
    return new OAuthGrant({ ...grant, store, idBase, userAgent, transport, limitMs, clock, emit });
}
/** A token read from a file often ends with a line break; without this the failure would look like the network's. */
function mustFitHeader(key, value) {
    if (/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(value))
        return;
    throw new PublisherError('config.invalid', `${key} is empty or holds a line break, an outer blank or a letter beyond ASCII`);
}
