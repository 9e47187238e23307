// One rate budget: at most `requests` attempts in any sliding window, most urgent first, restarts included (promise P6).
// Knows nothing of HTTP; the engine stores its rows, the client says when Harvest asks for a pause.
//
// The rule. A token is taken when an attempt starts and comes back one window after the attempt ENDED. The request
// reached the server somewhere between, so no window of the server's clock sees more than `requests`, however slow the
// network was. Over a restart the same holds because of the lease: a process may start only as many attempts as the
// last durable row allows, and its successor counts all of those as if they had ended just now.
import type { Clock } from '../base/clock.ts';
import { assert, PublisherError } from '../base/errors.ts';
import type { BudgetRow, BudgetView } from '../engine/ports.ts';
import type { BudgetName } from '../streams/definition.ts';
import type { Connections } from './connections.ts';

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

interface Waiting {
  /**
   * Where it stands in the queue, as a time. Rising by one priority per window waited is the same as starting one
   * window later per priority, which does not change while it waits.
   */
  readonly rank: number;
  readonly start: () => void;
  readonly refuse: (reason: PublisherError) => void;
}

// Given, because making an error each time costs more than the rest of a turn.
const WOKEN = 'woken';

/** An attempt that had not ended when a row was written: whoever restores it must count it as ending then. */
const IN_FLIGHT = Number.MAX_SAFE_INTEGER;

export class Budget implements BudgetView {
  readonly name: BudgetName;
  readonly requests: number;
  readonly windowMs: number;
  readonly #clock: Clock;
  readonly #connections: Connections;
  readonly #onLeaseLow: BudgetOptions['onLeaseLow'];
  /** Monotonic times at which attempts ended, oldest first. */
  #ended: number[] = [];
  #running = 0;
  #started = 0;
  /** Monotonic. */
  #pausedUntil = Number.NEGATIVE_INFINITY;
  #queue: Waiting[] = [];
  #wake = new AbortController();
  #restored = false;
  #closed = false;
  /** The row that a successor would find, as far as we know. */
  #durable: BudgetRow | null = null;
  /** `#started` may not pass this: what the row that is known to be durable allows. */
  #limit: number;
  /** The same for rows that were handed out and may be durable already. */
  readonly #unconfirmed = new Map<BudgetRow, number>();

  constructor(options: BudgetOptions) {
    this.name = options.name;
    this.requests = options.requests;
    this.windowMs = options.windowMs;
    this.#clock = options.clock;
    this.#connections = options.connections;
    this.#onLeaseLow = options.onLeaseLow;
    this.#limit = options.onLeaseLow === null ? Number.POSITIVE_INFINITY : 0;
    this.#connections.onFree(() => this.#dispatch());
  }

  /**
   * Waits for a token, a connection and its turn, then runs one attempt. `since` (monotonic) is when the request was
   * first made, so that a repeated one does not lose its place. Rejects with the reason of `signal` if that aborts
   * while it waits, and then uses no token.
   */
  async run<T>(turn: { priority: number; since: number }, signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
    await this.#turn(turn.since + turn.priority * this.windowMs, signal);
    try {
      return await attempt();
    } finally {
      this.#running -= 1;
      this.#ended.push(this.#clock.monotonic());
      this.#connections.give();
    }
  }

  /** No attempt starts during the next `ms`. A shorter pause never ends a longer one. */
  pause(ms: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#clock.monotonic() + ms);
  }

  used(): number {
    this.#forget();
    return this.#ended.length + this.#running;
  }

