// One Harvest account: open the log and take the state on it, work, and after any doubt begin again from what the topics say. No
// host, header, topic setting or process is known here, and several accounts can run side by side.
import { Backoff, type Pace } from '../base/backoff.ts';
import { asPublisherError, isPassing, type PublisherError } from '../base/errors.ts';
import type { Stall, Watchdog } from '../base/watchdog.ts';
import type { BudgetName } from '../streams/definition.ts';
import { accountStatus, type Phase } from './account-status.ts';
import { AccountWatch, watchdogOf } from './account-watch.ts';
import { Claims } from './claims.ts';
import { BUDGETS_ROW } from './committer.ts';
import type { PublisherEvent } from './events.ts';
import { Freshness } from './pace/freshness.ts';
import { Pacemaker } from './pacemaker.ts';
import type { BudgetRow } from './ports.ts';
import type { ScheduleView } from './schedule.ts';
import { Session, type World } from './session.ts';
import { SignalWatch } from './signal-watch.ts';
import type { StreamRuntime } from './state/stream-runtime.ts';
import { createStreams, restoreInto, type StreamPlan, takeState } from './state/stream-runtimes.ts';
import type { AccountStatus } from './status.ts';
import { TokenWait } from './token-wait.ts';

export interface AccountParts extends World {
  readonly streams: readonly StreamPlan[];
}

const OPENING: Phase = { name: 'opening', reason: null, remedy: null };
const RUNNING: Phase = { name: 'running', reason: null, remedy: null };
/** How the log is opened again; only `run --once` ever gives up. */
const REOPEN_PACE: Pace = { baseMs: 200, mostMs: 15_000, patienceMs: 120_000 };

export interface RunScope {
  /** Catch up everything that is due, then end. */
  readonly once?: boolean;
  /** The streams to read; null for all. */
  readonly only?: ReadonlySet<string> | null;
  /**
   * Whether the account waits when its token is refused at its first request, because others go on meanwhile; it ends when
   * this is left out. Later it always waits, but for `once`.
   */
  readonly mayWait?: () => boolean;
}

export class Account {
  readonly #parts: AccountParts;
  readonly #streams: ReadonlyMap<string, StreamRuntime>;
  readonly #startedAt: number;
  readonly #claims: Claims;
  readonly #pacemaker: Pacemaker;
  readonly #freshness = new Freshness();
  readonly #signals: SignalWatch;
  readonly #tokenWait: TokenWait;
  readonly #watch: AccountWatch;
  readonly #watchdog: Watchdog;
  #view: ScheduleView;
  #phase: Phase = OPENING;
  /** The session under way. */
  #session: Session | null = null;
  #openings = 0;

