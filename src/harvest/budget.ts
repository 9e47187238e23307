// One rate budget: at most `requests` attempts in any sliding window, most urgent first, restarts included (promise P6).
// Knows nothing of HTTP; the engine stores its rows, the client says when Harvest asks for a pause.
//
// The rule. A token is taken when an attempt starts and comes back one window after the attempt ENDED. The request
// reached the server somewhere between, so no window of the server's clock sees more than `requests`, however slow the
// network was. Over a restart the same holds because of the lease: a process may start only as many attempts as the
// last durable row allows, and those only for a while; its successor counts all of them as running for as long.
//
// Lanes. Requests of some priorities may be allotted a part of the window, so that what can wait never uses up what is
// read on time. A full lane holds back its own requests only; those behind them in the queue go first.
import type { Clock } from '../base/clock.ts';
import { assert, PublisherError } from '../base/errors.ts';
import { BURST_SHARE, type BudgetRow, type BudgetView, LANES, type Lane } from '../engine/ports.ts';
import type { BudgetName } from '../streams/definition.ts';
import type { Connections } from './connections.ts';
import { attemptsIn, type Instant, Leases, rowOf } from './lease.ts';
import { Pause } from './pause.ts';
import { SlidingWindow } from './window.ts';

export interface BudgetOptions {
  readonly name: BudgetName;
  readonly requests: number;
  readonly windowMs: number;
  readonly clock: Clock;
  readonly connections: Connections;
  /**
   * Asks for a row to be stored soon, because the lease is nearly used up or not yet given; may be called often. When
   * it is given, nothing starts before `restore` and the first `stored`. Without it nobody stores rows (single
   * commands such as `check`): the budget is open at once and counts in memory only.
   */
  readonly onLeaseLow: ((name: BudgetName) => void) | null;
}

/** An attempt calls it when it is over, with whether an answer came. */
type Ended = (isAnswered: boolean) => void;

interface Waiting {
  /**
   * Where it stands in the queue, as a time. Rising by one priority per window waited is the same as starting one
   * window later per priority, which does not change while it waits.
   */
  readonly rank: number;
  /** The whole window, and the lanes of its priority. */
  readonly windows: readonly SlidingWindow[];
  readonly start: (ended: Ended) => void;
  readonly refuse: (reason: PublisherError) => void;
}

// Given, because making an error each time costs more than the rest of a turn.
const WOKEN = 'woken';

/** Processes that may have begun and ended within one window: each takes about a second until its first request. */
const SHORT_LIVES = 20;

export class Budget implements BudgetView {
  readonly name: BudgetName;
  readonly requests: number;
  readonly windowMs: number;
  readonly #clock: Clock;
  readonly #connections: Connections;
  readonly #onLeaseLow: BudgetOptions['onLeaseLow'];
  readonly #all: SlidingWindow;
  readonly #lanes: ReadonlyMap<Lane, SlidingWindow>;
  #started = 0;
  readonly #pause = new Pause();
  #queue: Waiting[] = [];
  #wake = new AbortController();
  #restored = false;
  #closed = false;
  readonly #leases: Leases;

  constructor(options: BudgetOptions) {
    this.name = options.name;
    this.requests = options.requests;
    this.windowMs = options.windowMs;
    this.#clock = options.clock;
    this.#connections = options.connections;
    this.#onLeaseLow = options.onLeaseLow;
    this.#leases = new Leases(options.onLeaseLow !== null);
    this.#all = new SlidingWindow(options.requests, options.windowMs);
    const lanes = Object.keys(LANES) as Lane[];
    const windowMs = (lane: Lane) => options.windowMs * (lane === 'burst' ? BURST_SHARE : 1);
    this.#lanes = new Map(lanes.map((lane) => [lane, new SlidingWindow(Number.POSITIVE_INFINITY, windowMs(lane))]));
    this.#connections.onFree(() => this.#dispatch());
  }

  /**
   * Waits for a token, a connection and its turn, then runs one attempt. `since` (monotonic) is when the request was
   * first made, so that a repeated one does not lose its place. Rejects with the reason of `signal` if that aborts
   * while it waits, and then uses no token.
   */
  async run<T>(turn: { priority: number; since: number }, signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
    const windows = this.#windowsOf(turn.priority);
    const ended = await this.#turn(turn.since + turn.priority * this.windowMs, windows, signal);
    return this.#attempted(attempt, windows, ended, 1);
  }

