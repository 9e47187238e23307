// One member of the group, from joining to leaving: rounds, heartbeats, eviction, a coordinator that moves. Knows which accounts it
// was given and under which term; opening and closing them is the fleet's. Losing the coordinator is no reason to stop: what was
// assigned stays assigned until the coordinator itself says otherwise.
import { Backoff, type Pace } from '../base/backoff.ts';
import { atMost, type Clock, type Random } from '../base/clock.ts';
import { type Coordinator, type Joined, refusal, verdictOf } from './coordinator.ts';
import type { Leader } from './leader.ts';
import {
  type Assignment,
  decodeAssignment,
  decodeMetadata,
  encodeAssignment,
  encodeMetadata,
  type Metadata,
  SHAPE,
} from './protocol.ts';

/** Why a round was joined; a label of metrics. */
export type Cause = 'start' | 'others' | 'accounts' | 'lost' | 'balance' | 'move' | 'leaving' | 'evicted';

export type MemberEvent =
  | {
      readonly name: 'assigned';
      readonly assignment: Assignment;
      readonly memberId: string;
      readonly generation: number;
      readonly isLeader: boolean;
      readonly cause: Cause;
    }
  /** The member is none any more; nothing that it ran is its own. */
  | { readonly name: 'evicted'; readonly why: 'unknown to the coordinator' | 'the main loop stood still' }
  | { readonly name: 'away'; readonly reason: string }
  | { readonly name: 'back'; readonly awayMs: number }
  | { readonly name: 'refused'; readonly code: string; readonly reason: string; readonly remedy: string }
  | { readonly name: 'disputed'; readonly accounts: readonly string[] }
  | { readonly name: 'beat'; readonly ms: number };

export interface MemberParts {
  readonly coordinator: Coordinator;
  readonly leader: Leader;
  /** Said of this instance in every round. */
  readonly self: Pick<Metadata, 'name' | 'zone' | 'url' | 'version'>;
  readonly groupId: string;
  readonly brokers: string;
  readonly heartbeatMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: (event: MemberEvent) => void;
}

/** How a coordinator that moved or is away is looked for. */
const AWAY_PACE: Pace = { baseMs: 300, mostMs: 300 };
const REFUSED_PAUSE_MS = 10_000;
/** A coordinator that knows nobody is not asked without a pause. */
const EVICTED_PAUSE_MS = 100;
const GOODBYE_PATIENCE_MS = 2_000;

export class Member {
  readonly #parts: MemberParts;
  #accounts: readonly string[] = [];
  #weight: Readonly<Record<string, number>> = {};
  readonly #claims = new Map<string, number>();
  /** Accounts that people want on another member, by its name; said in one round. */
  readonly #moves = new Map<string, string>();
  #term = 0;
  #isLeaving = false;
  #isSuspended = false;
  readonly #over = new AbortController();
  #memberId = '';
  /** The round in force; null while another one is to be joined. */
  #joined: Joined | null = null;
  /** Why the next round is joined; null when others wish for it. */
  #wish: Cause | null = 'start';
  #wake = new AbortController();
  readonly #away: Backoff;
  #isAway = false;

  constructor(parts: MemberParts) {
    this.#parts = parts;
    this.#away = new Backoff(AWAY_PACE, parts);
  }

  /** Ids of the accounts that this instance could run, and how heavy those are that it has run. */
  setAccounts(accounts: readonly string[], weight: Readonly<Record<string, number>>): void {
    const isNews = accounts.join() !== this.#accounts.join();
    this.#accounts = accounts;
    this.#weight = weight;
    if (isNews) this.#joinAgain('accounts');
  }

  /** Signatures with this term have been read. */
  heard(term: number): void {
    this.#term = Math.max(this.#term, term);
  }

  /** The account is not run any more although it is assigned: the next round gives it to somebody under a newer term. */
  lost(account: string): void {
    this.#claims.delete(account);
    this.#joinAgain('lost');
  }

  /** A person wants the account on another member: the next round gives it to that one, if it can run it. */
  move(account: string, to: string): void {
    this.#moves.set(account, to);
    this.#joinAgain('move');
  }

  /** From the next round on nothing is assigned to this member. */
  leaving(): void {
    this.#isLeaving = true;
    this.#joinAgain('leaving');
  }

  /** The main loop stands still: its accounts are given away until `resume`. */
  suspend(): void {
    this.#isSuspended = true;
    this.#wake.abort('woken');
  }

  resume(): void {
    this.#isSuspended = false;
    this.#wake.abort('woken');
  }

