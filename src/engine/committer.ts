// One transaction after the other: what finished while one commits goes into the next, together. Only here rows and indexes
// move, and only after the sink said that the commit is known (ARCHITECTURE, The way of a record); all but rows in which only
// times move.
import type { Clock } from '../base/clock.ts';
import { assert } from '../base/errors.ts';
import { committedEvent, eventsOf, notificationsOf } from './commit-events.ts';
import type { Emit, PublisherEvent } from './events.ts';
import type { Batch, BudgetRow, BudgetView, DeadLetter, JsonObject, OutMessage, RowId, Sink, Source } from './ports.ts';
import type { Diff } from './state/diff.ts';
import type { IndexedRow } from './state/row-index.ts';
import { isLater, type StreamRow, settledRow } from './state/stream-row.ts';
import type { StreamRuntime } from './state/stream-runtime.ts';
import type { StepResult } from './step.ts';

/** Small pages share a transaction up to here; a page larger than that goes alone. */
const MESSAGES_PER_COMMIT = 4000;
/**
 * How much of a budget may be spent before it must be stored again: what a crash costs at the most, and what its
 * successor has to write down. A share for small budgets, a bound for large ones.
 */
const LEASE = { general: { share: 1 / 4, most: 32 }, reports: { share: 1 / 8, most: 16 } } as const;
/**
 * A poll that found nothing moves only times in its row. Such rows wait for the next commit, so that an account in which nothing
 * happens does not write all the time. A step that ends so long after the last commit stores them all, so that whoever was
 * fenced soon finds out. A crash forgets them: the polls are asked again from where they were.
 */
export const STORED_WITHIN_MS = 15_000;
/** Name of the state row that holds the budgets. */
export const BUDGETS_ROW = 'budgets';
/**
 * Versions of refused records remembered per stream: what a state row takes. When they are full none is forgotten, because
 * whoever reads a list again and again would be told again of all that made room.
 */
const REFUSED_MAX = 10_000;

interface Waiting {
  readonly result: StepResult;
  readonly done: (commitMs: number | null) => void;
  readonly failed: (reason: unknown) => void;
}

export interface CommitterParts {
  readonly accountId: number;
  readonly sink: Sink;
  readonly source: Source;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Hears of every commit that took results along. */
  readonly onProgress: () => void;
  /** Hears of every commit that failed, also when nobody waits for it. */
  readonly onFailure: (reason: unknown) => void;
}

export class Committer {
  readonly #parts: CommitterParts;
  readonly #queue: Waiting[] = [];
  #budgetsAsked = false;
  #finishing = false;
  #committing = false;
  /** Commits begun and ended so far. */
  moves = 0;
  #running: Promise<void> | null = null;
  /** Streams whose rows have moved on by time alone since they were stored. */
  readonly #unstored = new Set<StreamRuntime>();
  /** Monotonic; of the last commit. */
  #storedAt: number;
  #failure: { readonly reason: unknown } | null = null;

  constructor(parts: CommitterParts) {
    this.#parts = parts;
    this.#storedAt = parts.clock.monotonic();
  }