  pausedUntil(): number {
    const left = this.#pausedUntil - this.#clock.monotonic();
    return left > 0 ? Math.ceil(this.#clock.now() + left) : 0;
  }

  waiting(): number {
    return this.#queue.length;
  }

  freeInMs(requests: number): number {
    const now = this.#clock.monotonic();
    const pause = Math.max(0, this.#pausedUntil - now);
    // Each token serves once a window, so whole windows of requests come on top of the rest.
    const rounds = Math.floor((requests - 1) / this.requests);
    const place = this.used() + ((requests - 1) % this.requests) - this.requests;
    // Tokens with running attempts come back last, a window from now at the earliest.
    const free = place < 0 ? now : (this.#ended[place] ?? now) + this.windowMs;
    return Math.max(pause, free - now) + rounds * this.windowMs;
  }

  snapshot(lease: number): BudgetRow {
    this.#forget();
    const at = this.#clock.now();
    const toWall = at - this.#clock.monotonic();
    const attempts = this.#ended.map((time) => Math.ceil(time + toWall));
    for (let running = 0; running < this.#running; running++) attempts.push(IN_FLIGHT);
    const row = { attempts, lease, pausedUntil: this.pausedUntil(), at };
    // From now on this row may turn out to be the durable one, whether or not we learn of it.
    if (this.#onLeaseLow !== null) this.#unconfirmed.set(row, this.#started + lease);
    return row;
  }

  stored(row: BudgetRow): void {
    if (this.#onLeaseLow === null) return;
    const limit = this.#unconfirmed.get(row);
    assert(limit !== undefined, `the stored row of budget ${this.name} is one that it handed out`);
    for (const older of this.#unconfirmed.keys()) {
      this.#unconfirmed.delete(older);
      if (older === row) break;
    }
    this.#limit = limit;
    this.#durable = row;
    this.#dispatch();
  }

  restore(row: BudgetRow | null): void {
    // A row read back after a doubt: which of ours it is does not matter to what we remember, and from now on the
    // strictest of them counts. Only what another instance has stored in between is news.
    const known = [...this.#unconfirmed.keys(), this.#durable].some((ours) => sameRow(ours, row));
    this.#limit = this.#allowed();
    this.#unconfirmed.clear();
    this.#durable = row;
    this.#restored = true;
    if (row !== null && !known) {
      const now = this.#clock.monotonic();
      const wall = this.#clock.now();
      // More than `requests` of them hold nothing back for longer.
      const leased = Array(Math.min(row.lease, this.requests)).fill(0);
      const ages = row.attempts.map((time) => Math.max(0, wall - time)).concat(leased);
      this.#ended = [...ages.map((age) => now - age), ...this.#ended].sort((a, b) => a - b);
      // Never for longer than was left then, should the clock have been set back meanwhile.
      this.pause(row.pausedUntil - Math.max(wall, row.at ?? wall));
    }
    this.#dispatch();
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

  #turn(rank: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      if (this.#closed) return reject(this.#afterClose());
      const leave = () => {
        this.#queue.splice(this.#queue.indexOf(waiting), 1);
        reject(signal.reason);
      };
      const stay = () => signal.removeEventListener('abort', leave);
      const waiting: Waiting = {
        rank,
        start: () => {
          stay();
          resolve();
        },
        refuse: (reason) => {
          stay();
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

  #dispatch(): void {
    this.#wake.abort(WOKEN);
    while (this.#queue.length > 0 && this.#started < this.#allowed() && this.#waitMs() <= 0) {
      // Whoever gives a connection back calls us again.
      if (!this.#connections.take()) break;
      this.#started += 1;
      this.#running += 1;
      this.#queue.shift()?.start();
    }
    if (this.#queue.length > 0 && this.#started < this.#allowed()) this.#sleep(this.#waitMs());
    if (this.#restored && this.#leaseIsLow()) this.#onLeaseLow?.(this.name);
  }

  #leaseIsLow(): boolean {
    const left = this.#allowed() - this.#started;
    return left < (this.#durable?.lease ?? 0) / 4 || (left <= 0 && this.#queue.length > 0);
  }

  #sleep(ms: number): void {
    // Infinite: all tokens are with running attempts, and the end of one calls us. Zero: no connection is free.
    if (ms <= 0 || ms === Number.POSITIVE_INFINITY) return;
    const wake = new AbortController();
    this.#wake = wake;
    void this.#clock.sleep(ms, wake.signal).then(() => {
      if (!wake.signal.aborted) this.#dispatch();
    });
  }

  /** How long the window and a pause hold the next attempt back. */
  #waitMs(): number {
    const now = this.#clock.monotonic();
    return Math.max(this.#pausedUntil - now, this.#freeAt() - now);
  }

  /** When enough old attempts have left the window for one more to start. */
  #freeAt(): number {
    this.#forget();
    const tooMany = this.#ended.length + this.#running - this.requests;
    if (tooMany < 0) return Number.NEGATIVE_INFINITY;
    const leaving = this.#ended[tooMany];
    return leaving === undefined ? Number.POSITIVE_INFINITY : leaving + this.windowMs;
  }

  #forget(): void {
    const now = this.#clock.monotonic();
    const kept = this.#ended.findIndex((time) => time + this.windowMs > now);
    this.#ended.splice(0, kept < 0 ? this.#ended.length : kept);
  }

  /** Any row that may be the durable one must cover what we do. */
  #allowed(): number {
    return Math.min(this.#limit, ...this.#unconfirmed.values());
  }
}

function sameRow(a: BudgetRow | null, b: BudgetRow | null): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