  /** Leaves the group and ends `run`. */
  goodbye(): void {
    this.#over.abort();
    // A round that is waited for would hold up the leaving.
    if (this.#joined === null) this.#parts.coordinator.forget();
    this.#wake.abort('woken');
  }

  /** Resolves after `goodbye`. */
  async run(): Promise<void> {
    while (!this.#over.signal.aborted) {
      try {
        if (this.#isSuspended) await this.#stepAside();
        else if (this.#joined === null) await this.#join();
        else await this.#beat(this.#joined);
      } catch (error) {
        await this.#failed(error);
      }
    }
    await this.#leave();
    this.#parts.coordinator.forget();
  }

  async #join(): Promise<void> {
    const wish = this.#wish;
    this.#wish = null;
    try {
      await this.#round(wish ?? 'others');
    } catch (error) {
      this.#wish ??= wish;
      throw error;
    }
  }

  async #round(cause: Cause): Promise<void> {
    const { coordinator, leader, emit } = this.#parts;
    const moves = [...this.#moves];
    const joined = await coordinator.join(this.#memberId, this.#metadata(moves), (memberId) => {
      this.#memberId = memberId;
    });
    this.#memberId = joined.memberId;
    const isLeader = joined.leaderId === joined.memberId;
    const told = await coordinator.sync(joined, isLeader ? this.#lead(joined) : new Map());
    this.#reached();
    const assignment = decodeAssignment(told);
    // A leader that lost the group between the two requests has told nothing: the coordinator begins another round.
    if (assignment === null) return;
    if (!isLeader) leader.learn(assignment);
    // A wish that came meanwhile needs another round.
    this.#joined = this.#wish === null ? joined : null;
    // What a person wished meanwhile, of the same account too, is for the next round.
    for (const [account, to] of moves) if (this.#moves.get(account) === to) this.#moves.delete(account);
    this.#take(assignment);
    emit({ name: 'assigned', assignment, memberId: joined.memberId, generation: joined.generation, isLeader, cause });
  }

  #lead({ members, memberId }: Joined): ReadonlyMap<string, Buffer> {
    const said = new Map([...members].map(([id, bytes]) => [id, decodeMetadata(bytes)]));
    const { assignments, disputed } = this.#parts.leader.lead(said, memberId);
    if (disputed.length > 0) this.#parts.emit({ name: 'disputed', accounts: disputed });
    return new Map([...assignments].map(([id, assignment]) => [id, encodeAssignment(assignment)]));
  }

  #take({ accounts, term }: Assignment): void {
    this.#term = Math.max(this.#term, term);
    this.#claims.clear();
    for (const [account] of accounts) this.#claims.set(account, term);
  }

  #metadata(moves: Metadata['moves'] & object): Buffer {
    return encodeMetadata({
      ...{ v: SHAPE, ...this.#parts.self, leaving: this.#isLeaving, term: this.#term },
      ...{ accounts: this.#accounts, claims: [...this.#claims], weight: this.#weight, moves },
    });
  }

  async #beat(joined: Joined): Promise<void> {
    const { coordinator, leader, heartbeatMs, clock, emit } = this.#parts;
    await this.#pause(heartbeatMs);
    if (this.#isSuspended || this.#over.signal.aborted || this.#joined === null) return;
    if (leader.balanceAt !== null && clock.monotonic() >= leader.balanceAt) return this.#joinAgain('balance');
    const sentAt = clock.monotonic();
    await coordinator.beat(joined);
    this.#reached();
    emit({ name: 'beat', ms: clock.monotonic() - sentAt });
  }

  #joinAgain(cause: Cause): void {
    this.#unjoin(cause);
    this.#wake.abort('woken');
  }

  /** A member that has had no round yet joins for the first time, whatever else it wishes. */
  #unjoin(cause: Cause): void {
    this.#joined = null;
    if (this.#wish !== 'start') this.#wish = cause;
  }

  /** The group goes on without this member until the main loop moves again. */
  async #stepAside(): Promise<void> {
    if (this.#memberId !== '') {
      await this.#leave();
      this.#evicted('the main loop stood still');
    }
    await this.#pause(this.#parts.heartbeatMs);
  }

  async #leave(): Promise<void> {
    const { coordinator, clock } = this.#parts;
    if (this.#memberId !== '') await atMost(clock, GOODBYE_PATIENCE_MS, coordinator.leave(this.#memberId));
    this.#memberId = '';
  }

  async #failed(error: unknown): Promise<void> {
    const { coordinator, groupId, brokers, emit } = this.#parts;
    switch (verdictOf(error)) {
      case 'again':
        this.#reached();
        this.#joined = null;
        return;
      case 'evicted':
        this.#reached();
        this.#evicted('unknown to the coordinator');
        return this.#pause(EVICTED_PAUSE_MS);
      case 'refused': {
        const { code, message: reason, remedy } = refusal(error, groupId, brokers);
        emit({ name: 'refused', code, reason, remedy });
        this.#joined = null;
        return this.#pause(REFUSED_PAUSE_MS);
      }
      case 'away': {
        coordinator.forget();
        const pauseMs = this.#away.failed();
        if (!this.#isAway) emit({ name: 'away', reason: error instanceof Error ? error.message : String(error) });
        this.#isAway = true;
        return this.#pause(pauseMs);
      }
    }
  }

  /** It claims nothing when it joins again: whoever got its accounts meanwhile keeps them. */
  #evicted(why: 'unknown to the coordinator' | 'the main loop stood still'): void {
    const wasMember = this.#claims.size > 0 || this.#joined !== null;
    this.#memberId = '';
    this.#unjoin('evicted');
    this.#claims.clear();
    if (wasMember) this.#parts.emit({ name: 'evicted', why });
  }

  #reached(): void {
    if (this.#isAway) this.#parts.emit({ name: 'back', awayMs: Math.round(this.#away.failingMs) });
    this.#isAway = false;
    this.#away.progressed();
  }

  async #pause(ms: number): Promise<void> {
    this.#wake = new AbortController();
    await this.#parts.clock.sleep(ms, this.#wake.signal);
  }
}