  /**
   * Resolves when the result is committed and applied, with how long the commit took in ms, null when nothing of it had to be
   * stored now; rejects with what the sink threw, after which nothing is taken any more.
   */
  submit(result: StepResult): Promise<number | null> {
    if (this.#failure) return Promise.reject(this.#failure.reason);
    const outcome = new Promise<number | null>((done, failed) => this.#queue.push({ result, done, failed }));
    this.#start();
    return outcome;
  }

  /** The lease of a budget runs out: store the budgets with the next commit, or in one of their own. */
  storeBudgets(): void {
    // The last commit stores them exactly, and no other may run beside it.
    if (this.#finishing) return;
    this.#budgetsAsked = true;
    if (!this.#failure) this.#start();
  }

  /** Says that something waits for a commit, or is in one; null when nothing is. */
  owes(): string | null {
    if (this.#committing) return 'a commit is under way';
    if (this.#failure || (this.#queue.length === 0 && !this.#budgetsAsked)) return null;
    return this.#queue.length > 0
      ? `results wait for a commit: ${this.#queue.length}`
      : 'the budgets wait for a commit';
  }

  /** Resolves when no commit is under way. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  /** Waits for what is under way, then stores the exact budgets and releases the account: a clean stop costs the successor nothing. */
  async finish(): Promise<void> {
    this.#finishing = true;
    await this.idle();
    if (this.#failure) return;
    await this.#commit([], 'exact');
  }

  #start(): void {
    this.#running ??= this.#drain().finally(() => {
      this.#running = null;
      // A result may have been submitted after the last look into the queue.
      if (!this.#failure && (this.#queue.length > 0 || this.#budgetsAsked)) this.#start();
    });
  }

  async #drain(): Promise<void> {
    // A microtask later, steps that finish together are seen together.
    await Promise.resolve();
    while (!this.#failure && (this.#queue.length > 0 || this.#budgetsAsked)) {
      const group = this.#take();
      try {
        const commitMs = await this.#commit(
          group.map((waiting) => waiting.result),
          'lease',
        );
        for (const waiting of group) waiting.done(commitMs);
      } catch (reason) {
        this.#failure = { reason };
        this.#parts.onFailure(reason);
        for (const waiting of [...group, ...this.#queue.splice(0)]) waiting.failed(reason);
      }
    }
  }

  #take(): Waiting[] {
    const group: Waiting[] = [];
    for (let messages = 0; this.#queue.length > 0; ) {
      messages += messagesIn(this.#queue[0]!.result);
      if (group.length > 0 && messages > MESSAGES_PER_COMMIT) break;
      group.push(this.#queue.shift()!);
    }
    return group;
  }

  async #commit(results: readonly StepResult[], budgets: 'lease' | 'exact'): Promise<number | null> {
    const { accountId, sink, source, clock, onProgress } = this.#parts;
    const rows = rowsAfter(results);
    const events = eventsOf(results, rows, accountId);
    const notifications = notificationsOf(events, clock.now());
    const mustStore = budgets === 'exact' || this.#budgetsAsked || notifications.length > 0 || this.#isOverdue();
    this.#budgetsAsked = false;
    if (!mustStore && results.every(saysNothing) && [...rows].every(([{ row }, after]) => isLater(row, after))) {
      for (const runtime of rows.keys()) this.#unstored.add(runtime);
      this.#apply(results, rows, events, null);
      return null;
    }

    for (const runtime of this.#unstored) if (!rows.has(runtime)) rows.set(runtime, runtime.row);
    const budgetRows = this.#budgetRows(budgets);
    const stateRows = new Map<string, JsonObject>(
      [...rows].map(([runtime, row]) => [runtime.definition.name, row as unknown as JsonObject]),
    );
    stateRows.set(BUDGETS_ROW, budgetRows as unknown as JsonObject);
    const diffs = results.flatMap((result) => [...result.diffs.values()]);
    const batch: Batch = {
      messages: joined<OutMessage>(diffs.map(({ messages }) => messages)),
      deadLetters: joined<DeadLetter>(diffs.map(({ deadLetters }) => deadLetters)),
      notifications,
      rows: stateRows,
      signalsDone: results.flatMap((result) => result.signalsDone),
      isLast: budgets === 'exact',
    };
    const startedAt = clock.monotonic();
    this.#committing = true;
    this.moves++;
    try {
      await sink.commit(batch);
    } finally {
      this.#committing = false;
      this.moves++;
    }
    this.#storedAt = clock.monotonic();
    this.#unstored.clear();
    const commitMs = Math.round(this.#storedAt - startedAt);
    if (rows.size > 0) onProgress();

    for (const view of source.budgets) view.stored(budgetRows[view.name]);
    this.#parts.emit({ name: 'transaction.committed', pages: diffs.length, ms: commitMs });
    this.#apply(results, rows, events, commitMs);
    return commitMs;
  }

  /** Rows and indexes move, and it is told. */
  #apply(
    results: readonly StepResult[],
    rows: ReadonlyMap<StreamRuntime, StreamRow>,
    events: readonly PublisherEvent[],
    commitMs: number | null,
  ): void {
    const { emit, clock } = this.#parts;
    for (const [runtime, row] of rows) runtime.row = row;
    for (const { diffs } of results) for (const [runtime, diff] of diffs) apply(runtime, diff.changes);
    for (const { diffs, purpose } of results) {
      for (const [runtime, diff] of diffs) emit(committedEvent(runtime, purpose, diff, commitMs, clock.now()));
    }
    for (const event of events) emit(event);
  }

  #isOverdue(): boolean {
    return this.#parts.clock.monotonic() - this.#storedAt >= STORED_WITHIN_MS;
  }

  #budgetRows(mode: 'lease' | 'exact'): Record<'general' | 'reports', BudgetRow> {
    const rows = this.#parts.source.budgets.map((view) => {
      const lease = mode === 'exact' ? 0 : leaseOf(view);
      return [view.name, view.snapshot(lease)] as const;
    });
    return Object.fromEntries(rows) as Record<'general' | 'reports', BudgetRow>;
  }
}

function leaseOf({ name, requests }: BudgetView): number {
  const { share, most } = LEASE[name];
  return Math.max(1, Math.min(Math.floor(requests * share), most));
}

/** The rows of all streams that move, as they are then. */
function rowsAfter(results: readonly StepResult[]): Map<StreamRuntime, StreamRow> {
  const rows = new Map<StreamRuntime, StreamRow>();
  for (const { moves, diffs } of results) {
    for (const [runtime, move] of moves)
      rows.set(runtime, settledRow(runtime.definition, move(rows.get(runtime) ?? runtime.row)));
    for (const [runtime, diff] of diffs) rows.set(runtime, counted(rows.get(runtime) ?? runtime.row, runtime, diff));
  }
  return rows;
}

/** Nothing that was read is to be written, or carried out. */
function saysNothing({ diffs, signalsDone, failure }: StepResult): boolean {
  const isEmpty = ({ changes, messages, deadLetters }: Diff) =>
    changes.size === 0 && messages.length === 0 && deadLetters.length === 0;
  return signalsDone.length === 0 && failure === null && [...diffs.values()].every(isEmpty);
}

function messagesIn({ diffs }: StepResult): number {
  let count = 0;
  for (const diff of diffs.values()) count += diff.messages.length;
  return count;
}

function apply(runtime: StreamRuntime, changes: ReadonlyMap<RowId, IndexedRow | null>): void {
  for (const [id, row] of changes) {
    if (row === null) runtime.index.delete(id);
    else runtime.index.set(id, row);
  }
  assert(
    runtime.index.size === runtime.row.rows,
    `${runtime.definition.name}: the index has as many rows as the state row says`,
  );
}

/** The row with what the diff adds to its counts: rows on the topic, dead letters, members never seen before. */
function counted(row: StreamRow, runtime: StreamRuntime, diff: Diff): StreamRow {
  let rows = runtime.index.size;
  for (const [id, change] of diff.changes) {
    const known = runtime.index.get(id) !== undefined;
    if (change === null && known) rows--;
    if (change !== null && !known) rows++;
  }
  return {
    ...row,
    rows,
    dead_letters: row.dead_letters + diff.refusals.length,
    refused: refusedAfter(row, diff),
    ...diff.drift.remembered(runtime.row),
  };
}

function refusedAfter({ refused }: StreamRow, { refusals, recovered }: Diff): StreamRow['refused'] {
  if (refusals.length === 0 && recovered.size === 0) return refused;
  const kept = new Map(Object.entries(refused).filter(([id]) => !recovered.has(id)));
  for (const { id, hash } of refusals) if (kept.has(id) || kept.size < REFUSED_MAX) kept.set(id, hash);
  return Object.fromEntries(kept);
}

function joined<T>(lists: ReadonlyArray<readonly T[]>): readonly T[] {
  return lists.length === 1 ? lists[0]! : lists.flat();
}
