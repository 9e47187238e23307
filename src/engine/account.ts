// One Harvest account: open the sink and take its state; until told to stop, start what is most due, commit what finished;
// after any doubt begin again from what the topics say. No host, header, topic setting or process is known here, and several
// accounts can run side by side.
import { setMaxListeners } from 'node:events';
import { Backoff, type Pace } from '../base/backoff.ts';
import type { Clock, Random } from '../base/clock.ts';
import { asPublisherError, isPassing, type PublisherError } from '../base/errors.ts';
import type { Stall, Watchdog } from '../base/watchdog.ts';
import type { BudgetName } from '../streams/definition.ts';
import { AccountLoops, watchdogOf } from './account-loops.ts';
import { accountStatus, type Phase } from './account-status.ts';
import { BUDGETS_ROW, Committer } from './committer.ts';
import { dependentsOf } from './deletions/removal-step.ts';
import type { Emit } from './events.ts';
import type { BudgetRow, Codec, Opened, Sink, Source } from './ports.ts';
import { isHopeless, retryLater, throttledForLong } from './retry.ts';
import { isMended, isRounded, runStep } from './run-step.ts';
import { type Due, HELD_PROBE_MS, PROBE_MS, type ScheduleView, schedule, type Task, waitsFor } from './schedule.ts';
import { SignalWatch } from './signal-watch.ts';
import { refusedRow } from './state/stream-row.ts';
import { isReadable, type StreamRuntime } from './state/stream-runtime.ts';
import { createStreams, restoreInto, type StreamPlan, takeState } from './state/stream-runtimes.ts';
import type { AccountStatus } from './status.ts';
import { type StepContext, type StepResult, type StepSettings, stepResult, withReplacedText } from './step.ts';
import { withConsequences } from './steps/consequences.ts';
import { withDerived } from './steps/derived.ts';
import { noteRefusals } from './steps/second-look.ts';
import { TokenWait } from './token-wait.ts';

export interface AccountParts {
  readonly settings: StepSettings;
  readonly streams: readonly StreamPlan[];
  readonly source: Source;
  readonly codec: Codec;
  readonly sink: Sink;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: Emit;
}

const RUNNING: Phase = { name: 'running', reason: null, remedy: null };
/** Nothing due: look again after this long all the same. */
const IDLE_MAX_MS = 60_000;
/** What is not urgent begins only while less than this share of a budget's window is used. */
const SLACK_SHARE = 0.5;
/** How the log is opened again; only `run --once` ever gives up. */
const REOPEN_PACE: Pace = { baseMs: 200, mostMs: 15_000, patienceMs: 120_000 };

export interface RunOptions {
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
  #phase: Phase = { name: 'opening', reason: null, remedy: null };
  #storeBudgets = () => {};
  #told: RunOptions = {};
  #openings = 0;
  /** Steps of this process so far. */
  #steps = 0;
  readonly #signals: SignalWatch;
  readonly #tokenWait: TokenWait;
  readonly #loops: AccountLoops;
  readonly #watchdog: Watchdog;

  constructor(parts: AccountParts) {
    this.#parts = parts;
    this.#startedAt = parts.clock.now();
    this.#streams = createStreams(parts.streams, parts.settings.grain, this.#startedAt);
    this.#signals = new SignalWatch(parts.sink, parts.clock, this.#streams);
    this.#tokenWait = new TokenWait(parts);
    const { sink, source, clock } = parts;
    this.#loops = new AccountLoops({ sink, source, clock, signals: this.#signals, view: () => this.#view() });
    this.#watchdog = watchdogOf(this.#loops.all(), clock, parts.emit);
  }

