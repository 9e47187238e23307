// The owner of the account. Reads the state topic with the signatures in it, signs it, and tells after a failure whether the
// account was lost to a newer instance or is only in doubt. The rule by which the log decides is AccountState's.
import { type Pace, until } from '../base/backoff.ts';
import { type Clock, isoSeconds } from '../base/clock.ts';
import { PublisherError } from '../base/errors.ts';
import { type BrokerPlace, isFencing, translate } from './failures.ts';
import type { Rank } from './rank.ts';
import type { PartitionRange, TopicReader } from './reader.ts';
import type { FetchedRecord } from './record-batch.ts';
import type { Session } from './session.ts';
import type { AccountSignal, SignalReader } from './signals.ts';
import { type AccountState, isAnotherLog, type Owner, ownerKey } from './state-topic.ts';
import { stateTopic } from './topics.ts';

/** How a member of a group has an account; an instance outside of groups has none. */
export interface Membership {
  /** Under which the account is run now. */
  rank(): Rank;
  /** How long the release of the owner before is waited for. */
  readonly handOverMs: number;
  /** Whether there is an owner to wait for; asked again and again, because it may vanish meanwhile. */
  isHandedOver(): boolean;
  /** Hears the last signature of another whenever it has changed. */
  onSignature(owner: Owner): void;
  /** Hears at each opening that the account is ours, and how long nobody had written before the first; null for its first owner. */
  onSigned(unownedMs: number | null): void;
  /** Hears what is asked of the account as a whole, again and again until it is carried out. */
  onSignals(signals: readonly AccountSignal[]): void;
  /** Ids of those that were; the ones that still lie there are deleted in the next transaction. */
  carriedOut(): readonly string[];
}

export interface OwnershipParts {
  readonly reader: TopicReader;
  readonly accountId: string;
  readonly instance: string;
  readonly membership?: Membership;
  /** Whether instances of this group would run the account: asked before it is taken from them. Absent: it is taken all the same. */
  readonly isRunBy?: (group: string, signal: AbortSignal) => Promise<boolean>;
  readonly place: BrokerPlace & { readonly transactionalId: string };
  readonly state: AccountState;
  readonly signals: Pick<SignalReader, 'follow'>;
  readonly clock: Clock;
}

/** How long we look for the signature of whoever fenced us: it signs right after fencing. */
const SIGNATURE_PACE: Pace = { baseMs: 250, mostMs: 250, patienceMs: 5_000 };

const RELEASE_EVERY_MS = 250;

export class Ownership {
  readonly #parts: OwnershipParts;
  readonly #topic: string;
  #signed: Owner | null = null;
  #told: Owner | null = null;

  constructor(parts: OwnershipParts) {
    this.#parts = parts;
    this.#topic = stateTopic(parts.place.prefix);
  }

