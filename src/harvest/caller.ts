// One request until it is answered: waits for the budget and a token, sends, and repeats what is worth repeating.
// Knows nothing of what is asked; client.ts builds the address and reads the answer.
import { setMaxListeners } from 'node:events';
import { Backoff, type Pace } from '../base/backoff.ts';
import type { Clock, Random } from '../base/clock.ts';
import { asPublisherError, type ErrorCode, type PublisherError } from '../base/errors.ts';
import { parsedObject } from '../base/json.ts';
import type { Secret } from '../base/secret.ts';
import type { Emit } from '../engine/events.ts';
import type { JsonObject, Purpose } from '../engine/ports.ts';
import type { BudgetName, StreamDefinition } from '../streams/definition.ts';
import { attempt } from './attempt.ts';
import type { Auth } from './auth.ts';
import type { Budget } from './budget.ts';
import { pauseOf, type RequestPlace, refusal, requestIdOf } from './failures.ts';
import { garbled, looseTextOf, objectOf, textOf } from './pages.ts';
import type { HttpAnswer, HttpRequest, Transport } from './transport.ts';

/** An answer, and when our clock sent the request. */
export interface Answered extends HttpAnswer {
  readonly sentAt: number;
}

/** Failures after which another request may succeed, so that one of them proves little. */
const REFUSALS: readonly ErrorCode[] = ['harvest.forbidden', 'harvest.not_found'];

/** A GET and how to read its answer. `read` throws `harvest.unparsable` when it cannot. */
export interface Call<T> {
  readonly url: URL;
  /** null when it is about the token, not about a stream. */
  readonly stream: StreamDefinition | null;
  /** Stands for the stream in events. */
  readonly label: string;
  readonly purpose: Purpose;
  readonly priority: number;
  readonly budget: Budget;
  /** Nothing is known yet of what former processes have asked: see `Budget.introduce`. */
  readonly isIntroduction?: boolean;
  readonly read: (body: JsonObject, answer: Answered, place: RequestPlace) => T;
  /** The value of a 404 from Harvest itself; left out, it is a failure. */
  readonly absent?: () => T;
}

interface Progress {
  /** Monotonic time at which the request was first made. */
  readonly since: number;
  readonly backoff: Backoff;
  refusals: number;
  /** Answers whose bytes were no UTF-8. */
  garbled: number;
  renewed: boolean;
}

/** Tries of one request before its failure is the engine's, which goes on with longer pauses and says so. */
const TRIES = 4;
/** Full jitter below 250 ms, 1 s, 4 s. */
const PACE: Pace = { baseMs: 250, mostMs: 4_000, factor: 4, tries: TRIES };
/** So often within seconds a refusal has to be given before it counts: a single one may come from a server in trouble. */
const REFUSED_TRIES = 3;
/** Addresses remembered as refused; each costs a few more requests when it is forgotten. */
const REFUSED_MAX = 1_000;

/** Spreads the attempts of single commands, before they ask the budget: a pause that it learns of meanwhile binds them. */
export interface Pacer {
  /** Rejects as `request` does, and with the reason of `signal` when that aborts while it waits. */
  run<T>(budget: BudgetName, signal: AbortSignal, request: () => Promise<T>): Promise<T>;
}

export interface CallerOptions {
  readonly transport: Transport;
  readonly auth: Auth;
  readonly accountId: number | string;
  readonly userAgent: string;
  /** For one attempt as a whole. */
  readonly limitMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: Emit;
  readonly pacer?: Pacer;
}

export class Caller {
  readonly #options: CallerOptions;
  /** Paths whose refusal counts: asked again later, their first word is enough, until they answer. */
  readonly #refused = new Set<string>();
  /** Harvest has taken the token. */
  accepted = false;
  /** Streams whose text was published with bytes replaced, until somebody asks. */
  readonly #replaced = new Set<string>();

  constructor(options: CallerOptions) {
    this.#options = options;
  }

  /** Whether text of what `label` stands for had bytes replaced since this was last asked. */
  takeReplaced(label: string): boolean {
    return this.#replaced.delete(label);
  }

