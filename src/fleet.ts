// The accounts that the group gives to this instance: opened when an assignment names them, closed with a release when one no
// longer does. The group is liveness alone; that two never publish one account is the log's to see to.
import { hostname } from 'node:os';
import { CODES, type ErrorCode, PublisherError } from './base/errors.ts';
import { Turns } from './base/turns.ts';
import { type Group, type GroupEvent, joinGroup } from './cluster/group.ts';
import type { Assignment } from './cluster/protocol.ts';
import type { ClusterEvent, ClusterStatus } from './cluster/status.ts';
import type { AccountConfig } from './config/options.ts';
import type { AccountStatus } from './engine/status.ts';
import { HOLDING_WORLD, Holding, type HoldingWorld } from './holding.ts';
import type { Rank } from './kafka/rank.ts';
import { kafkaSettings } from './settings.ts';
import type { Premises } from './tenure.ts';

export interface FleetOptions {
  readonly version: string;
  readonly tell: (event: ClusterEvent) => void;
  readonly world?: FleetWorld;
}

/** The way of a fleet into the world; the simulation has one of its own. */
export interface FleetWorld extends HoldingWorld {
  readonly join: typeof joinGroup;
}

const WORLD: FleetWorld = { ...HOLDING_WORLD, join: joinGroup };

/** How long the round is waited for that gives our accounts to others, before they are closed all the same. */
const LEAVE_PATIENCE_MS = 2_500;

/** An account weighs one more for so many rows: they take about as long to read back as the rest of an opening. */
const ROWS_OF_WEIGHT = 100_000;

/** How long a coordinator is looked for at the start, before somebody should be told. */
const START_PATIENCE_MS = 120_000;

interface Round {
  readonly assignment: Assignment;
  readonly generation: number;
  readonly memberId: string;
}

export class Fleet {
  readonly #premises: Premises;
  readonly #options: FleetOptions;
  readonly #world: FleetWorld;
  readonly #holdings = new Map<string, Holding>();
  readonly #closing = new Set<Promise<void>>();
  readonly #turns: Turns;
  #accounts: ReadonlyMap<string, AccountConfig>;
  #group: Group | null = null;
  /** The assignment in force; null when there is none. */
  #round: Round | null = null;
  /** The accounts that it names, and whose release is waited for. */
  #assigned: ReadonlyMap<string, string | null> = new Map();
  #isLeaving = false;
  #onRound = () => {};
  #isAlive = true;
  /** Rejects with what keeps this instance from ever becoming a member. */
  readonly #refused = refusable();
  #hasBeenMember = false;
  #trouble: { readonly reason: string; readonly remedy: string | null } | null = null;
  #heartbeatMs = 0;
  #loopLagMs = 0;

  constructor(premises: Premises, options: FleetOptions) {
    this.#premises = premises;
    this.#options = options;
    this.#world = options.world ?? WORLD;
    this.#turns = new Turns(premises.config.cluster.opens_at_once);
    this.#accounts = byId(premises.config.harvest.accounts);
  }

