// One simulated Harvest: an account, its door-keeping and its faults. `handle` is the whole of HTTP in one call;
// server.ts puts it behind a socket. Knows nothing of any client.
import { systemClock } from '../../src/base/clock.ts';
import type { BudgetName } from '../../src/streams/definition.ts';
import {
  type Answer,
  type Call,
  htmlPage,
  type Outcome,
  type Reply,
  readCall,
  refusalReply,
  type SimulatorRequest,
  write,
} from './answer.ts';
import { defaultOAuth, invalidToken, type OAuthOptions, Tokens } from './auth.ts';
import { type Budget, HARVEST_BUDGETS, MovingWindow, RequestLog } from './budgets.ts';
import type { Grain, Window } from './calendar.ts';
import { consent } from './consent.ts';
import { type DatasetOptions, fill, newCompany } from './dataset/index.ts';
import { type FaultAction, Faults, spoil } from './faults.ts';
import { Account } from './model/account.ts';
import { defaultSettings, type Settings } from './model/settings.ts';
import { notAuthorized, notFound, Refusal } from './refusal.ts';
import type { JsonObject } from './render/json.ts';
import { type Found, findRoute, unknownRoute } from './routes.ts';
import { parentIds, scopes, type TruthScope, truth, windows } from './truth.ts';

export interface SimulatorOptions extends DatasetOptions {
  /** Milliseconds since the epoch; the system's clock when left out. */
  readonly now?: () => number;
  readonly accountId?: number;
  readonly token?: string;
  /** Null switches a budget off. */
  readonly budgets?: { readonly general?: Budget | null; readonly reports?: Budget | null };
  readonly oauth?: Partial<OAuthOptions>;
  readonly settings?: Partial<Settings>;
}

export const DEFAULT_TOKEN = 'simulated-token';
export const DEFAULT_ACCOUNT_ID = 1_234_567;

/** Makes an account and fills it (dataset/index.ts); the same options give the same account. */
export function createSimulator(options: SimulatorOptions = {}): Simulator {
  return new Simulator(options);
}

export class Simulator {
  /** The account itself: change it directly in tests, e.g. `data.time_entries.create({…})`. */
  readonly data: Account;
  readonly settings: Settings;
  readonly faults = new Faults();
  readonly log = new RequestLog();
  readonly tokens: Tokens;
  readonly token: string;
  readonly accountId: number;
  readonly #now: () => number;
  #aheadMs = 0;
  readonly #budgets: Readonly<Record<BudgetName, MovingWindow>>;
  readonly #budgetSeconds: Readonly<Record<BudgetName, number>>;
  readonly #previousTarget = new Map<string, string>();

