// One Harvest account: open the sink and take its state; until told to stop, start what is most due, commit what finished;
// after any doubt begin again from what the topics say. No host, header, topic setting or process is known here, and several
// accounts can run side by side (design section 7).
import { setMaxListeners } from 'node:events';
import { type Clock, isoSeconds, jitteredPause, type Random } from '../base/clock.ts';
import { asPublisherError, isPassing, type PublisherError } from '../base/errors.ts';
import type { BudgetName, StreamDefinition } from '../streams/definition.ts';
import { accountStatus, type Phase } from './account-status.ts';
import { childStep } from './child-step.ts';
import { BUDGETS_ROW, Committer } from './committer.ts';
import type { Emit } from './events.ts';
import { listStep } from './list-step.ts';
import { isReadable, type LiveStream } from './live-stream.ts';
import type { BudgetRow, Codec, Opened, Restored, Sink, Source, TopicRecord } from './ports.ts';
import { reportStep } from './report-step.ts';
import { createRowIndex } from './row-index.ts';
import { schedule, waitsFor } from './schedule.ts';
import type { AccountStatus } from './status.ts';
import type { StepContext, StepResult, StepSettings } from './step.ts';
import { freshRow, parseRow, restartedRow, type StreamRow } from './stream-row.ts';

export interface AccountParts {
  readonly settings: StepSettings;
  readonly streams: ReadonlyArray<{ readonly definition: StreamDefinition; readonly pollIntervalMs: number }>;
  readonly source: Source;
  readonly codec: Codec;
  readonly sink: Sink;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: Emit;
}

/**
 * Steps under way at once, by the budget they wait for: enough to keep it busy while one page is encoded and another
 * commits. Reports wait for minutes; were the places shared, nothing else would be read meanwhile.
 */
const STEPS_AT_ONCE = { general: 6, reports: 3 } as const;
/** Nothing due: look again after this long all the same. */
const IDLE_MAX_MS = 60_000;
const PROBE_INTERVAL_MS = 3_600_000;
const BACKOFF_BASE_MS = 500;
const BACKOFF_MAX_MS = 300_000;
const REOPEN_BASE_MS = 100;
const REOPEN_MAX_MS = 15_000;
/** `run --once` gives up on a stream after so many failed steps, and on the broker after so long. */
const ONCE_ATTEMPTS = 6;
const ONCE_PATIENCE_MS = 120_000;

export class Account {
  readonly #parts: AccountParts;
  readonly #streams: ReadonlyMap<string, LiveStream>;
  readonly #startedAt: number;
  #phase: Phase = { name: 'opening', reason: null, remedy: null };
  #storeBudgets = () => {};

  constructor(parts: AccountParts) {
    this.#parts = parts;
    this.#startedAt = parts.clock.now();
    this.#streams = createStreams(parts, this.#startedAt);
  }

