// A session: from the opened log to a doubt, a stop or, with `once`, the end of what is due. What falls due gets a claim, the
// claim is a step, the step's result is committed, and then it is remembered.
import { setMaxListeners } from 'node:events';
import type { Clock, Random } from '../base/clock.ts';
import { asPublisherError, type PublisherError } from '../base/errors.ts';
import type { AccountWatch } from './account-watch.ts';
import type { Claims } from './claims.ts';
import { comparedEvent } from './commit-events.ts';
import { Committer } from './committer.ts';
import type { Emit } from './events.ts';
import type { Pacemaker } from './pacemaker.ts';
import type { Codec, Sink, Source } from './ports.ts';
import { isHopeless, retryAfter, throttledForLong } from './retry.ts';
import { memoryAfter, refusedStep, runStep } from './run-step.ts';
import { type Due, type ScheduleView, schedule, waitsFor } from './schedule.ts';
import type { SignalWatch } from './signal-watch.ts';
import { type Claim, isReadable } from './state/stream-runtime.ts';
import type { StepContext, StepResult, StepSettings } from './step.ts';
import type { TokenWait } from './token-wait.ts';

/** Nothing due: look again after this long all the same. */
const IDLE_MAX_MS = 60_000;

/** The world of an account. */
export interface World {
  readonly settings: StepSettings;
  readonly source: Source;
  readonly codec: Codec;
  readonly sink: Sink;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: Emit;
}

/** The parts that last longer than a session. */
export interface SessionParts extends World {
  readonly view: ScheduleView;
  readonly claims: Claims;
  readonly pacemaker: Pacemaker;
  readonly signals: SignalWatch;
  readonly tokenWait: TokenWait;
  readonly watch: AccountWatch;
  /** Whether a token that is refused is waited for. */
  readonly waitsForToken: () => boolean;
  /** Hears of every commit that took work along: opening, or storing the budgets, may go well for ever. */
  readonly onProgress: () => void;
}

export class Session {
  readonly #parts: SessionParts;
  readonly #committer: Committer;
  readonly #over = new AbortController();
  /** Told to stop, failed, or done: what is still being fetched is given up. */
  readonly #until: AbortSignal;
  readonly #context: StepContext;
  readonly #steps = new Set<Promise<void>>();
  #failure: PublisherError | null = null;
  /** The failure that `once` gave up on. */
  #keptFailing: PublisherError | null = null;
  #wake = new AbortController();