  /** Runs what the group gives until `signal` aborts; then hands all of it on and leaves. */
  async run(signal: AbortSignal): Promise<void> {
    const { config, clock, log } = this.#premises;
    const listen = (event: GroupEvent) => this.#hear(event);
    this.#group = this.#world.join(this.#settings(), kafkaSettings(config), { clock, log, listen });
    try {
      this.#sayAccounts();
      const cancel = clock.after(START_PATIENCE_MS, () => this.#giveUp());
      await Promise.race([aborted(signal), this.#refused.promise]).finally(cancel);
      await this.#handOver();
    } finally {
      for (const holding of this.#holdings.values()) holding.letGo();
      await Promise.all(this.#closing);
      await this.#group.goodbye();
    }
  }

  /** The accounts are another list now: what was added can be run here, what is gone is closed, what changed is opened anew. */
  setAccounts(accounts: readonly AccountConfig[]): void {
    const before = this.#accounts;
    this.#accounts = byId(accounts);
    const added = accounts.filter(({ id }) => !before.has(id)).length;
    const removed = [...before.keys()].filter((id) => !this.#accounts.has(id)).length;
    const renewed = accounts.filter(
      (account) => before.has(account.id) && !isSame(account, before.get(account.id)),
    ).length;
    if (added + removed + renewed === 0) return;
    for (const holding of this.#holdings.values()) {
      if (!isSame(holding.account, this.#accounts.get(holding.account.id))) holding.letGo();
    }
    this.#sayAccounts();
    this.#options.tell({ name: 'cluster.accounts_changed', added, removed, renewed });
  }

  status(): AccountStatus[] {
    return [...this.#holdings.values()].map((holding) => holding.status());
  }

  limited(error: PublisherError, pauseMs: number): void {
    for (const holding of this.#holdings.values()) holding.limited(error, pauseMs);
  }

  cluster(): ClusterStatus {
    const { assignment } = this.#round ?? {};
    const holdings = [...this.#holdings.values()];
    const idsOf = (these: readonly Holding[]) => these.map(({ account }) => account.id);
    return {
      group: this.#premises.config.cluster.group_id,
      member: assignment?.name ?? null,
      term: assignment?.term ?? 0,
      generation: this.#round?.generation ?? 0,
      leader: assignment?.leader ?? null,
      members: assignment?.fleet ?? [],
      unassigned: assignment?.unassigned ?? [],
      moving: idsOf(holdings.filter(({ isMoving }) => isMoving)),
      taken: idsOf(holdings.filter(({ isTaken }) => isTaken)),
      isMember: this.#round !== null,
      isAlive: this.#isAlive,
      reason: this.#trouble?.reason ?? (this.#round === null ? 'the group has given no assignment yet' : null),
      remedy: this.#trouble?.remedy ?? null,
      heartbeatMs: this.#heartbeatMs,
      loopLagMs: this.#loopLagMs,
    };
  }

  /** Everybody hears first that this instance goes, so that its successors wait for each release while it is written. */
  async #handOver(): Promise<void> {
    const { clock } = this.#premises;
    this.#isLeaving = true;
    const heard = new AbortController();
    this.#onRound = () => heard.abort();
    if (this.#round !== null) {
      this.#group?.leaving();
      await clock.sleep(LEAVE_PATIENCE_MS, heard.signal);
    }
    this.#assign(new Map());
  }

  #settings() {
    const { cluster } = this.#premises.config;
    const { name, zone, url } = cluster;
    return {
      groupId: cluster.group_id,
      self: { name: name || hostname(), zone, url, version: this.#options.version },
      sessionTimeoutMs: cluster.session_timeout_seconds * 1000,
      heartbeatMs: cluster.heartbeat_interval_ms,
      balanceAfterMs: cluster.balance_after_seconds * 1000,
      movesAtOnce: cluster.moves_at_once,
      handOverMs: cluster.hand_over_seconds * 1000,
      stallMs: cluster.stall_seconds * 1000,
    };
  }

  /** Tells the group which accounts could run here, and how heavy those are that do. */
  #sayAccounts(): void {
    const weights = [...this.#holdings.values()].map((holding) => [holding.account.id, weightOf(holding.status())]);
    this.#group?.setAccounts([...this.#accounts.keys()], Object.fromEntries(weights));
  }

  #hear(event: GroupEvent): void {
    const { tell } = this.#options;
    switch (event.name) {
      case 'assigned':
        this.#take(event);
        break;
      case 'evicted':
        // Somebody else may have the accounts already, and the group does not count on us: an idle one would be nobody's for long.
        this.#drop(`the group went on without this instance: ${event.why}`, null);
        tell({ name: 'cluster.evicted', reason: event.why });
        break;
      case 'died':
        this.#isAlive = false;
        this.#drop(`the thread of the group has ended: ${event.reason}`, CODES.bug.remedy);
        tell({ name: 'cluster.died', reason: event.reason, remedy: CODES.bug.remedy });
        break;
      case 'away':
        this.#trouble = {
          reason: `no coordinator answers: ${event.reason}`,
          remedy: CODES['kafka.unavailable'].remedy,
        };
        tell({ name: 'cluster.away', reason: event.reason });
        break;
      case 'back':
        this.#trouble = null;
        tell({ name: 'cluster.back', awayMs: event.awayMs });
        break;
      case 'refused':
        this.#trouble = event;
        // Later it may be mended while accounts go on; at the start somebody is there to read it.
        if (!this.#hasBeenMember) this.#refuse(event);
        tell({ ...event, name: 'cluster.refused' });
        break;
      case 'disputed':
        tell({ name: 'cluster.disputed', accounts: event.accounts });
        break;
      case 'beat':
        this.#heartbeatMs = event.ms;
        break;
      case 'answered':
        this.#loopLagMs = event.lagMs;
        break;
    }
  }

  /** No assignment holds any more. */
  #drop(reason: string, remedy: string | null): void {
    this.#round = null;
    this.#trouble = { reason, remedy };
    this.#assign(new Map());
  }

  /** No coordinator was found since the start. */
  #giveUp(): void {
    const { reason } = this.#trouble ?? {};
    if (!this.#hasBeenMember && reason !== undefined) this.#refuse({ code: 'kafka.unavailable', reason, remedy: null });
  }

  #refuse({
    code,
    reason,
    remedy,
  }: {
    readonly code: string;
    readonly reason: string;
    readonly remedy: string | null;
  }): void {
    this.#refused.reject(new PublisherError(code as ErrorCode, reason, remedy === null ? {} : { remedy }));
  }

  #take({ assignment, generation, memberId, cause }: GroupEvent & { readonly name: 'assigned' }): void {
    this.#round = { assignment, generation, memberId };
    this.#hasBeenMember = true;
    this.#trouble = null;
    this.#assign(new Map(assignment.accounts));
    this.#sayAccounts();
    const { term, leader, fleet, unassigned, accounts } = assignment;
    this.#options.tell({
      ...{ name: 'cluster.assigned', cause, term, generation, leader },
      ...{ members: fleet.length, accounts: accounts.length, unassigned: unassigned.length },
    });
    if (accounts.length === 0) this.#onRound();
  }

  /** These accounts are ours now, and no others. */
  #assign(assigned: ReadonlyMap<string, string | null>): void {
    this.#assigned = assigned;
    const members = new Set(this.#round?.assignment.fleet.map(({ name }) => name));
    for (const [id, holding] of this.#holdings) {
      if (assigned.has(id)) holding.renew(this.#rank(), members);
      else holding.letGo();
    }
    this.#openMissing();
  }

  #openMissing(): void {
    // A round that came late may still name accounts for an instance that goes.
    if (this.#isLeaving) return;
    const { premises, group, turns } = { premises: this.#premises, group: this.#group!, turns: this.#turns };
    const handOverMs = premises.config.cluster.hand_over_seconds * 1000;
    for (const [id, from] of this.#assigned) {
      const account = this.#accounts.get(id);
      // One that is still being closed is opened when that has ended.
      if (account === undefined || this.#holdings.has(id)) continue;
      const common = { premises, turns, group, handOverMs, tell: this.#options.tell, world: this.#world };
      const holding = new Holding({ ...common, account, rank: this.#rank(), from });
      this.#holdings.set(id, holding);
      this.#follow(holding);
    }
  }

  #follow(holding: Holding): void {
    const { id } = holding.account;
    const run = holding.run().finally(() => {
      this.#closing.delete(run);
      this.#holdings.delete(id);
      this.#options.tell({ name: 'cluster.closed', account: id });
      this.#openMissing();
    });
    this.#closing.add(run);
  }

  #rank(): Rank {
    const { assignment, generation } = this.#round!;
    const { cluster } = this.#premises.config;
    return { group: cluster.group_id, member: assignment.name, term: assignment.term, generation };
  }
}

function weightOf({ streams }: AccountStatus): number {
  return 1 + Math.floor(streams.reduce((sum, { rows }) => sum + rows, 0) / ROWS_OF_WEIGHT);
}

function byId(accounts: readonly AccountConfig[]): ReadonlyMap<string, AccountConfig> {
  return new Map(accounts.map((account) => [account.id, account]));
}

/** Whether two configurations of an account say the same, secrets included. */
function isSame(a: AccountConfig, b: AccountConfig | undefined): boolean {
  const told = (account: AccountConfig | undefined) => {
    const { access_token, oauth } = account ?? {};
    const { client_id, client_secret, refresh_token, token_file } = oauth ?? {};
    return JSON.stringify([
      ...[access_token?.reveal(), client_id, client_secret?.reveal(), refresh_token?.reveal(), token_file],
      account === undefined,
    ]);
  };
  return told(a) === told(b);
}

function refusable() {
  let reject = (_: PublisherError) => {};
  const promise = new Promise<never>((_, refuse) => {
    reject = refuse;
  });
  // Nobody waits for it before and after `run`.
  promise.catch(() => {});
  return { promise, reject: (error: PublisherError) => reject(error) };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