  /** Reads who signed and what the rows are. Throws `kafka.fenced` when somebody newer did, `cluster.owned` when a group has it. */
  async look(reader: TopicReader, signal: AbortSignal): Promise<void> {
    await this.#readSignatures(reader, signal);
    this.#refuseNewer();
    if (this.#signed === null) await this.#refuseGroup(signal);
  }

  /**
   * At the first opening, waits for the owner before to release the account, so that nothing of it is cut off. Not for long: an
   * owner that does not come to it is fenced. Throws `kafka.fenced` when somebody newer signs meanwhile.
   */
  async awaitRelease(reader: TopicReader, signal: AbortSignal): Promise<void> {
    const { membership, clock, state } = this.#parts;
    if (this.#signed !== null || !membership?.isHandedOver()) return;
    const { handOverMs: patienceMs } = membership;
    const isReleased = async () => {
      await this.look(reader, signal);
      const isAwaited = membership.isHandedOver() && state.owner !== null && state.owner.released_at === undefined;
      return !isAwaited || null;
    };
    await until(isReleased, { baseMs: RELEASE_EVERY_MS, mostMs: RELEASE_EVERY_MS, patienceMs }, { clock, signal });
  }

  /** The record that ends our time with the account, for its last transaction. */
  release(): { readonly key: string; readonly value: string } {
    const { accountId, place, clock } = this.#parts;
    const released: Owner = { ...this.#signed!, released_at: isoSeconds(clock.now()) };
    return { key: ownerKey(place.prefix, accountId), value: JSON.stringify(released) };
  }

  /**
   * Commits a record that names this opening and reads the state up to it: once it is there, nobody older can commit any
   * more, and the rows are final. Throws `kafka.fenced` when somebody newer signed, `kafka.doubt` when our record is not there.
   */
  async sign(session: Pick<Session, 'transact'>, reader: TopicReader, signal: AbortSignal): Promise<void> {
    const { clock, instance, accountId, place, state, membership } = this.#parts;
    const opening = (this.#signed?.opening ?? 0) + 1;
    const owner: Owner = { instance, opening, opened_at: isoSeconds(clock.now()), ...membership?.rank() };
    this.#signed = owner;
    const message = { key: ownerKey(place.prefix, accountId), value: JSON.stringify(owner), partition: 0 };
    const signature = await session.transact((send) => send(this.#topic, 0, [message]));
    await this.#readState(reader, state.position, signature + 1, signal);
    this.#refuseNewer();
    if (state.owner?.instance !== instance || state.owner.opening !== owner.opening) {
      throw new PublisherError('kafka.doubt', `our signature is not at offset ${signature} of ${this.#topic}`);
    }
    membership?.onSigned(state.unownedMs);
  }

  /** The failure in our words: fenced, in doubt, or as it came; `doing` completes "while …". */
  async judge(error: unknown, doing: string, signal: AbortSignal): Promise<PublisherError> {
    return isFencing(error) ? this.#whoFencedUs(error, signal) : translate(error, doing, this.#parts.place);
  }

  /**
   * Waits for the signature of whoever fenced us. A newer instance's: the account is theirs. Anything else leaves it ours,
   * and we open again: an older instance that came back from a doubt before it saw our signature; a broker that gave up
   * our transaction for its age; a request of our own former opening that arrived late; somebody who died before it
   * signed. One that only dawdles fences us again, and has signed by then.
   */
  async #whoFencedUs(cause: unknown, signal: AbortSignal): Promise<PublisherError> {
    const { clock, reader, state } = this.#parts;
    const known = state.owner;
    try {
      const look = async () => {
        await this.#readSignatures(reader, signal);
        if (state.newer) return this.#fencedBy(state.newer, cause);
        return state.owner === known ? null : this.#doubted(cause);
      };
      return (await until(look, SIGNATURE_PACE, { clock, signal })) ?? this.#doubted(cause);
    } catch {
      // Not readable now: the next opening looks at the signatures again before it fences anybody.
      return this.#doubted(cause);
    }
  }

  /** Reads what is visible of the state topic now; a topic that is not the one we have read so far, from its beginning. */
  async #readSignatures(reader: TopicReader, signal: AbortSignal): Promise<void> {
    const bounds = (await reader.bounds([this.#topic], signal)).get(this.#topic)![0]!;
    const { state } = this.#parts;
    if (isAnotherLog(state.position, bounds)) state.forget();
    await this.#readState(reader, Math.max(state.position, bounds.start), bounds.stable, signal);
  }

  async #readState(reader: TopicReader, from: number, to: number, signal: AbortSignal): Promise<void> {
    const { state, signals } = this.#parts;
    const range: PartitionRange = { topic: this.#topic, partition: 0, from, to };
    const followed = signals.follow(from);
    const take = (record: FetchedRecord) => {
      state.apply(record);
      followed(record);
    };
    await reader.read([range], take, signal);
    state.position = Math.max(from, to);
    this.#tell();
  }

  #tell(): void {
    const { state, membership, instance } = this.#parts;
    const other = state.newer ?? state.owner;
    if (other === null || other === this.#told || other.instance === instance) return;
    this.#told = other;
    membership?.onSignature(other);
  }

  #refuseNewer(): void {
    const { newer } = this.#parts.state;
    if (newer) throw this.#fencedBy(newer);
  }

  async #refuseGroup(signal: AbortSignal): Promise<void> {
    const { isRunBy, accountId, state } = this.#parts;
    const { group, member } = state.owner ?? {};
    if (isRunBy === undefined || group === undefined || !(await isRunBy(group, signal))) return;
    const told = `account ${accountId} is run by the instances of group ${group} (the last was ${member})`;
    throw new PublisherError('cluster.owned', told);
  }

  #fencedBy({ instance, opened_at, member, group, term }: Owner, cause?: unknown): PublisherError {
    const { accountId, place } = this.#parts;
    const as = group === undefined ? '' : `, ${member} of group ${group} in term ${term}`;
    const who = `instance ${instance}, opened at ${opened_at}${as}`;
    const told = `account ${accountId} was taken over by ${who} (transactional id ${place.transactionalId})`;
    return new PublisherError('kafka.fenced', told, { cause });
  }

  #doubted(cause: unknown): PublisherError {
    const { transactionalId } = this.#parts.place;
    const told = `the broker no longer takes this producer of ${transactionalId}`;
    return new PublisherError('kafka.doubt', told, { cause });
  }
}