  /**
   * Runs until `signal` aborts, or with `once` until everything that is due has been caught up. Resolves when stopped
   * cleanly; throws the PublisherError that ends the account (unauthorised, fenced, broker contract, bug; with `once`
   * also what kept failing).
   */
  async run(signal: AbortSignal, { once = false } = {}): Promise<void> {
    const { clock, sink, source } = this.#parts;
    let failingSince: number | null = null;
    try {
      for (let attempt = 1; !signal.aborted; attempt++) {
        try {
          await this.#session(signal, once, () => {
            attempt = 0;
            failingSince = null;
          });
          return;
        } catch (thrown) {
          // What was under way when we were told to stop has ended as it should.
          if (signal.aborted && isAbort(thrown)) return;
          const error = asPublisherError(thrown);
          failingSince ??= clock.now();
          const hopeless = once && clock.now() - failingSince > ONCE_PATIENCE_MS;
          if (!isPassing(error) || hopeless) throw error;
          await this.#waitToReopen(error, attempt, signal);
        }
      }
    } catch (thrown) {
      const error = asPublisherError(thrown);
      this.#phase = { name: 'stopped', reason: error.message, remedy: error.remedy };
      this.#parts.emit({ name: 'account.stopped', code: error.code, reason: error.message, remedy: error.remedy });
      throw error;
    } finally {
      await Promise.all([sink.close(), source.close()]);
    }
  }

  status(): AccountStatus {
    const { settings, source, clock } = this.#parts;
    return accountStatus({
      accountId: String(settings.accountId),
      phase: this.#phase,
      startedAt: this.#startedAt,
      view: { streams: this.#streams, settings },
      budgets: source.budgets,
      now: clock.now(),
    });
  }

  /** The budget's lease is nearly spent: see harvest/budget.ts. */
  onLeaseLow(): void {
    this.#storeBudgets();
  }

  /** From fence to doubt (throws), stop or, with `once`, nothing left to do (resolves). */
  async #session(signal: AbortSignal, once: boolean, onOpened: () => void): Promise<void> {
    const { sink, source, clock, emit } = this.#parts;
    const openedAt = clock.monotonic();
    if (this.#phase.name !== 'waiting') this.#phase = { name: 'opening', reason: null, remedy: null };
    const opened = await sink.open(
      { reset: (name) => this.#streams.get(name)?.index.clear(), record: (...args) => this.#restore(...args) },
      signal,
    );
    if (signal.aborted) return;
    this.#takeState(opened);
    onOpened();
    this.#phase = { name: 'running', reason: null, remedy: null };
    emit({
      name: 'account.opened',
      restoredRows: opened.records,
      restoreMs: Math.round(clock.monotonic() - openedAt),
      streams: this.#streams.size,
    });

    // A failure ends the session: what is still being fetched was compared with an index that may no longer be true.
    const ended = new AbortController();
    let failure: PublisherError | null = null;
    const fail = (thrown: unknown) => {
      failure ??= asPublisherError(thrown);
      ended.abort();
    };
    const committer = new Committer({ sink, source, clock, emit, onFailure: fail });
    this.#storeBudgets = () => committer.storeBudgets();
    // No request may start before a lease is stored (harvest/budget.ts).
    committer.storeBudgets();
    try {
      await this.#work(committer, AbortSignal.any([signal, ended.signal]), once, fail);
      if (failure === null) await committer.finish();
    } finally {
      this.#storeBudgets = () => {};
      // Nothing may still be committing when the sink is opened anew or closed.
      await committer.idle();
    }
    if (failure !== null) throw failure;
  }

  /** Starts steps as they fall due until `signal` aborts; with `once`, until nothing is due. Returns when all have ended. */
  async #work(
    committer: Committer,
    signal: AbortSignal,
    once: boolean,
    fail: (thrown: unknown) => void,
  ): Promise<void> {
    const { clock, settings } = this.#parts;
    // Each request under way listens; with children read in parallel there are more than the ten that Node warns at.
    setMaxListeners(0, signal);
    const running = new Map<Promise<void>, BudgetName>();
    const hasPlace = (budget: BudgetName) =>
      [...running.values()].filter((other) => other === budget).length < STEPS_AT_ONCE[budget];
    let wake = new AbortController();
    const rouse = () => wake.abort();
    signal.addEventListener('abort', rouse);

    const start = (live: LiveStream) => {
      live.busy = true;
      const step = this.#step(live, committer, signal)
        .catch(fail)
        .finally(() => {
          live.busy = false;
          live.taken = new Set();
          running.delete(step);
          rouse();
        });
      running.set(step, live.definition.budget);
    };

    while (!signal.aborted) {
      wake = new AbortController();
      const now = clock.now();
      const due = schedule({ streams: this.#streams, settings }, now);
      for (const { live, at } of due) if (at <= now && hasPlace(live.definition.budget)) start(live);
      if (once && running.size === 0) {
        const retrying = this.#retrying();
        if (retrying.length === 0) break;
        if (retrying.every((live) => live.retry!.attempt >= ONCE_ATTEMPTS)) throw retrying[0]!.retry!.error;
      }
      const next = Math.min(...due.filter(({ at }) => at > now).map(({ at }) => at), now + IDLE_MAX_MS);
      await clock.sleep(next - now, wake.signal);
    }
    await Promise.all(running.keys());
    signal.removeEventListener('abort', rouse);
  }

  async #step(live: LiveStream, committer: Committer, signal: AbortSignal): Promise<void> {
    const { source, codec, settings, clock } = this.#parts;
    let result: StepResult;
    try {
      result = await runStep(live, { source, codec, settings, signal, now: clock.now, streams: this.#streams });
    } catch (thrown) {
      if (signal.aborted) return;
      const error = asPublisherError(thrown);
      if (error.kind === 'transient') return this.#retryLater(live, error);
      if (error.kind !== 'blocked') throw error;
      result = this.#refused(live, error);
    }
    if (signal.aborted) return;
    await committer.submit(result);
    live.readAt = clock.now();
    if (result.swept) live.swept = true;
    if (result.failure) this.#retryLater(live, result.failure);
    else live.retry = null;
  }

  /** The stream stands still and says why; it is asked again in an hour (design section 9). */
  #refused(live: LiveStream, error: PublisherError): StepResult {
    const now = this.#parts.clock.now();
    live.probeAt = now + PROBE_INTERVAL_MS;
    live.retry = null;
    const state = error.code === 'harvest.refused' || error.code === 'harvest.foreign_link' ? 'BLOCKED' : 'FORBIDDEN';
    const move = (row: StreamRow): StreamRow => ({
      ...row,
      state,
      reason: error.message,
      remedy: error.remedy,
      since: row.state === state ? row.since : isoSeconds(now),
    });
    return { live, purpose: 'probe', diff: null, moves: new Map([[live, move]]), events: [], swept: false };
  }

  #retryLater(live: LiveStream, error: PublisherError): void {
    const { clock, random, emit } = this.#parts;
    const attempt = (live.retry?.attempt ?? 0) + 1;
    const retryInMs = jitteredPause(attempt, BACKOFF_BASE_MS, BACKOFF_MAX_MS, random());
    live.retry = { error, attempt, since: live.retry?.since ?? clock.now(), at: clock.now() + retryInMs };
    emit({
      name: 'stream.retrying',
      stream: live.definition.name,
      code: error.code,
      reason: error.message,
      attempt,
      retryInMs,
    });
  }

  #retrying(): LiveStream[] {
    return [...this.#streams.values()].filter(
      (live) => live.retry !== null && isReadable(live) && waitsFor(live, this.#streams) === null,
    );
  }

  async #waitToReopen(error: PublisherError, attempt: number, signal: AbortSignal): Promise<void> {
    const { clock, random, emit } = this.#parts;
    const retryInMs = jitteredPause(attempt, REOPEN_BASE_MS, REOPEN_MAX_MS, random());
    this.#phase = { name: 'waiting', reason: error.message, remedy: error.remedy };
    if (error.code === 'kafka.doubt') emit({ name: 'commit.doubted', code: error.code, reason: error.message });
    emit({
      name: 'account.waiting',
      code: error.code,
      reason: error.message,
      remedy: error.remedy,
      attempt,
      retryInMs,
    });
    await clock.sleep(retryInMs, signal);
  }

  /** A record that is on its topic, in log order: the index follows it. Waits only for a schema that is not known yet. */
  #restore(name: string, { key, value, sourceTsMs }: TopicRecord): void | Promise<void> {
    const live = this.#streams.get(name);
    if (!live) return;
    const { codec } = this.#parts;
    if (value === null) return live.index.delete(codec.rowId(live.definition, key));
    const take = ({ id, hash, group, day }: Restored) =>
      live.index.set(id, { hash, group, day, updatedAt: sourceTsMs });
    const restored = codec.restore(live.definition, key, value);
    if (restored instanceof Promise) return restored.then(take);
    take(restored);
  }

  /** The rows as committed; a stream whose topic is not what its row says is read again, suppressed by what is there. */
  #takeState(opened: Opened): void {
    const { clock, settings, source, emit } = this.#parts;
    for (const [name, live] of this.#streams) {
      const stored = opened.rows.get(name);
      live.maxValueBytes = opened.maxValueBytes.get(name) ?? Number.POSITIVE_INFINITY;
      const row = stored ? parseRow(live.definition, stored) : freshRow(live.definition, settings.grain, clock.now());
      const broken = opened.broken.get(name) ?? contradiction(row, live, stored !== undefined);
      live.row = {
        ...(broken === null ? row : restartedRow(row, live.definition, settings.grain)),
        rows: live.index.size,
      };
      if (broken !== null) emit({ name: 'topic.refilled', stream: name, reason: broken });
    }
    const budgets = opened.rows.get(BUDGETS_ROW) as Record<string, BudgetRow> | undefined;
    for (const view of source.budgets) view.restore(budgets?.[view.name] ?? null);
  }
}

