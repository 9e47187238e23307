// One account that the group has given to this instance, until it is let go: a tenure, and after one that was lost or failed the
// next. An account that fails is tried again where it is and moves nobody.
import { Backoff, type Pace } from './base/backoff.ts';
import { asPublisherError, type PublisherError } from './base/errors.ts';
import type { Turns } from './base/turns.ts';
import type { Group } from './cluster/group.ts';
import type { ClusterEvent } from './cluster/status.ts';
import type { AccountConfig } from './config/options.ts';
import type { PublisherEvent } from './engine/events.ts';
import type { AccountStatus } from './engine/status.ts';
import { ownerIsDone } from './kafka/owner-watch.ts';
import type { Membership } from './kafka/ownership.ts';
import { compareRanks, type Rank } from './kafka/rank.ts';
import type { AccountSignal } from './kafka/signals.ts';
import type { Owner } from './kafka/state-topic.ts';
import { OpeningTurn } from './opening-turn.ts';
import { prefixOf } from './settings.ts';
import { type Premises, Tenure } from './tenure.ts';

export interface HoldingParts {
  readonly premises: Premises;
  readonly account: AccountConfig;
  readonly rank: Rank;
  /** The member that has to release the account first; null when nobody has it. */
  readonly from: string | null;
  readonly handOverMs: number;
  readonly turns: Turns;
  readonly group: Pick<Group, 'heard' | 'lost' | 'move'>;
  readonly tell: (event: ClusterEvent) => void;
  readonly world: HoldingWorld;
}

/** One owner's time with the account, as a holding sees it. */
export type HeldTenure = Pick<Tenure, 'run' | 'status' | 'limited'>;

/** The way of a holding into the world; the simulation has one of its own. */
export interface HoldingWorld {
  readonly tenure: (premises: Premises, account: AccountConfig, membership: Membership) => HeldTenure;
  /** Resolves when whoever has taken the account from outside of the group is done with it, or `signal` aborts. */
  readonly ownerIsDone: (premises: Premises, account: AccountConfig, signal: AbortSignal) => Promise<void>;
}

export const HOLDING_WORLD: HoldingWorld = {
  tenure: (premises, account, membership) => new Tenure(premises, account, membership),
  ownerIsDone: ({ config, brokers, clock, log }, account, signal) => {
    const place = { brokers, prefix: prefixOf(config, account), accountId: account.id };
    return ownerIsDone({ ...place, clock, log, quietMs: QUIET_MS }, signal);
  },
};

/** An account that failed, on a refused schema for one, is tried again after this. */
const FAILED_PAUSE_MS = 60_000;
/** So long without a word whoever has taken an account from outside of the group is taken for dead. */
const QUIET_MS = 600_000;
/** After so long in peace an account that is lost was not lost again and again. */
const PEACE_MS = 60_000;
/** A member that loses an account again and again takes it back at most twice a minute. */
const RETAKE_PACE: Pace = { baseMs: 250, mostMs: 30_000, factor: 4 };

export class Holding {
  readonly account: AccountConfig;
  readonly #parts: HoldingParts;
  readonly #lettingGo = new AbortController();
  readonly #retake: Backoff;
  #rank: Rank;
  /** The member whose release is waited for; null when there is none, or no longer. */
  #from: string | null;
  #wake = new AbortController();
  #tenure: HeldTenure;
  /** The last to sign besides us. */
  #other: Owner | null = null;
  /** Moves that were asked of the group, and in which term; and signals that are carried out. */
  readonly #asked = new Map<string, number>();
  readonly #carriedOut = new Set<string>();
  /** Set while somebody outside of the group has the account. */
  #takenBy: Owner | null = null;
  #hasOpened = false;
  /** Monotonic; when the present tenure was wished for. */
  #beganAt = 0;
  /** Monotonic; null while the account is not open. */
  #openedAt: number | null = null;
  /** How long nobody had written for the account when it was signed here. */
  #unownedMs: number | null = null;
  readonly #turn: OpeningTurn;

  constructor(parts: HoldingParts) {
    this.account = parts.account;
    this.#parts = parts;
    this.#rank = parts.rank;
    this.#from = parts.from;
    this.#turn = new OpeningTurn(parts.turns, parts.premises.clock);
    this.#retake = new Backoff(RETAKE_PACE, parts.premises);
    this.#tenure = this.#newTenure();
  }

  /** Opened once, or refused with a reason. */
  get isIntroduced(): boolean {
    return this.#hasOpened || this.#tenure.status().code !== null;
  }

  get isMoving(): boolean {
    return this.isLetGo || !this.isIntroduced;
  }

  get isLetGo(): boolean {
    return this.#lettingGo.signal.aborted;
  }

  get isTaken(): boolean {
    return this.#takenBy !== null;
  }