  /**
   * Runs until `signal` aborts, or with `once` until everything that is due has been caught up. Resolves when stopped
   * cleanly; throws the PublisherError that ends the account (unauthorised, fenced, broker contract, bug; with `once`
   * also what kept failing).
   */
  async run(signal: AbortSignal, told: RunOptions = {}): Promise<void> {
    const { sink, source } = this.#parts;
    this.#told = told;
    const backoff = new Backoff(REOPEN_PACE, this.#parts);
    this.#watchdog.start();
    try {
      while (!signal.aborted) {
        let keptFailing: PublisherError | null = null;
        try {
          keptFailing = await this.#session(signal, backoff);
          if (keptFailing === null) return;
        } catch (thrown) {
          // What was under way when we were told to stop has ended as it should.
          if (signal.aborted && isAbort(thrown)) return;
          const error = asPublisherError(thrown);
          const retryInMs = backoff.failed();
          if (!isPassing(error) || (told.once && backoff.isSpent)) throw error;
          await this.#waitToReopen(error, backoff, retryInMs, signal);
        }
        if (keptFailing !== null) throw keptFailing;
      }
    } catch (thrown) {
      const error = asPublisherError(thrown);
      this.#phase = { name: 'stopped', code: error.code, reason: error.message, remedy: error.remedy };
      this.#parts.emit({ name: 'account.stopped', code: error.code, reason: error.message, remedy: error.remedy });
      throw error;
    } finally {
      this.#loops.stage = 'over';
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
      phase: this.#phase,
      startedAt: this.#startedAt,
      view: this.#view(),
      budgets: source.budgets,
      pageRows: source.pageRows,
      stalls: this.stalls(),
      now: clock.now(),
    });
  }

  /** The budget's lease is nearly spent: see harvest/budget.ts. */
  onLeaseLow(): void {
    this.#storeBudgets();
  }

