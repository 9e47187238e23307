// The loops of one account as its watchdog sees them: what each owes, and whether it moves. The account notes here what it is
// at; the rest is asked of the parts themselves.
import type { Clock } from '../base/clock.ts';
import { CODES } from '../base/errors.ts';
import { type Loop, Watchdog } from '../base/watchdog.ts';
import type { Claims } from './claims.ts';
import type { Committer } from './committer.ts';
import type { Emit } from './events.ts';
import type { BudgetView, Sink, Source } from './ports.ts';
import { type ScheduleView, schedule } from './schedule.ts';
import type { SignalWatch } from './signal-watch.ts';
import type { TokenWait } from './token-wait.ts';

/** A request may take two minutes as a whole before it is given up. */
const REQUEST_PATIENCE_MS = 180_000;
/** A token that was refused is asked about every minute. */
const TOKEN_PATIENCE_MS = 180_000;

export interface WatchParts {
  readonly sink: Sink;
  readonly source: Source;
  readonly clock: Clock;
  readonly claims: Claims;
  readonly signals: SignalWatch;
  readonly tokenWait: TokenWait;
  readonly view: () => ScheduleView;
}

export class AccountWatch {
  /** Opening the log, at work, ending a session, waiting to open again, or none of these. */
  stage: 'opening' | 'working' | 'ending' | 'pausing' | 'over' = 'over';
  /** Monotonic; when the pause before the next opening ends. */
  pausedUntil = 0;
  committer: Committer | null = null;
  readonly #parts: WatchParts;

  constructor(parts: WatchParts) {
    this.#parts = parts;
  }

  loops(): readonly Loop[] {
    const { sink, source, clock, claims, signals } = this.#parts;
    const requests = () => requestMoves(source.budgets);
    const commits = () => (this.committer?.moves ?? 0) + sink.moves().log;
    return [
      {
        name: 'opening',
        owes: () => (this.stage === 'opening' ? 'the account is being opened' : null),
        moves: () => sink.moves().log,
      },
      {
        name: 'reopening',
        owes: () =>
          this.stage === 'pausing' && clock.monotonic() > this.pausedUntil ? 'the next opening is due' : null,
        moves: () => this.pausedUntil,
      },
      {
        name: 'ending',
        owes: () => (this.stage === 'ending' ? `a session ends; steps that are left: ${claims.out}` : null),
        moves: () => claims.moves + commits(),
      },
      {
        name: 'token',
        owes: () =>
          this.#isRefused() && !isAnyHeldBack(source.budgets) ? 'Harvest is asked about the token every minute' : null,
        moves: requests,
        patienceMs: TOKEN_PATIENCE_MS,
      },
      { name: 'schedule', owes: () => this.#due(), moves: () => claims.moves },
      { name: 'steps', owes: () => this.#silentSteps(), moves: () => claims.moves + requests() + commits() },
      ...source.budgets.map((budget) => ({
        name: `budget_${budget.name}`,
        owes: () => waitingRequests(budget),
        moves: () => budget.moves(),
      })),
      {
        name: 'requests',
        owes: () => (source.budgets.some((budget) => budget.underWay() > 0) ? 'requests are under way' : null),
        moves: requests,
        patienceMs: REQUEST_PATIENCE_MS,
      },
      { name: 'commits', owes: () => this.committer?.owes() ?? null, moves: commits },
      {
        name: 'signals',
        owes: () => (signals.isLooking ? 'signals are looked for every few seconds' : null),
        moves: () => signals.looks + sink.moves().signals,
      },
    ];
  }

  #isRefused(): boolean {
    return this.stage === 'working' && this.#parts.tokenWait.reason !== null;
  }

  /** A step that could have been started. */
  #due(): string | null {
    const { signals, clock, claims, view } = this.#parts;
    if (this.stage !== 'working' || this.#isRefused() || !signals.hasLooked) return null;
    const now = clock.now();
    const ready = schedule(view(), now).find(
      ({ at, runtime }) => at <= now && claims.hasPlace(runtime.definition.budget),
    );
    return ready ? `${ready.runtime.definition.name} is due (${ready.task.kind})` : null;
  }

  /** Steps that wait neither for a request nor for a commit. */
  #silentSteps(): string | null {
    const { source, claims } = this.#parts;
    const isAsking = source.budgets.some((budget) => budget.waiting() > 0 || budget.underWay() > 0);
    if (this.stage !== 'working' || this.#isRefused() || claims.out === 0 || isAsking || this.committer?.owes())
      return null;
    return `steps are under way: ${claims.out}`;
  }
}

/** Requests that could be sent: what a pause, a used up budget or busy connections hold back is not owed. */
function waitingRequests(budget: BudgetView): string | null {
  return budget.waiting() === 0 || isHeldBack(budget) || !budget.hasPlace()
    ? null
    : `requests wait for the ${budget.name} budget: ${budget.waiting()}`;
}

/** Harvest has asked for a pause, or the budget is used up. */
function isHeldBack(budget: BudgetView): boolean {
  return budget.pausedUntil() > 0 || budget.used() >= budget.requests;
}

/** Whether one of them holds requests back. */
export function isAnyHeldBack(budgets: readonly BudgetView[]): boolean {
  return budgets.some(isHeldBack);
}

/** Another number whenever a request starts or ends. */
export function requestMoves(budgets: readonly BudgetView[]): number {
  return budgets.reduce((sum, budget) => sum + budget.moves(), 0);
}

/** Watches loops and says in events what it sees. */
export function watchdogOf(loops: readonly Loop[], clock: Clock, emit: Emit): Watchdog {
  return new Watchdog({
    ...{ loops, clock },
    onStall: (stall) => emit({ name: 'loop.stalled', ...stall, remedy: CODES.bug.remedy }),
    onEnd: (stall) => emit({ name: 'loop.moved', ...stall }),
  });
}