  constructor(parts: AccountParts) {
    const { sink, source, clock } = parts;
    this.#parts = parts;
    this.#startedAt = clock.now();
    this.#streams = createStreams(parts.streams, parts.settings.grain, this.#startedAt);
    this.#claims = new Claims(clock);
    this.#signals = new SignalWatch(sink, clock);
    this.#tokenWait = new TokenWait(parts);
    this.#pacemaker = new Pacemaker(this.#streams, parts.settings, source.budgets, this.#claims, parts.emit);
    this.#view = this.#viewOf({});
    const loops = { claims: this.#claims, signals: this.#signals, tokenWait: this.#tokenWait };
    this.#watch = new AccountWatch({ sink, source, clock, ...loops, view: () => this.#view });
    this.#watchdog = watchdogOf(this.#watch.loops(), clock, parts.emit);
  }

  /**
   * Runs until `signal` aborts, or with `once` until everything that is due has been caught up. Resolves when stopped
   * cleanly; throws the PublisherError that ends the account (unauthorised, fenced, broker contract, bug; with `once`
   * also what kept failing).
   */
  async run(signal: AbortSignal, scope: RunScope = {}): Promise<void> {
    const { sink, source, emit } = this.#parts;
    this.#view = this.#viewOf(scope);
    this.#watchdog.start();
    try {
      const keptFailing = await this.#sessions(signal, scope);
      if (keptFailing !== null) throw keptFailing;
    } catch (thrown) {
      const { code, message: reason, remedy } = asPublisherError(thrown);
      this.#phase = { name: 'stopped', code, reason, remedy };
      emit({ name: 'account.stopped', code, reason, remedy });
      throw asPublisherError(thrown);
    } finally {
      this.#watch.stage = 'over';
      this.#watchdog.stop();
      await Promise.all([sink.close(), source.close()]);
    }
  }

  /** Which loops of the account stand still although they could go on. */
  stalls(): readonly Stall[] {
    return this.#watchdog.look();
  }

  status(): AccountStatus {
    const { settings, source, clock } = this.#parts;
    return accountStatus({
      accountId: String(settings.accountId),
      phase: this.#phaseNow(),
      startedAt: this.#startedAt,
      view: this.#view,
      budgets: source.budgets,
      pageRows: source.pageRows,
      stalls: this.stalls(),
      freshness: this.#freshness.status(clock.now()),
      pollStretch: this.#pacemaker.stretch,
      now: clock.now(),
    });
  }

  /** The budget's lease is nearly spent: see harvest/budget.ts. */
  onLeaseLow(): void {
    this.#session?.storeBudgets();
  }

  /** One session after another, until one ends without a doubt: with what kept failing. */
  async #sessions(signal: AbortSignal, scope: RunScope): Promise<PublisherError | null> {
    const backoff = new Backoff(REOPEN_PACE, this.#parts);
    while (!signal.aborted) {
      try {
        await this.#open(signal);
        return signal.aborted ? null : await this.#work(signal, scope, backoff);
      } catch (thrown) {
        // Told to stop: requests under way end with an abort, as they should.
        if (signal.aborted && isAbort(thrown)) return null;
        const error = asPublisherError(thrown);
        const retryInMs = backoff.failed();
        if (!isPassing(error) || (scope.once && backoff.isSpent)) throw error;
        await this.#waitToReopen(error, backoff, retryInMs, signal);
      }
    }
    return null;
  }

  /** Fences older instances, and takes what the topics say. */
  async #open(signal: AbortSignal): Promise<void> {
    const { sink, source, codec, clock, settings, emit } = this.#parts;
    const openedAt = clock.monotonic();
    if (this.#phase.name !== 'waiting') this.#phase = OPENING;
    this.#watch.stage = 'opening';
    const opened = await sink.open(restoreInto(this.#streams, codec), signal);
    if (signal.aborted) return;
    const news = takeState(this.#streams, opened, settings.grain, clock.now(), this.#claims.given);
    for (const event of news) emit(event);
    const budgets = opened.rows.get(BUDGETS_ROW) as Record<string, BudgetRow> | undefined;
    for (const view of source.budgets) view.restore(budgets?.[view.name] ?? null);
    this.#phase = RUNNING;
    emit({
      name: 'account.opened',
      rows: [...this.#streams.values()].reduce((sum, { row }) => sum + row.rows, 0),
      restoredRows: opened.records,
      restoreMs: Math.round(clock.monotonic() - openedAt),
      streams: this.#streams.size,
      again: this.#openings++ > 0,
    });
  }

  async #work(signal: AbortSignal, scope: RunScope, backoff: Backoff): Promise<PublisherError | null> {
    const { once = false, mayWait = () => false } = scope;
    const parts = {
      ...{ ...this.#parts, view: this.#view, claims: this.#claims, signals: this.#signals },
      ...{ pacemaker: this.#pacemaker, tokenWait: this.#tokenWait, watch: this.#watch },
      emit: (event: PublisherEvent) => this.#tell(event),
      waitsForToken: () => !once && (this.#parts.source.accepted || mayWait()),
      onProgress: () => backoff.progressed(),
    };
    this.#session = new Session(parts, signal);
    try {
      return await this.#session.run();
    } finally {
      this.#session = null;
    }
  }

  /** What is committed tells how fresh it is. */
  #tell(event: PublisherEvent): void {
    const { clock, emit } = this.#parts;
    if (event.name === 'page.committed') this.#freshness.add(event.agesMs, clock.now());
    emit(event);
  }

  async #waitToReopen(
    error: PublisherError,
    { attempt, failingMs }: Backoff,
    retryInMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, emit } = this.#parts;
    const { code, message: reason, remedy } = error;
    this.#phase = { name: 'waiting', code, reason, remedy };
    if (code === 'kafka.doubt') emit({ name: 'commit.doubted', code, reason });
    emit({ name: 'account.waiting', code, reason, remedy, attempt, failingMs: Math.round(failingMs), retryInMs });
    this.#watch.pausedUntil = clock.monotonic() + retryInMs;
    this.#watch.stage = 'pausing';
    await clock.sleep(retryInMs, signal);
  }

  /** An account whose token is refused waits, although its session runs. */
  #phaseNow(): Phase {
    const refusal = this.#tokenWait.reason;
    if (refusal === null || this.#phase !== RUNNING) return this.#phase;
    return { name: 'waiting', code: refusal.code, reason: refusal.message, remedy: refusal.remedy };
  }

  #viewOf({ once = false, only = null }: RunScope): ScheduleView {
    const { settings } = this.#parts;
    const signalFor = (stream: string) => this.#signals.next(stream);
    const paceOf = (runtime: StreamRuntime) => this.#pacemaker.paceOf(runtime);
    const waitMs = (budget: BudgetName, priority: number) => this.#pacemaker.waitMs(budget, priority);
    const isSlacksTurn = (budget: BudgetName) => this.#pacemaker.isSlacksTurn(budget);
    return { streams: this.#streams, settings, once, only, paceOf, waitMs, isSlacksTurn, signalFor };
  }
}

function isAbort(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === 'AbortError';
}
