// The beat of one account: looks at what has changed and sets how often each stream is read, and how the budgets are divided
// among what wants them (docs/operating/freshness.md).
import type { BudgetName } from '../streams/definition.ts';
import type { Claims } from './claims.ts';
import type { Emit } from './events.ts';
import { type Allotment, currentReadings, generalAllotment, reportsAllotment, UNDIVIDED } from './pace/allotment.ts';
import { CountTurns } from './pace/count-turns.ts';
import { type Pacing, pacing } from './pace/polling.ts';
import { type BudgetView, PRIORITY } from './ports.ts';
import { isLongReading, isRunning } from './state/stream-row.ts';
import type { StreamRuntime } from './state/stream-runtime.ts';
import type { StepSettings, StreamPace } from './step.ts';

/** What fills gaps begins while less than this share is used of what polls leave. */
const SLACK_SHARE = 0.5;
/** A budget without slack is looked at again after this long. */
const SLACK_PAUSE_MS = 2_000;
/**
 * After so many steps without it, one that waits for slack begins whether there is any or not: answers so slow that requests
 * always wait for a place leave none, nor does a budget that is smaller than what the polls need.
 */
const STEPS_WITHOUT_SLACK = 20;
/**
 * A window of a report is asked for again before rows that left it are removed: a step that waits for that holds up its report. Of a
 * budget that holds few it is half at the most, for that much of it may stay unused.
 */
const REQUESTS_A_WINDOW = 2;
/** Stretched polls are said when they begin and when they have fitted again: by so much less, or it would be said all the time. */
const FITS_AGAIN = 0.9;

export class Pacemaker {
  readonly #streams: ReadonlyMap<string, StreamRuntime>;
  readonly #settings: StepSettings;
  readonly #budgets: Readonly<Record<BudgetName, BudgetView>>;
  readonly #claims: Pick<Claims, 'outOf'>;
  readonly #emit: Emit;
  #now: Pacing = { paces: new Map(), asked: 0, room: 1, stretch: 1, requests: 0, lives: false };
  #allotments: Readonly<Record<BudgetName, Allotment>> = { general: UNDIVIDED, reports: UNDIVIDED };
  #isStretched = false;
  readonly #turns = new CountTurns();
  /** Steps that each budget has begun since the last one that waits for slack. */
  readonly #steps: Record<BudgetName, number> = { general: 0, reports: 0 };

  constructor(
    streams: ReadonlyMap<string, StreamRuntime>,
    settings: StepSettings,
    budgets: readonly BudgetView[],
    claims: Pick<Claims, 'outOf'>,
    emit: Emit,
  ) {
    this.#streams = streams;
    this.#settings = settings;
    const budget = (name: BudgetName) => budgets.find((each) => each.name === name)!;
    this.#budgets = { general: budget('general'), reports: budget('reports') };
    this.#claims = claims;
    this.#emit = emit;
  }