  constructor(parts: SessionParts, signal: AbortSignal) {
    const { settings, source, codec, clock, view, claims } = parts;
    this.#parts = parts;
    this.#until = AbortSignal.any([signal, this.#over.signal]);
    // Each request under way listens; with children read in parallel there are more than the ten that Node warns at.
    setMaxListeners(0, this.#until);
    this.#context = {
      ...{ settings, source, codec, signal: this.#until, now: clock.now, stepsBegun: () => claims.given },
      ...{ streams: view.streams, once: view.once, paceOf: view.paceOf },
    };
    const onFailure = (reason: unknown) => this.#fail(reason);
    this.#committer = new Committer({ ...parts, accountId: settings.accountId, onFailure });
    parts.watch.committer = this.#committer;
    parts.watch.stage = 'working';
  }

  /** A budget's lease is nearly spent: see harvest/budget.ts. */
  storeBudgets(): void {
    if (this.#failure === null) this.#committer.storeBudgets();
  }

  /** Resolves when told to stop or, with `once`, when nothing is left to do: with what kept failing. Throws what ended it. */
  async run(): Promise<PublisherError | null> {
    // No request may start before a lease is stored (harvest/budget.ts).
    this.#committer.storeBudgets();
    try {
      await this.#work();
      if (this.#failure === null) await this.#committer.finish();
    } finally {
      // Nothing may still be committing when the sink is opened anew or closed.
      await this.#committer.idle();
    }
    if (this.#failure !== null) throw this.#failure;
    return this.#keptFailing;
  }

  async #work(): Promise<void> {
    const { clock, view, signals, pacemaker } = this.#parts;
    const rouse = () => this.#rouse();
    this.#until.addEventListener('abort', rouse);
    const watching = signals.begin(this.#until, rouse, (thrown) => this.#fail(thrown));
    await watching.looked;
    while (await this.#mayGoOn()) {
      this.#wake = new AbortController();
      const now = clock.now();
      pacemaker.look(now, view.once);
      const due = schedule(view, now);
      if (view.once && this.#isCaughtUp(due, now)) break;
      if (this.#beginAll(due.filter(({ at }) => at <= now))) continue;
      const next = Math.min(...due.filter(({ at }) => at > now).map(({ at }) => at), now + IDLE_MAX_MS);
      await clock.sleep(next - now, this.#wake.signal);
    }
    this.#end();
    await Promise.all([...this.#steps, watching.ended]);
    // Budgets are stored when no request is under way any more.
    await Promise.allSettled([...view.streams.values()].map(({ ahead }) => ahead?.page));
  }

  /** Nothing begins until Harvest takes the token again; commits and leases go on meanwhile. */
  async #mayGoOn(): Promise<boolean> {
    await this.#parts.tokenWait.over(this.#until).catch((thrown) => this.#fail(thrown));
    return !this.#until.aborted;
  }

  /** Whether all that is due has been read, or nothing else is to be waited for. */
  #isCaughtUp(due: readonly Due[], now: number): boolean {
    const { source, claims, view } = this.#parts;
    this.#keptFailing = throttledForLong(source.budgets);
    if (this.#keptFailing !== null) return true;
    const isLeft = due.some(({ at, runtime }) => at <= now && !isHopeless(runtime.memory));
    if (claims.out > 0 || isLeft) return false;
    const retrying = [...view.streams.values()].filter(
      (runtime) => runtime.memory.retry !== null && isReadable(runtime) && waitsFor(runtime, view.streams) === null,
    );
    if (!retrying.every(({ memory }) => isHopeless(memory))) return false;
    this.#keptFailing = retrying[0]?.memory.retry?.error ?? null;
    return true;
  }

  /**
   * Begins what is due; true when the schedule is to be asked again at once: all reports saw the same room in their budget, and one
   * that has begun takes of it.
   */
  #beginAll(due: readonly Due[]): boolean {
    const { view } = this.#parts;
    let hasTakenRoom = false;
    let isLeft = false;
    for (const each of due) {
      const takesRoom = each.runtime.definition.budget === 'reports' && !view.once;
      if (takesRoom && hasTakenRoom) isLeft = true;
      else if (this.#begin(each) && takesRoom) hasTakenRoom = true;
    }
    return isLeft;
  }

  /** Begins a step, if nothing that it takes is taken; whether it did. */
  #begin(due: Due): boolean {
    const { claims, pacemaker } = this.#parts;
    const claim = claims.give(due);
    if (claim === null) return false;
    pacemaker.began(due.runtime.definition.budget, due.priority);
    const step = this.#step(claim)
      .catch((thrown) => this.#fail(thrown))
      .finally(() => {
        this.#steps.delete(step);
        claims.giveBack(claim);
        this.#rouse();
      });
    this.#steps.add(step);
    return true;
  }

  async #step(claim: Claim): Promise<void> {
    const { emit } = this.#parts;
    const stream = claim.runtime.definition.name;
    let commitMs: number | null = null;
    emit({ name: 'step.begun', stream, task: claim.task.kind });
    try {
      const result = await this.#resultOf(claim);
      if (result === null || this.#until.aborted) return;
      emit(comparedEvent(result));
      commitMs = await this.#committer.submit(result);
      this.#remember(claim, result);
    } finally {
      emit({ name: 'step.ended', stream, commitMs });
    }
  }

  /** What is to be committed; null when the stream tries again later. */
  async #resultOf(claim: Claim): Promise<StepResult | null> {
    const { runtime } = claim;
    const { clock, tokenWait, waitsForToken } = this.#parts;
    try {
      return await runStep(claim, this.#context);
    } catch (thrown) {
      if (this.#until.aborted) return null;
      const error = asPublisherError(thrown);
      if (error.kind === 'transient') this.#retryLater(claim, error, runtime.memory.retry?.ofWalk ?? false);
      else if (error.code === 'harvest.unauthorised' && waitsForToken()) tokenWait.begin(error);
      else if (error.kind === 'blocked') return refusedStep(runtime, error, clock.now());
      else throw error;
      return null;
    }
  }

  /** The result is committed. */
  #remember(claim: Claim, result: StepResult): void {
    const { clock, signals } = this.#parts;
    const now = clock.now();
    claim.runtime.memory = memoryAfter(claim, result);
    for (const [runtime, diff] of result.diffs) {
      const changedAt = Math.max(runtime.memory.changedAt, diff.newest(now));
      runtime.memory = { ...runtime.memory, lastCommitAt: now, changedAt };
    }
    signals.carriedOut(result.signalsDone);
    if (result.failure !== null) this.#retryLater(claim, result.failure, true);
  }

  /** `ofWalk` when the walk itself goes wrong, not a request of it. */
  #retryLater({ runtime, task: { kind } }: Claim, error: PublisherError, ofWalk: boolean): void {
    const { clock, random, emit } = this.#parts;
    const now = clock.now();
    const monotonic = clock.monotonic();
    const retry = retryAfter(runtime.memory.retry, { error, kind, ofWalk }, now, monotonic, random());
    runtime.memory = { ...runtime.memory, retry };
    emit({
      name: 'stream.retrying',
      stream: runtime.definition.name,
      ...{ code: error.code, reason: error.message, attempt: retry.attempt },
      ...{ failingMs: Math.round(monotonic - retry.began), retryInMs: retry.at - now },
    });
  }

  #rouse(): void {
    // A reason of our own: making an error each time costs more than a look at the schedule.
    this.#wake.abort('roused');
  }

  #fail(thrown: unknown): void {
    this.#failure ??= asPublisherError(thrown);
    this.#end();
  }

  #end(): void {
    this.#parts.watch.stage = 'ending';
    this.#over.abort();
  }
}