/** Does what is next for this stream, by its kind. */
function runStep(live: LiveStream, context: StepContext): Promise<StepResult> {
  const { position } = live.row;
  switch (position.kind) {
    case 'list':
      return listStep(live, position, context);
    case 'child':
      return childStep(live, position, context);
    case 'report':
      return reportStep(live, position, context);
  }
}

/** Why row and topic cannot both be right; null when they agree. */
function contradiction(row: StreamRow, live: LiveStream, isStored: boolean): string | null {
  if (row.rows === live.index.size) return null;
  return isStored
    ? `the topic holds ${live.index.size} rows, the state row says ${row.rows}`
    : `the topic holds ${live.index.size} rows, but no state row speaks of them`;
}

function createStreams({ streams, settings }: AccountParts, now: number): ReadonlyMap<string, LiveStream> {
  const all = new Map<string, LiveStream>();
  // Parents stand before their children in the catalog.
  for (const { definition, pollIntervalMs } of streams) {
    const parent = definition.parent ? (all.get(definition.parent.stream) ?? null) : null;
    const live: LiveStream = {
      definition,
      pollIntervalMs,
      index: createRowIndex(definition.kind !== 'report'),
      children: [],
      parent,
      row: freshRow(definition, settings.grain, now),
      busy: false,
      swept: false,
      retry: null,
      probeAt: 0,
      readAt: 0,
      taken: new Set(),
      lastCommitAt: null,
      maxValueBytes: Number.POSITIVE_INFINITY,
    };
    (parent?.children as LiveStream[] | undefined)?.push(live);
    all.set(definition.name, live);
  }
  return all;
}

function isAbort(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === 'AbortError';
}
