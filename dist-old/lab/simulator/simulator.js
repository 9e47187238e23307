// One simulated Harvest: an account, its door-keeping and its faults. `handle` is the whole of HTTP in one call;
// server.ts puts it behind a socket. Knows nothing of any client.
import { systemClock } from '../../base/clock.js';
import { htmlPage, readCall, refusalReply, write, } from './answer.js';
import { defaultOAuth, invalidToken, Tokens } from './auth.js';
import { HARVEST_BUDGETS, MovingWindow, RequestLog } from './budgets.js';
import { fill, newCompany } from './dataset/index.js';
import { Faults, spoil } from './faults.js';
import { Account } from './model/account.js';
import { defaultSettings } from './model/settings.js';
import { notAuthorized, notFound, Refusal } from './refusal.js';
import { findRoute, unknownRoute } from './routes.js';
import { parentIds, scopes, truth, windows } from './truth.js';
export const DEFAULT_TOKEN = 'simulated-token';
export const DEFAULT_ACCOUNT_ID = 1_234_567;
/** Makes an account and fills it (dataset/index.ts); the same options give the same account. */
export function createSimulator(options = {}) {
    return new Simulator(options);
}
export class Simulator {
    /** The account itself: change it directly in tests, e.g. `data.time_entries.create({…})`. */
    data;
    settings;
    faults = new Faults();
    log = new RequestLog();
    tokens;
    token;
    accountId;
    #now;
    #aheadMs = 0;
    #budgets;
    #budgetSeconds;
    #previousTarget = new Map();
    constructor(options) {
        const now = options.now ?? systemClock.now;
        this.#now = () => now() + this.#aheadMs;
        this.token = options.token ?? DEFAULT_TOKEN;
        this.accountId = options.accountId ?? DEFAULT_ACCOUNT_ID;
        this.settings = { ...defaultSettings(), ...options.settings };
        this.data = new Account({
            id: this.accountId,
            company: newCompany(),
            settings: this.settings,
            seed: options.seed ?? 1,
            now: this.#now,
        });
        fill(this.data, options);
        this.tokens = new Tokens(this.data, this.token, { ...defaultOAuth, ...options.oauth });
        const { general = HARVEST_BUDGETS.general, reports = HARVEST_BUDGETS.reports } = options.budgets ?? {};
        this.#budgets = { general: new MovingWindow(general), reports: new MovingWindow(reports) };
        this.#budgetSeconds = {
            general: (general ?? HARVEST_BUDGETS.general).seconds,
            reports: (reports ?? HARVEST_BUDGETS.reports).seconds,
        };
    }
    /** Answers a request, in process and at once. Waits and broken connections are told in the outcome. */
    handle(request) {
        const call = readCall(request);
        const found = findRoute(call);
        const stream = found?.route.stream ?? null;
        const budget = isIdHost(call) ? null : (found?.route.budget ?? budgetOf(call));
        const actions = this.faults.take(call, stream);
        const outcome = this.#outcome(call, found, budget, actions);
        const status = 'status' in outcome ? outcome.status : 0;
        this.log.add({ at: this.#now(), method: call.method, target: call.target, stream, budget, status });
        this.#previousTarget.set(call.path, call.target);
        for (const action of actions)
            if (action.kind === 'after')
                action.run(call);
        return outcome;
    }
    /** Every record of a stream exactly as the API would answer now, unpaged. */
    truth(stream, scope = {}) {
        return truth(this.data, stream, scope);
    }
    /** Ids of the records that a child stream lies below. */
    parentIds(stream) {
        return parentIds(this.data, stream);
    }
    /** The calendar windows that reports cover; weeks begin as the company's do. */
    windows(grain = 'month') {
        return windows(this.data, grain);
    }
    /** All the scopes in which to ask `truth` for the whole of a stream. */
    scopes(stream, grain = 'month') {
        return scopes(this.data, stream, grain);
    }
    /** Lets time pass for this account alone. */
    advance(ms) {
        this.#aheadMs += ms;
    }
    /** The most requests that arrived in any window of that budget. */
    maxInAnyWindow(budget, options = {}) {
        return this.log.maxInAnyWindow(budget, { seconds: this.#budgetSeconds[budget], ...options });
    }
    #outcome(call, found, budget, actions) {
        for (const action of actions) {
            if (action.kind === 'before')
                action.run(call);
            if (action.kind === 'revoke-tokens')
                this.tokens.revokeAllAccess();
        }
        for (const action of actions) {
            if (action.kind !== 'reset' && action.kind !== 'hang' && action.kind !== 'status')
                continue;
            // Harvest counts what it never answers as well.
            if (budget)
                this.#budgets[budget].admit(this.#now());
            return action.kind === 'status' ? this.#write(statusReply(action), call, actions) : { outcome: action.kind };
        }
        const reply = actions.some(({ kind }) => kind === 'repeat-page') ? this.#repeat(call, budget) : null;
        return this.#write(reply ?? this.#reply(call, found, budget), call, actions);
    }
    #reply(call, found, budget) {
        try {
            if (isIdHost(call))
                return call.method === 'POST' ? this.tokens.exchange(call) : this.tokens.accounts(call);
            this.tokens.authenticate(call);
            const wait = budget && this.#budgets[budget].admit(this.#now());
            if (wait !== null)
                throw this.#throttled(wait);
            if (!found)
                throw unknownRoute();
            return found.route.run(this.data, call, found.ids);
        }
        catch (error) {
            if (!(error instanceof Refusal))
                throw error;
            const reply = refusalReply(error);
            return this.settings.htmlErrors ? { ...reply, body: htmlPage(reply.status, 'Something went wrong') } : reply;
        }
    }
    #throttled(seconds) {
        const headers = this.settings.dropRetryAfter ? {} : { 'retry-after': String(seconds) };
        return new Refusal(429, htmlPage(429, 'Too many requests'), headers);
    }
    /** What was asked for this path before, answered once more. */
    #repeat(call, budget) {
        const target = this.#previousTarget.get(call.path);
        if (target === undefined)
            return null;
        const before = readCall({ method: 'GET', url: `${call.origin}${target}`, headers: call.headers });
        return this.#reply(before, findRoute(before), budget);
    }
    #write(reply, call, actions) {
        let dateMs = this.#now() + this.settings.dateOffsetSeconds * 1000;
        let body = reply.body;
        for (const action of actions) {
            if (action.kind === 'date-offset')
                dateMs += action.seconds * 1000;
            if (action.kind === 'next-link')
                body = withNextLink(body, call, action.to);
            if (action.kind === 'truncate')
                body = halved(body);
        }
        const requestId = this.data.dice.hex(32);
        const answer = write({ ...reply, body }, call, dateMs, requestId, this.settings.wholeDecimals);
        if (!actions.some(({ kind }) => kind === 'truncate'))
            return spoil(answer, actions);
        const headers = { ...answer.headers, 'content-type': 'application/json; charset=utf-8' };
        return spoil({ ...answer, headers }, actions);
    }
}
/** Harvest ID lives on its own host; here both share one door. */
function isIdHost(call) {
    if (call.prefix !== '/api/v2')
        return false;
    return ((call.method === 'POST' && call.path === '/oauth2/token') || (call.method === 'GET' && call.path === '/accounts'));
}
const budgetOf = (call) => (call.path.startsWith('/reports/') ? 'reports' : 'general');
/** What Harvest says with that status, when the fault does not say otherwise. */
function statusReply({ status, body, headers }) {
    const usual = { 401: invalidToken, 403: notAuthorized, 404: notFound };
    const own = usual[status]?.();
    const reply = own ? refusalReply(own) : { status, body: htmlPage(status, 'Something went wrong') };
    return { ...reply, ...(body !== undefined && { body }), headers: { ...reply.headers, ...headers } };
}
function withNextLink(body, call, to) {
    if (typeof body === 'string' || typeof body.links !== 'object' || body.links === null)
        return body;
    const next = to instanceof URL ? to.href : NEXT_LINKS[to](call);
    return { ...body, links: { ...body.links, next } };
}
const NEXT_LINKS = {
    self: ({ origin, target }) => `${origin}${target}`,
    first: ({ origin, prefix, path }) => `${origin}${prefix}${path}?page=1&ref=first`,
    foreign: ({ target }) => `https://harvest.example.net${target}`,
};
function halved(body) {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return text.slice(0, Math.floor(text.length / 2));
}