  /** Sets paces and allotments for now. With `once` nothing is divided: all that is due is caught up as fast as it may. */
  look(now: number, once: boolean): void {
    const { polling } = this.#settings;
    const { general, reports } = this.#budgets;
    const streams = [...this.#streams.values()].map(({ definition, intervals, row, memory }) => ({
      ...{ definition, intervals, changedAt: memory.changedAt },
      isPolled: row.complete && isRunning(row),
    }));
    this.#now = pacing(streams, polling, general, now);
    this.#turns.look(this.#countedLists(), now);
    this.#tell();
    const { requests: polled, lives } = this.#now;
    const isUnread = this.#reports().some(({ definition, row }) => definition.kind === 'report' && !row.complete);
    this.#allotments = {
      general: once
        ? UNDIVIDED
        : generalAllotment(general.requests, polled, polling.budgetShare, lives, this.#isReading()),
      reports: once ? UNDIVIDED : reportsAllotment(reports.requests, this.#currentReadings(), isUnread),
    };
    general.allot(this.#allotments.general);
    reports.allot(this.#allotments.reports);
  }

  /** How often the stream is read now, and since when it is to be counted. */
  paceOf({ definition: { name }, intervals }: StreamRuntime): StreamPace {
    const { pollMs, countMs, reconcileMs } = intervals;
    const { idleMs } = this.#settings.polling;
    const unknown = { pollMs: pollMs ?? idleMs, countMs: countMs ?? idleMs, reconcileMs };
    return { ...(this.#now.paces.get(name) ?? unknown), countSince: this.#turns.sinceOf(name) };
  }

  /** By how much polls are slower than they should be; 1 when they fit into their share of the budget. */
  get stretch(): number {
    return this.#now.stretch;
  }

  /**
   * How long a step of that priority should wait before it begins, ms; 0 when it may. Windows of the general budget are
   * short, so only what fills gaps waits here; a step that waited for the reports budget would hold up its stream for minutes.
   */
  waitMs(name: BudgetName, priority: number): number {
    const budget = this.#budgets[name];
    if (priority === PRIORITY.slack && !this.isSlacksTurn(name) && !this.#hasSlack(budget)) return SLACK_PAUSE_MS;
    if (name !== 'reports') return 0;
    // Steps under way may not have asked yet: without them several would take the last room for theirs. While windows are unread, those
    // that need room for one request would never leave room for two.
    const isUnread = Number.isFinite(this.#allotments.reports.again);
    const each = isUnread ? 1 : Math.max(1, Math.min(REQUESTS_A_WINDOW, Math.floor(budget.requests / 2)));
    return budget.roomInMs(priority, (this.#claims.outOf(name) + 1) * each);
  }

  /** Whether what waits for slack goes first, for once. */
  isSlacksTurn(name: BudgetName): boolean {
    return this.#steps[name] >= STEPS_WITHOUT_SLACK;
  }

  /** A step of that priority has begun. */
  began(name: BudgetName, priority: number): void {
    this.#steps[name] = priority === PRIORITY.slack ? 0 : this.#steps[name] + 1;
  }

  #hasSlack(budget: BudgetView): boolean {
    const { rest } = this.#allotments[budget.name];
    return budget.usedIn('rest') + budget.waiting() < Math.min(rest, budget.requests) * SLACK_SHARE;
  }

  #countedLists(): { readonly name: string; readonly countMs: number }[] {
    return [...this.#streams.values()].flatMap(({ definition: { kind, name } }) =>
      kind === 'list' ? [{ name, countMs: this.#now.paces.get(name)!.countMs }] : [],
    );
  }

  /** Whether a list is read page by page, from its beginning or after days. */
  #isReading(): boolean {
    return [...this.#streams.values()].some(
      ({ definition: { kind }, row }) => kind === 'list' && isRunning(row) && isLongReading(row),
    );
  }

  #reports(): StreamRuntime[] {
    return [...this.#streams.values()].filter(
      ({ definition, row }) => definition.budget === 'reports' && isRunning(row),
    );
  }

  /** Readings of current windows in one window of the reports budget: by their intervals, or by what touches them. */
  #currentReadings(): number {
    const reports = this.#reports().map((runtime) => ({
      kind: runtime.definition.kind,
      pollMs: this.paceOf(runtime).pollMs,
    }));
    return currentReadings(reports, this.#budgets.reports.windowMs, this.#now.lives ? this.#settings.restateMs : null);
  }

  #tell(): void {
    const { asked, room, stretch } = this.#now;
    const isStretched = asked > room * (this.#isStretched ? FITS_AGAIN : 1);
    if (isStretched === this.#isStretched) return;
    this.#isStretched = isStretched;
    const { general } = this.#budgets;
    const rounded = (value: number) => Number(value.toFixed(2));
    this.#emit({
      name: isStretched ? 'polls.stretched' : 'polls.fit',
      ...{ by: rounded(stretch), asked: rounded(asked), room: rounded(room) },
      ...{ share: this.#settings.polling.budgetShare, requests: general.requests, perSeconds: general.windowMs / 1000 },
    });
  }
}