  /** Throws PublisherError `harvest.*`, or the reason of `signal` when that aborts. */
  async call<T>(call: Call<T>, signal: AbortSignal): Promise<T> {
    // All requests of an account wait for one signal: more than the ten listeners that Node takes for a leak.
    setMaxListeners(0, signal);
    const { clock } = this.#options;
    const backoff = new Backoff(PACE, this.#options);
    const progress: Progress = { since: clock.monotonic(), backoff, refusals: 0, garbled: 0, renewed: false };
    for (;;) {
      try {
        const done = await this.#once(call, progress, signal);
        if (done !== null) return done.value;
      } catch (thrown) {
        signal.throwIfAborted();
        const error = asPublisherError(thrown);
        const pauseMs = backoff.failed();
        if (!this.#isWorthRepeating(error, call, progress)) throw error;
        await clock.sleep(pauseMs, signal);
        signal.throwIfAborted();
      }
    }
  }

  #isWorthRepeating<T>(error: PublisherError, { url }: Call<T>, progress: Progress): boolean {
    if (error.kind === 'transient') return !progress.backoff.isSpent;
    if (!REFUSALS.includes(error.code)) return false;
    progress.refusals += 1;
    if (progress.refusals < REFUSED_TRIES && !this.#refused.has(url.pathname)) return true;
    if (this.#refused.size < REFUSED_MAX) this.#refused.add(url.pathname);
    return false;
  }

  /** One attempt; null when the same is to be asked again, which does not count as a failure. */
  async #once<T>(call: Call<T>, progress: Progress, signal: AbortSignal): Promise<{ readonly value: T } | null> {
    const { token, answer, paused } = await this.#send(call, progress.since, signal);
    if (paused) return null;
    const place: RequestPlace = {
      request: { method: 'GET', url: call.url.href },
      stream: call.stream,
      conceal: (text) => text.replaceAll(token.reveal(), '[redacted]'),
    };
    if (answer.status === 200) {
      this.accepted = true;
      const value = call.read(objectOf(await this.#text(answer, call, progress, place), place), answer, place);
      this.#refused.delete(call.url.pathname);
      return { value };
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

  /** The body's text. One that is never whole UTF-8 is taken as it is at last, or its stream would stand still for one character. */
  async #text<T>(answer: HttpAnswer, { label }: Call<T>, progress: Progress, place: RequestPlace): Promise<string> {
    const { text, isGarbled } = await looseTextOf(answer, place);
    if (!isGarbled) return text;
    progress.garbled += 1;
    if (progress.garbled < TRIES) throw garbled(place);
    this.#replaced.add(label);
    return text;
  }

  /** Waits for its turn, then sends. The answer is whole, and its wish for a pause granted, when this returns. */
  async #send<T>(
    call: Call<T>,
    since: number,
    signal: AbortSignal,
  ): Promise<{ readonly token: Secret; readonly answer: Answered; readonly paused: boolean }> {
    const { clock } = this.#options;
    const queuedAt = clock.monotonic();
    const { budget, priority } = call;
    const attempt = async () => {
      // Asked for at the last moment: a request may have waited for longer than a token lives.
      const token = await this.#options.auth.token(signal);
      const sentAt = clock.now();
      const answer = await this.#attempt(call, token, clock.monotonic() - queuedAt, signal);
      // Still inside the attempt: its end lets the next request go, and that must already see the pause.
      return { token, answer: { ...answer, sentAt }, paused: this.#paused(budget, answer) };
    };
    if (call.isIntroduction) return budget.introduce(signal, attempt);
    const turn = () => budget.run({ priority, since }, signal, attempt);
    return this.#options.pacer ? this.#options.pacer.run(budget.name, signal, turn) : turn();
  }

  async #attempt<T>(call: Call<T>, token: Secret, waitedMs: number, signal: AbortSignal): Promise<HttpAnswer> {
    const { transport, limitMs, clock, emit, accountId, userAgent } = this.#options;
    const headers = {
      authorization: `Bearer ${token.reveal()}`,
      'harvest-account-id': String(accountId),
      'user-agent': userAgent,
      accept: 'application/json',
      'accept-encoding': 'gzip',
    };
    const request: HttpRequest = { method: 'GET', url: call.url.href, headers };
    const startedAt = clock.monotonic();
    let answer: HttpAnswer | null = null;
    try {
      answer = await attempt(transport, request, limitMs, clock, signal);
      return answer;
    } finally {
      emit({
        name: 'request.finished',
        stream: call.label,
        purpose: call.purpose,
        budget: call.budget.name,
        status: answer?.status ?? 0,
        ms: Math.round(clock.monotonic() - startedAt),
        bytes: answer?.body.length ?? 0,
        waitedMs,
        requestId: answer && requestIdOf(answer),
      });
    }
  }

  #paused(budget: Budget, answer: HttpAnswer): boolean {
    const ms = pauseOf(answer, this.#options.clock.now());
    if (ms === null) return false;
    budget.pause(ms);
    this.#options.emit({ name: 'budget.paused', budget: budget.name, ms, status: answer.status });
    return true;
  }
}
