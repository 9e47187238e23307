// The judge of the fleet while time passes: is every account owned as soon as promised (P11), and does nothing move that need not (P12)?
import type { Joined } from '../../../../src/cluster/coordinator.ts';
import { decodeAssignment, decodeMetadata, type Metadata } from '../../../../src/cluster/protocol.ts';
import type { ClusterEvent } from '../../../../src/cluster/status.ts';
import { STORED_WITHIN_MS } from '../../../../src/engine/committer.ts';
import { type Instance, MOVES_AT_ONCE, SESSION_MS, STALL_MS } from './instance.ts';
import type { Writer } from './signed-log.ts';
import type { Site } from './site.ts';
import type { FleetStage } from './stage.ts';

/** After an owner vanished: the session, and what is promised beside it. A loop that stands still is noticed sooner. */
export const VANISHED_MS = Math.max(SESSION_MS, STALL_MS) + 5_000;
/** After an owner said good-bye, beside what the broker takes for an opening. */
const GOODBYE_MS = 3_000;
/** Requests of a release and of an opening, one after the other. */
const STEPS = 10;
const RETAKES_MOST = 2;
/** What is disturbed may show for so long: a session, and a round that waits for somebody who does not come. */
const ECHO_MS = 3 * SESSION_MS;
const ENDS_WITHIN_MS = 15_000;

export class FleetWatch {
  readonly #stage: FleetStage;
  /** Monotonic; until then an account may be without an owner for a reason. */
  #excusedUntil = 0;
  readonly #ownedAt = new Map<string, number>();
  /** Monotonic, by account: when its owner was fenced, which does not know it yet. */
  readonly #fencedAt = new Map<string, number>();
  readonly #losses = new Map<string, number>();
  /** By account, the name of whoever lost it and has not been in a round since. */
  readonly #losers = new Map<string, string>();
  /** Monotonic; until when what happens to an instance, or to an account, may have an effect. */
  readonly #echoes = new Map<Instance | Site, number>();
  #owners: ReadonlyMap<string, string> = new Map();
  readonly #stopping = new Map<Instance, number>();
  /** The longest time that an account had no owner, in ms. */
  longestMs = 0;

  constructor(stage: FleetStage) {
    this.#stage = stage;
    for (const site of stage.sites.values())
      site.log.onSign = (writer, before) => this.#judgeSignature(site, writer, before);
  }

  /** Something happens to an instance, to an account or to all; accounts may be without an owner for `ms` from now. */
  disturb(what: Instance | Site | 'all', ms = VANISHED_MS): void {
    const { clock, instances, group } = this.#stage;
    const now = clock.monotonic();
    // Whoever is gone in the middle of a round keeps the others waiting for its session once more, as a leader even for the next.
    const excused = ms + (group.isInRound ? SESSION_MS : 0);
    this.#excusedUntil = Math.max(this.#excusedUntil, now + excused);
    for (const each of what === 'all' ? instances : [what]) {
      this.#echoes.set(each, Math.max(this.#echoes.get(each) ?? 0, now + ms + ECHO_MS));
    }
    this.#losses.clear();
  }