  /** From fence to doubt (throws), stop or, with `once`, nothing left to do: resolves with what kept failing. */
  async #session(signal: AbortSignal, backoff: Backoff): Promise<PublisherError | null> {
    const { sink, source, codec, clock, emit } = this.#parts;
    const openedAt = clock.monotonic();
    if (this.#phase.name !== 'waiting') this.#phase = { name: 'opening', reason: null, remedy: null };
    this.#loops.stage = 'opening';
    const opened = await sink.open(restoreInto(this.#streams, codec), signal);
    if (signal.aborted) return null;
    this.#takeState(opened);
    this.#phase = RUNNING;
    emit({
      name: 'account.opened',
      rows: [...this.#streams.values()].reduce((sum, { row }) => sum + row.rows, 0),
      restoredRows: opened.records,
      restoreMs: Math.round(clock.monotonic() - openedAt),
      streams: this.#streams.size,
      again: this.#openings++ > 0,
    });

    // A failure ends the session: what is still being fetched was compared with an index that may no longer be true.
    const ended = new AbortController();
    let failure: PublisherError | null = null;
    let keptFailing: PublisherError | null = null;
    const fail = (thrown: unknown) => {
      failure ??= asPublisherError(thrown);
      this.#loops.stage = 'ending';
      ended.abort();
    };
    // Only a commit that took work along is progress: opening, or storing the budgets, may go well for ever.
    const onProgress = () => backoff.progressed();
    const { accountId } = this.#parts.settings;
    const committer = new Committer({ accountId, sink, source, clock, emit, onProgress, onFailure: fail });
    this.#loops.stage = 'working';
    this.#loops.committer = committer;
    this.#storeBudgets = () => committer.storeBudgets();
    // No request may start before a lease is stored (harvest/budget.ts).
    committer.storeBudgets();
    try {
      keptFailing = await this.#work(committer, AbortSignal.any([signal, ended.signal]), fail);
      if (failure === null) await committer.finish();
    } finally {
      this.#storeBudgets = () => {};
      // Nothing may still be committing when the sink is opened anew or closed.
      await committer.idle();
    }
    if (failure !== null) throw failure;
    return keptFailing;
  }

  /**
   * Starts steps as they fall due until `signal` aborts; with `once`, until nothing is due. Resolves when all have ended, with
   * what kept failing.
   */
  async #work(
    committer: Committer,
    signal: AbortSignal,
    fail: (thrown: unknown) => void,
  ): Promise<PublisherError | null> {
    const { clock, source } = this.#parts;
    const givingUp = new AbortController();
    const working = AbortSignal.any([signal, givingUp.signal]);
    // Each request under way listens; with children read in parallel there are more than the ten that Node warns at.
    setMaxListeners(0, working);
    const { running } = this.#loops;
    let keptFailing: PublisherError | null = null;
    let wake = new AbortController();
    // A reason of our own: making an error each time costs more than a look at the schedule.
    const rouse = () => wake.abort('roused');
    signal.addEventListener('abort', rouse);

    const start = ({ runtime, task, keepsPace }: Due) => {
      // What is deleted together must stand still together.
      const locked = task.kind === 'removal' ? [runtime, ...dependentsOf(runtime, this.#streams)] : [runtime];
      // A step that was started just now may have taken one of them.
      if (locked.some(({ busy }) => busy)) return;
      for (const each of locked) each.busy = true;
      const step = this.#step(runtime, task, committer, working)
        .catch(fail)
        .finally(() => {
          for (const each of locked) each.busy = false;
          runtime.taken = new Set();
          runtime.takenWindows = new Set();
          runtime.waitingSince = clock.now();
          if (keepsPace) runtime.steppedAt = clock.now();
          this.#loops.ended(step);
          rouse();
        });
      this.#loops.started(step, runtime.definition.budget);
    };

    const watching = this.#signals.begin(signal, rouse, fail);
    await watching.looked;
    while (!signal.aborted) {
      if (this.#tokenWait.reason !== null) {
        await this.#waitForToken(this.#tokenWait.reason, signal, fail);
        continue;
      }
      wake = new AbortController();
      const now = clock.now();
      const due = schedule(this.#view(), now);
      const ready = due.filter(({ at }) => at <= now);
      keptFailing = this.#told.once ? throttledForLong(source.budgets) : null;
      if (keptFailing !== null) break;
      if (this.#told.once && running.size === 0 && ready.every(({ runtime }) => isHopeless(runtime))) {
        const retrying = this.#retrying();
        if (retrying.every(isHopeless)) {
          keptFailing = retrying[0]?.retry?.error ?? null;
          break;
        }
      }
      for (const each of ready) {
        if (this.#loops.hasPlace(each.runtime.definition.budget)) start(each);
      }
      const next = Math.min(...due.filter(({ at }) => at > now).map(({ at }) => at), now + IDLE_MAX_MS);
      await clock.sleep(next - now, wake.signal);
    }
    this.#loops.stage = 'ending';
    givingUp.abort();
    await Promise.all(running.keys());
    await watching.stop();
    signal.removeEventListener('abort', rouse);
    return keptFailing;
  }

  /** Nothing begins until Harvest takes the token again; commits and leases go on meanwhile. */
  async #waitForToken(
    { code, message: reason, remedy }: PublisherError,
    signal: AbortSignal,
    fail: (thrown: unknown) => void,
  ) {
    this.#phase = { name: 'waiting', code, reason, remedy };
    this.#loops.stage = 'refused';
    await this.#tokenWait.over(signal).catch(fail);
    if (signal.aborted) return;
    this.#phase = RUNNING;
    this.#loops.stage = 'working';
  }

  /** Whether a token that is refused is waited for. */
  #waitsForToken(): boolean {
    const { once = false, mayWait = () => false } = this.#told;
    return !once && (this.#parts.source.accepted || mayWait());
  }

  #view(): ScheduleView {
    const { settings, source } = this.#parts;
    const hasSlack = (name: BudgetName) => {
      const budget = source.budgets.find((each) => each.name === name)!;
      return budget.used() + budget.waiting() < budget.requests * SLACK_SHARE;
    };
    const { once = false, only = null } = this.#told;
    return { streams: this.#streams, settings, once, only, hasSlack };
  }

  async #step(runtime: StreamRuntime, task: Task, committer: Committer, signal: AbortSignal): Promise<void> {
    const { source, codec, settings, clock } = this.#parts;
    this.#steps++;
    const number = this.#steps;
    let result: StepResult;
    try {
      const context: StepContext = {
        ...{ source, codec, settings, signal, number, now: clock.now, streams: this.#streams },
        once: this.#told.once ?? false,
      };
      const step = withDerived(await runStep(runtime, task, context), context);
      result = withReplacedText(withConsequences(step, context), context);
    } catch (thrown) {
      if (signal.aborted) return;
      const error = asPublisherError(thrown);
      if (error.kind === 'transient') return retryLater(runtime, task.kind, error, this.#parts);
      if (error.code === 'harvest.unauthorised' && this.#waitsForToken()) return this.#tokenWait.begin(error);
      if (error.kind !== 'blocked') throw error;
      result = this.#refused(runtime, error);
    }
    if (signal.aborted) return;
    await committer.submit(result);
    for (const [stream, diff] of result.diffs) noteRefusals(stream, diff, clock.now());
    if (isRounded(task, runtime)) runtime.reconciled = true;
    if (task.kind === 'confirm' && runtime.row.hold?.kind === 'refused') runtime.probeAt = clock.now() + HELD_PROBE_MS;
    if (result.scanned) {
      runtime.scanned = true;
      runtime.scannedFrom = runtime.scanBegan;
    }
    // A scan that begins from now on sees what was moved away before it was deleted.
    if (result.deletes) runtime.confirmedSince = this.#steps;
    this.#signals.carriedOut(runtime, result.signalsDone);
    if (result.failure) retryLater(runtime, task.kind, result.failure, this.#parts, true);
    else if (runtime.retry !== null && isMended(runtime.retry, task, result, runtime)) runtime.retry = null;
  }

  /** The stream stands still and says why; it is asked again in a few minutes. */
  #refused(runtime: StreamRuntime, error: PublisherError): StepResult {
    const now = this.#parts.clock.now();
    runtime.probeAt = now + PROBE_MS[runtime.definition.budget];
    runtime.retry = null;
    const state = error.code === 'harvest.refused' || error.code === 'harvest.foreign_link' ? 'BLOCKED' : 'FORBIDDEN';
    return stepResult(runtime, 'probe', { moves: [[runtime, (row) => refusedRow(row, state, error, now)]] });
  }

  #retrying(): StreamRuntime[] {
    return [...this.#streams.values()].filter(
      (runtime) => runtime.retry !== null && isReadable(runtime) && waitsFor(runtime, this.#streams) === null,
    );
  }

  async #waitToReopen(
    error: PublisherError,
    { attempt, failingMs }: Backoff,
    retryInMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, emit } = this.#parts;
    this.#phase = { name: 'waiting', code: error.code, reason: error.message, remedy: error.remedy };
    if (error.code === 'kafka.doubt') emit({ name: 'commit.doubted', code: error.code, reason: error.message });
    emit({
      name: 'account.waiting',
      code: error.code,
      reason: error.message,
      remedy: error.remedy,
      attempt,
      failingMs: Math.round(failingMs),
      retryInMs,
    });
    this.#loops.pausedUntil = clock.monotonic() + retryInMs;
    this.#loops.stage = 'pausing';
    await clock.sleep(retryInMs, signal);
  }

  #takeState(opened: Opened): void {
    const { clock, settings, source, emit } = this.#parts;
    for (const event of takeState(this.#streams, opened, settings.grain, clock.now(), this.#steps)) emit(event);
    const budgets = opened.rows.get(BUDGETS_ROW) as Record<string, BudgetRow> | undefined;
    for (const view of source.budgets) view.restore(budgets?.[view.name] ?? null);
  }
}

function isAbort(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === 'AbortError';
}