  constructor(options: SimulatorOptions) {
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
  handle(request: SimulatorRequest): Outcome {
    const call = readCall(request);
    const found = findRoute(call);
    const stream = found?.route.stream ?? null;
    const budget = isIdHost(call) ? null : (found?.route.budget ?? budgetOf(call));
    const actions = this.faults.take(call, stream);
    const outcome = this.#outcome(call, found, budget, actions);
    const status = 'status' in outcome ? outcome.status : 0;
    this.log.add({ at: this.#now(), method: call.method, target: call.target, stream, budget, status });
    this.#previousTarget.set(call.path, call.target);
    for (const action of actions) if (action.kind === 'after') action.run(call);
    return outcome;
  }

  /** Every record of a stream exactly as the API would answer now, unpaged. */
  truth(stream: string, scope: TruthScope = {}): JsonObject[] {
    return truth(this.data, stream, scope);
  }

  /** Ids of the records that a child stream lies below. */
  parentIds(stream: string): number[] {
    return parentIds(this.data, stream);
  }

  /** The calendar windows in which something is tracked, and that of today; weeks begin as the company's do. */
  windows(grain: Grain = 'month'): Window[] {
    return windows(this.data, grain);
  }

  /** All the scopes in which to ask `truth` for the whole of a stream. */
  scopes(stream: string, grain: Grain = 'month'): TruthScope[] {
    return scopes(this.data, stream, grain);
  }

  /** Milliseconds since the epoch, as the account's clock tells. */
  now(): number {
    return this.#now();
  }

  /** Lets time pass for this account alone. */
  advance(ms: number): void {
    this.#aheadMs += ms;
  }

  /** The most requests that arrived in any window of that budget. */
  maxInAnyWindow(budget: BudgetName, options: { readonly admittedOnly?: boolean } = {}): number {
    return this.log.maxInAnyWindow(budget, { seconds: this.#budgetSeconds[budget], ...options });
  }

  #outcome(call: Call, found: Found | null, budget: BudgetName | null, actions: readonly FaultAction[]): Outcome {
    for (const action of actions) {
      if (action.kind === 'before') action.run(call);
      if (action.kind === 'revoke-tokens') this.tokens.revokeAllAccess();
    }
    for (const action of actions) {
      if (action.kind !== 'reset' && action.kind !== 'hang' && action.kind !== 'status') continue;
      // Harvest counts what it never answers as well.
      if (budget) this.#budgets[budget].admit(this.#now());
      return action.kind === 'status' ? this.#write(statusReply(action), call, actions) : { outcome: action.kind };
    }
    const reply = actions.some(({ kind }) => kind === 'repeat-page') ? this.#repeat(call, budget) : null;
    return this.#write(reply ?? this.#reply(call, found, budget), call, actions);
  }

  #reply(call: Call, found: Found | null, budget: BudgetName | null): Reply {
    try {
      if (call.path === AUTHORIZE) return consent(call, this.tokens, this.data);
      if (isIdHost(call)) return call.method === 'POST' ? this.tokens.exchange(call) : this.tokens.accounts(call);
      this.tokens.authenticate(call);
      const wait = budget && this.#budgets[budget].admit(this.#now());
      if (wait !== null) throw this.#throttled(wait);
      if (!found) throw unknownRoute();
      return found.route.run(this.data, call, found.ids);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const reply = refusalReply(error);
      return this.settings.htmlErrors ? { ...reply, body: htmlPage(reply.status, 'Something went wrong') } : reply;
    }
  }

  #throttled(seconds: number): Refusal {
    const headers: Record<string, string> = this.settings.dropRetryAfter ? {} : { 'retry-after': String(seconds) };
    return new Refusal(429, htmlPage(429, 'Too many requests'), headers);
  }

  /** The answer to the request before for this path, given once more. */
  #repeat(call: Call, budget: BudgetName | null): Reply | null {
    const target = this.#previousTarget.get(call.path);
    if (target === undefined) return null;
    const before = readCall({ method: 'GET', url: `${call.origin}${target}`, headers: call.headers });
    return this.#reply(before, findRoute(before), budget);
  }

  #write(reply: Reply, call: Call, actions: readonly FaultAction[]): Answer {
    let dateMs = this.#now() + this.settings.dateOffsetSeconds * 1000;
    let body = reply.body;
    for (const action of actions) {
      if (action.kind === 'date-offset') dateMs += action.seconds * 1000;
      if (action.kind === 'next-link') body = withNextLink(body, call, action.to);
      if (action.kind === 'truncate') body = halved(body);
    }
    const requestId = this.data.dice.hex(32);
    const answer = write({ ...reply, body }, call, dateMs, requestId, this.settings.wholeDecimals);
    if (!actions.some(({ kind }) => kind === 'truncate')) return spoil(answer, actions);
    const headers = { ...answer.headers, 'content-type': 'application/json; charset=utf-8' };
    return spoil({ ...answer, headers }, actions);
  }
}

/** The page on which a person lets an application in; without the API's prefix. */
const AUTHORIZE = '/oauth2/authorize';

/** Harvest ID lives on its own host; here both share one door. */
function isIdHost(call: Call): boolean {
  if (call.path === AUTHORIZE) return true;
  if (call.prefix !== '/api/v2') return false;
  return (
    (call.method === 'POST' && call.path === '/oauth2/token') || (call.method === 'GET' && call.path === '/accounts')
  );
}

const budgetOf = (call: Call): BudgetName => (call.path.startsWith('/reports/') ? 'reports' : 'general');

/** Harvest's words with that status, when the fault does not say otherwise. */
function statusReply({ status, body, headers }: Extract<FaultAction, { kind: 'status' }>): Reply {
  const usual: Readonly<Record<number, () => Refusal>> = { 401: invalidToken, 403: notAuthorized, 404: notFound };
  const own = usual[status]?.();
  const reply = own ? refusalReply(own) : { status, body: htmlPage(status, 'Something went wrong') };
  return { ...reply, ...(body !== undefined && { body }), headers: { ...reply.headers, ...headers } };
}

function withNextLink(
  body: Reply['body'],
  call: Call,
  to: Extract<FaultAction, { kind: 'next-link' }>['to'],
): Reply['body'] {
  if (typeof body === 'string' || typeof body.links !== 'object' || body.links === null) return body;
  const next = to instanceof URL ? to.href : NEXT_LINKS[to](call);
  return { ...body, links: { ...(body.links as JsonObject), next } };
}

const NEXT_LINKS = {
  self: ({ origin, target }: Call) => `${origin}${target}`,
  first: ({ origin, prefix, path }: Call) => `${origin}${prefix}${path}?page=1&ref=first`,
  foreign: ({ target }: Call) => `https://harvest.example.net${target}`,
} as const;

function halved(body: Reply['body']): string {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return text.slice(0, Math.floor(text.length / 2));
}