  /**
   * One attempt before it is known what former processes have asked, for an account of which nothing was ever stored: those can
   * have asked no more than this. It counts for all of them, so that a row of short lives that ends in a long one is within the
   * budget too.
   */
  async introduce<T>(signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
    const pausedMs = this.#pause.opensAt - this.#clock.monotonic();
    if (pausedMs > 0) await this.#clock.sleep(pausedMs, signal);
    signal.throwIfAborted();
    assert(this.#connections.take(), 'nothing else is asked before the introduction has ended');
    this.#all.start();
    return this.#attempted(attempt, [this.#all], this.#pause.start(), SHORT_LIVES);
  }

  /** Runs an attempt that has its token and its connection; from its end on it counts for so many. */
  async #attempted<T>(
    attempt: () => Promise<T>,
    windows: readonly SlidingWindow[],
    ended: Ended,
    times: number,
  ): Promise<T> {
    let isAnswered = false;
    try {
      const answer = await attempt();
      isAnswered = true;
      return answer;
    } finally {
      ended(isAnswered);
      const now = this.#clock.monotonic();
      for (const window of windows) window.end(now, times);
      this.#connections.give();
    }
  }

  #windowsOf(priority: number): readonly SlidingWindow[] {
    const lanes = [...this.#lanes].filter(([lane]) => LANES[lane].includes(priority));
    return [this.#all, ...lanes.map(([, window]) => window)];
  }

  allot(mosts: Readonly<Record<Lane, number>>): void {
    let isMore = false;
    for (const [lane, window] of this.#lanes) {
      isMore ||= mosts[lane] > window.most;
      window.most = mosts[lane];
    }
    if (isMore) this.#dispatch();
  }

  /** No attempt starts during the next `ms`. A shorter pause never ends a longer one. */
  pause(ms: number): void {
    this.#pause.begin(ms, this.#clock.monotonic());
  }

  used(): number {
    return this.#all.used(this.#clock.monotonic());
  }

  pausedUntil(): number {
    return this.#pausedUntilAt(this.#look());
  }

  #pausedUntilAt({ monotonic, wall }: Instant): number {
    const left = this.#pause.until - monotonic;
    return left > 0 ? Math.ceil(wall + left) : 0;
  }

  throttledMs(): number {
    const isAskedFor = this.#all.running > 0 || this.#queue.length > 0;
    return isAskedFor ? this.#pause.throttledMs : 0;
  }

  waiting(): number {
    return this.#queue.length;
  }