  /** An instance is told to end. */
  saysGoodbye(instance: Instance): void {
    this.#stopping.set(instance, this.#stage.clock.monotonic());
    this.disturb(instance, this.#goodbyeMs());
  }

  look(): void {
    const { sites, clock, instances, broken, group } = this.#stage;
    const now = clock.monotonic();
    // Without a coordinator nothing is promised.
    if (group.isAway) this.disturb('all');
    for (const site of sites.values()) this.#judgeSilence(site, now);
    for (const instance of instances) {
      const { ended, name } = instance;
      if (typeof ended === 'object') {
        broken.push(`${name} ended by ${ended.failed}`);
        instance.ended = 'killed';
      }
      const since = this.#stopping.get(instance);
      if (since === undefined || !instance.isOver) {
        const isLate = since !== undefined && now - since > ENDS_WITHIN_MS && !instance.loop.isFrozen;
        if (isLate) broken.push(`P11: ${name} has not ended ${now - since!} ms after SIGTERM`);
        if (!isLate) continue;
      }
      this.#stopping.delete(instance);
    }
  }

  hear(instance: Instance, event: ClusterEvent): void {
    const { broken } = this.#stage;
    if (event.name === 'cluster.disputed')
      broken.push(`P12: two members claimed ${event.accounts.join()} under one term`);
    if (event.name === 'cluster.refused' || event.name === 'cluster.died')
      broken.push(`P11: ${instance.name}: ${event.reason}`);
    if (event.name === 'cluster.assigned') {
      const { cause, term, members, accounts } = event;
      this.#stage.tell(`${instance.name} has ${accounts} of ${members} members in term ${term} (${cause})`);
    } else if (event.name === 'cluster.lost') {
      this.#stage.tell(`${instance.name} lost ${event.account} to ${event.by}`);
      this.#losers.set(event.account, instance.name);
      const count = (this.#losses.get(event.account) ?? 0) + 1;
      this.#losses.set(event.account, count);
      if (count > RETAKES_MOST) broken.push(`P12: ${event.account} was lost ${count} times though nothing happened`);
    } else if (event.name !== 'cluster.closed') {
      this.#stage.tell(`${instance.name} ${event.name} ${'account' in event ? event.account : ''}`);
    }
  }

  /** Every account that moves has a reason: its owner is gone, goes, or lost it; else it moves for balance or because somebody asked. */
  judgeRound({ members }: Joined, assignments: ReadonlyMap<string, Buffer>): void {
    const { broken } = this.#stage;
    const said = new Map([...members.values()].map((bytes) => decodeMetadata(bytes)!).map((each) => [each.name, each]));
    const [first] = assignments.values();
    const { fleet } = decodeAssignment(first!)!;
    const owners = new Map(fleet.flatMap(({ name, accounts }) => accounts.map((id) => [id, name] as const)));
    const free = [...owners].filter(([id, to]) => {
      const from = this.#owners.get(id);
      if (from === undefined || from === to || !this.#stays(said.get(from), id)) {
        if (from !== undefined && from !== to) this.#judgeReason(id, from);
        return false;
      }
      return true;
    });
    const wishes = [...said.values()].reduce((sum, { moves = [] }) => sum + moves.length, 0);
    if (free.length > MOVES_AT_ONCE + wishes) broken.push(`P12: ${free.length} accounts moved at once for balance`);
    this.#owners = owners;
    for (const [id, loser] of this.#losers) if (said.has(loser)) this.#losers.delete(id);
  }

  #stays(member: Metadata | undefined, id: string): boolean {
    return (
      member !== undefined &&
      !member.leaving &&
      member.accounts.includes(id) &&
      member.claims.some(([claimed]) => claimed === id)
    );
  }

  #judgeReason(id: string, from: string): void {
    const { instances, sites, broken } = this.#stage;
    if (this.#losers.get(id) === from) return;
    const owner = instances.find(({ name }) => name === from)!;
    if (this.#isDisturbed(owner) || this.#isDisturbed(sites.get(id)!)) return;
    broken.push(`P12: ${id} moved away from ${from}, which nothing had happened to`);
  }

  #judgeSilence({ id, log, plan }: Site, now: number): void {
    const { instances, outsiders, broken } = this.#stage;
    const isRun = (writer: Writer | null) => [...instances, ...outsiders].some((each) => writer && each.runs(writer));
    // An owner that an elder fenced by accident finds that out when it stores something: it has the account until then.
    if (!isRun(log.fencedOut)) this.#fencedAt.delete(id);
    else if (!this.#fencedAt.has(id)) this.#fencedAt.set(id, now);
    const isOwned =
      isRun(log.holder) ||
      now - (this.#fencedAt.get(id) ?? Number.NEGATIVE_INFINITY) <= STORED_WITHIN_MS + plan.polling.idleMs;
    const isWanted = instances.some(({ isHealthy, listed }) => isHealthy && listed.includes(id));
    const since = Math.max(this.#ownedAt.get(id) ?? 0, 0);
    if (!isOwned && isWanted) this.longestMs = Math.max(this.longestMs, now - since);
    if (isOwned || !isWanted || now <= this.#excusedUntil) {
      if (isOwned || !isWanted) this.#ownedAt.set(id, now);
      return;
    }
    if (now - since <= this.#goodbyeMs()) return;
    broken.push(`P11: ${id} has had no owner for ${Math.round(now - since)} ms`);
    this.#ownedAt.set(id, now);
  }

  /** Whoever is there is waited for, and nobody closes an account that it keeps. */
  #judgeSignature(site: Site, writer: Writer, before: { readonly writer: Writer; readonly isReleased: boolean }): void {
    const { instances, broken, clock } = this.#stage;
    const former = instances.find((each) => before.writer.name.startsWith(`${each.name}/`));
    const now = instances.find((each) => writer.name.startsWith(`${each.name}/`));
    if (clock.monotonic() <= this.#excusedUntil || this.#isDisturbed(site)) return;
    if (former === undefined || now === undefined || this.#isDisturbed(former) || this.#isDisturbed(now)) return;
    if (!before.isReleased && former !== now)
      broken.push(`P12: ${writer.name} took ${site.id} before ${before.writer.name} had released it`);
    if (before.isReleased && former === now) broken.push(`P12: ${former.name} closed ${site.id} and opened it again`);
  }

  #isDisturbed(what: Instance | Site): boolean {
    return (this.#echoes.get(what) ?? 0) >= this.#stage.clock.monotonic();
  }

  #goodbyeMs(): number {
    const latency = Math.max(...[...this.#stage.sites.values()].map(({ plan }) => plan.latencyMs));
    return GOODBYE_MS + STEPS * latency;
  }
}