  /** A later assignment names the account: it is run under that. `members` are those of the group, by name. */
  renew(rank: Rank, members: ReadonlySet<string>): void {
    this.#rank = rank;
    // Whoever left the group meanwhile will release nothing any more.
    if (this.#from !== null && !members.has(this.#from)) this.#from = null;
    this.#wake.abort('woken');
  }

  /** The account is closed with a release; `run` resolves when that is done. */
  letGo(): void {
    this.#lettingGo.abort();
    this.#wake.abort('woken');
  }

  limited(error: PublisherError, pauseMs: number): void {
    this.#tenure.limited(error, pauseMs);
  }

  status(): AccountStatus {
    const status = this.#tenure.status();
    const by = this.#takenBy;
    return by === null ? status : { ...status, phase: 'taken', reason: `taken by ${named(by)}, outside of the group` };
  }

  /** Resolves when the account was let go and is closed. */
  async run(): Promise<void> {
    const { clock } = this.#parts.premises;
    let error = await this.#runTenure();
    while (error !== null && !this.isLetGo) {
      if (error.code === 'kafka.fenced') await this.#lost();
      else await clock.sleep(FAILED_PAUSE_MS, this.#lettingGo.signal);
      if (this.isLetGo) return;
      this.#from = null;
      this.#tenure = this.#newTenure();
      error = await this.#runTenure();
    }
  }

  #newTenure(): HeldTenure {
    const { premises, group, world, handOverMs } = this.#parts;
    const membership: Membership = {
      rank: () => this.#rank,
      handOverMs,
      isHandedOver: () => this.#from !== null,
      onSignature: (owner) => {
        this.#other = owner;
        if (owner.group === this.#rank.group) group.heard(owner.term ?? 0);
      },
      onSigned: (unownedMs) => {
        this.#unownedMs = unownedMs;
      },
      onSignals: (signals) => {
        for (const signal of signals) this.#heed(signal);
      },
      carriedOut: () => [...this.#carriedOut],
    };
    const emit = (id: string, event: PublisherEvent) => {
      this.#onEvent(event);
      premises.emit(id, event);
    };
    return world.tenure({ ...premises, emit }, this.account, membership);
  }

  /**
   * Heeds what a person asks of the account. A move is carried out when it runs on that member, which may be here already, or when
   * a round has come that did not bring it there.
   */
  #heed({ id, kind, to }: AccountSignal): void {
    if (this.#carriedOut.has(id)) return;
    const asked = this.#asked.get(id);
    if (kind === 'take' || to === this.#rank.member || (asked !== undefined && asked !== this.#rank.term)) {
      this.#carriedOut.add(id);
    } else if (asked === undefined) {
      this.#asked.set(id, this.#rank.term);
      this.#parts.group.move(this.account.id, to!);
    }
  }

  /** Null when it ended because the account was let go. */
  async #runTenure(): Promise<PublisherError | null> {
    const { clock } = this.#parts.premises;
    const { signal } = this.#lettingGo;
    this.#beganAt = clock.monotonic();
    await this.#turn.take(signal);
    try {
      await this.#tenure.run(signal, { once: false, only: null, mayWait: () => true });
      return null;
    } catch (thrown) {
      return asPublisherError(thrown);
    } finally {
      this.#turn.give();
      const openMs = this.#openedAt === null ? 0 : clock.monotonic() - this.#openedAt;
      if (openMs >= PEACE_MS) this.#retake.progressed();
      this.#openedAt = null;
    }
  }

  #onEvent(event: PublisherEvent): void {
    this.#turn.hear(event);
    if (event.name !== 'account.opened' || this.#openedAt !== null) return;
    const { tell, premises } = this.#parts;
    this.#hasOpened = true;
    this.#openedAt = premises.clock.monotonic();
    const ms = Math.round(this.#openedAt - this.#beganAt);
    tell({ name: 'cluster.opened', account: this.account.id, from: this.#from, ms, unownedMs: this.#unownedMs });
  }

  /** Resolves when the account may be taken again, or is let go. */
  async #lost(): Promise<void> {
    const { group, tell } = this.#parts;
    const { clock } = this.#parts.premises;
    const by = this.#other;
    const isMember = by !== null && by.group === this.#rank.group;
    tell({
      name: 'cluster.lost',
      account: this.account.id,
      to: isMember ? 'member' : 'outsider',
      by: by ? named(by) : '?',
    });
    if (!isMember && by !== null) await this.#park(by);
    const pauseMs = this.#retake.failed();
    await clock.sleep(pauseMs, this.#lettingGo.signal);
    // Another round has come meanwhile, and it names this member again.
    if (this.isLetGo || compareRanks(this.#rank, by) > 0) return;
    // Whoever has lost an account joins again before it takes it back, so that the term is above the one that it lost to.
    this.#wake = new AbortController();
    group.lost(this.account.id);
    await new Promise<void>((resolve) => this.#wake.signal.addEventListener('abort', () => resolve(), { once: true }));
  }

  /** Until whoever has taken the account from outside of the group is done with it. */
  async #park(by: Owner): Promise<void> {
    this.#takenBy = by;
    const { world, premises } = this.#parts;
    try {
      await world.ownerIsDone(premises, this.account, this.#lettingGo.signal);
    } finally {
      this.#takenBy = null;
    }
  }
}

function named({ instance, member, group }: Owner): string {
  return member === undefined ? `instance ${instance}` : `${member} of group ${group}`;
}