  freeInMs(requests: number, priority?: number): number {
    const now = this.#clock.monotonic();
    const windows = priority === undefined ? [this.#all] : this.#windowsOf(priority);
    return Math.max(0, this.#pause.until - now, ...windows.map((window) => window.lastFreeAt(requests, now) - now));
  }

  roomInMs(priority: number, requests: number): number {
    const now = this.#clock.monotonic();
    const rank = now + priority * this.windowMs;
    const ours = this.#windowsOf(priority);
    const free = ours.map((window) => {
      // Of those that wait, whoever is behind us or waits for a lane that is not ours takes nothing of this one before us.
      const before = this.#queue.filter(({ windows, ...other }) => {
        const others = windows.filter((each) => !ours.includes(each));
        return windows.includes(window) && other.rank <= rank && others.every((each) => each.freeAt(now) <= now);
      });
      return window.lastFreeAt(before.length + Math.min(requests, window.most), now);
    });
    return Math.max(0, this.#pause.until - now, ...free.map((at) => at - now));
  }

  usedIn(lane: Lane): number {
    const window = this.#lanes.get(lane)!;
    return window.used(this.#clock.monotonic()) + this.#queue.filter(({ windows }) => windows.includes(window)).length;
  }

  isHeldBack(): boolean {
    const now = this.#clock.monotonic();
    if (this.#pause.until > now) return true;
    return this.#queue.length > 0 && this.#queue.every(({ windows }) => freeAt(windows, now) > now);
  }

  underWay(): number {
    return this.#all.running;
  }

  hasPlace(): boolean {
    return this.#connections.hasFree;
  }

  moves(): number {
    return 2 * this.#started - this.#all.running;
  }

  snapshot(lease: number): BudgetRow {
    const now = this.#look();
    const { running } = this.#all;
    const counted = { ended: this.#all.ended(now.monotonic), running, pausedUntil: this.#pausedUntilAt(now) };
    const row = rowOf(counted, this.#affordable(lease, now.monotonic), now);
    if (this.#onLeaseLow !== null) this.#leases.handOut(row, this.#started, now);
    return row;
  }

  /** A share of what former processes leave: were each in a row of crashes to take all of it, the last could start nothing. */
  #affordable(lease: number, now: number): number {
    const leased = this.#all.ended(now).filter((time) => time > now).length;
    return Math.min(lease, Math.max(1, Math.floor(lease * (1 - leased / this.requests))));
  }

  stored(row: BudgetRow): void {
    if (this.#onLeaseLow === null) return;
    this.#leases.confirm(row);
    this.#dispatch();
  }

  restore(row: BudgetRow | null): void {
    const isOurs = this.#leases.readBack(row);
    this.#restored = true;
    // Only what another instance has stored is news.
    if (row !== null && !isOurs) this.#takeOver(row);
    this.#dispatch();
  }

  #takeOver(row: BudgetRow): void {
    // In this order, for the same reason.
    const wall = this.#clock.now();
    const now = { wall, monotonic: this.#clock.monotonic() };
    this.#all.inherit(attemptsIn(row, now));
    // Never for longer than was left then, should the clock have been set back meanwhile.
    this.#pause.inherit(row.pausedUntil - Math.max(wall, row.at ?? wall), now.monotonic);
  }

  /** Lets go of the timer. Whoever closes has aborted the waiting requests before: a forgotten one must not hang. */
  close(): void {
    this.#closed = true;
    this.#wake.abort(WOKEN);
    for (const { refuse } of this.#queue.splice(0)) refuse(this.#afterClose());
  }

  #afterClose(): PublisherError {
    return new PublisherError('bug', `a request waits for budget ${this.name} although the client was closed`);
  }

  #turn(rank: number, windows: readonly SlidingWindow[], signal: AbortSignal): Promise<Ended> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      if (this.#closed) return reject(this.#afterClose());
      const leave = () => {
        this.#queue.splice(this.#queue.indexOf(waiting), 1);
        reject(signal.reason);
      };
      const waiting: Waiting = {
        rank,
        windows,
        start: (ended) => {
          signal.removeEventListener('abort', leave);
          resolve(ended);
        },
        refuse: (reason) => {
          signal.removeEventListener('abort', leave);
          reject(reason);
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      // Behind its equals: first come, first served.
      const place = this.#queue.findIndex((other) => other.rank > rank);
      this.#queue.splice(place < 0 ? this.#queue.length : place, 0, waiting);
      this.#dispatch();
    });
  }

  /**
   * Starts what may start, on one look at the clock: between two, time could come that one of them waits for, and then nobody
   * would be started, nor woken. Whoever is left over waits for exactly one of these: a timer, a connection that is given
   * back, the end of an attempt, a stored row.
   */
  #dispatch(): void {
    this.#wake.abort(WOKEN);
    const now = this.#look();
    const mayStart = () => this.#queue.length > 0 && this.#leases.allow(this.#started, now);
    while (mayStart()) {
      const next = this.#queue.find(({ windows }) => this.#waitMs(windows, now.monotonic) <= 0);
      if (next === undefined || !this.#connections.take()) break;
      this.#queue.splice(this.#queue.indexOf(next), 1);
      this.#started += 1;
      for (const window of next.windows) window.start();
      next.start(this.#pause.start());
    }
    if (mayStart()) this.#sleep(Math.min(...this.#queue.map(({ windows }) => this.#waitMs(windows, now.monotonic))));
    const isLow = this.#restored && this.#leases.isLow(this.#started, now, this.#queue.length > 0);
    if (isLow) this.#onLeaseLow?.(this.name);
  }

  #look(): Instant {
    // In this order: of what is stored, an attempt may look later than it was, never earlier.
    return { monotonic: this.#clock.monotonic(), wall: this.#clock.now() };
  }

  #sleep(ms: number): void {
    // Infinite: all tokens are with running attempts. Zero: no connection is free. Whoever gives one back calls us.
    if (ms <= 0 || ms === Number.POSITIVE_INFINITY) return;
    const wake = new AbortController();
    this.#wake = wake;
    void this.#clock.sleep(ms, wake.signal).then(() => {
      if (!wake.signal.aborted) this.#dispatch();
    });
  }

  /** How long the windows and a pause hold an attempt back. */
  #waitMs(windows: readonly SlidingWindow[], now: number): number {
    return Math.max(this.#pause.opensAt, freeAt(windows, now)) - now;
  }
}

/** When one more attempt may start in all of the windows. */
function freeAt(windows: readonly SlidingWindow[], now: number): number {
  return Math.max(...windows.map((window) => window.freeAt(now)));
}
