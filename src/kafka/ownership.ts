// The owner of the account. Reads the state topic with the signatures in it, signs it, and tells after a failure whether the
// account was lost to a newer instance or is only in doubt. The rule by which the log decides is AccountState's.
import { type Pace, until } from '../base/backoff.ts';
import { type Clock, isoSeconds } from '../base/clock.ts';
import { PublisherError } from '../base/errors.ts';
import { createConnection, type KafkaSettings, type Log } from './connection.ts';
import { type BrokerPlace, isFencing, translate } from './failures.ts';
import { closeWithin, createTopicReader, type PartitionRange, type TopicReader } from './reader.ts';
import type { FetchedRecord } from './record-batch.ts';
import type { Session } from './session.ts';
import type { SignalReader } from './signals.ts';
import { type AccountState, isAnotherLog, type Owner, ownerKey } from './state-topic.ts';
import { stateTopic } from './topics.ts';
import type { Traffic } from './traffic.ts';

export interface OwnershipParts {
  readonly kafka: KafkaSettings;
  readonly accountId: string;
  readonly instance: string;
  readonly place: BrokerPlace & { readonly transactionalId: string };
  readonly state: AccountState;
  readonly signals: SignalReader;
  readonly clock: Clock;
  readonly log: Log;
  readonly traffic: Traffic;
}

/** How long we look for the signature of whoever fenced us: it signs right after fencing. */
const SIGNATURE_PACE: Pace = { baseMs: 250, mostMs: 250, patienceMs: 5_000 };

export class Ownership {
  readonly #parts: OwnershipParts;
  readonly #topic: string;
  #openings = 0;

  constructor(parts: OwnershipParts) {
    this.#parts = parts;
    this.#topic = stateTopic(parts.place.prefix);
  }

  /** Reads who signed and what the rows are. Throws `kafka.fenced` when somebody newer did. */
  async look(reader: TopicReader, signal: AbortSignal): Promise<void> {
    await this.#readSignatures(reader, signal);
    this.#refuseNewer();
  }

  /**
   * Commits a record that names this opening and reads the state up to it: once it is there, nobody older can commit any
   * more, and the rows are final. Throws `kafka.fenced` when somebody newer signed, `kafka.doubt` when our record is not there.
   */
  async sign(session: Session, reader: TopicReader, signal: AbortSignal): Promise<void> {
    const { clock, instance, accountId, place, state } = this.#parts;
    const owner: Owner = { instance, opening: ++this.#openings, opened_at: isoSeconds(clock.now()) };
    const message = { key: ownerKey(place.prefix, accountId), value: JSON.stringify(owner), partition: 0 };
    const signature = await session.transact((send) => send(this.#topic, 0, [message]));
    await this.#readState(reader, state.position, signature + 1, signal);
    this.#refuseNewer();
    if (state.owner?.instance !== instance || state.owner.opening !== owner.opening) {
      throw new PublisherError('kafka.doubt', `our signature is not at offset ${signature} of ${this.#topic}`);
    }
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
    const { clock, kafka, log, place, state, traffic } = this.#parts;
    const known = state.owner;
    const connection = createConnection(kafka, log, traffic);
    const reader = createTopicReader(connection, clock, place);
    signal.addEventListener('abort', connection.sever);
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
    } finally {
      signal.removeEventListener('abort', connection.sever);
      await closeWithin(reader, clock);
      connection.sever();
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
  }

  #refuseNewer(): void {
    const { newer } = this.#parts.state;
    if (newer) throw this.#fencedBy(newer);
  }

  #fencedBy({ instance, opened_at }: Owner, cause?: unknown): PublisherError {
    const { accountId, place } = this.#parts;
    const who = `instance ${instance}, opened at ${opened_at}`;
    const told = `account ${accountId} was taken over by ${who} (transactional id ${place.transactionalId})`;
    return new PublisherError('kafka.fenced', told, { cause });
  }

  #doubted(cause: unknown): PublisherError {
    const { transactionalId } = this.#parts.place;
    const told = `the broker no longer takes this producer of ${transactionalId}`;
    return new PublisherError('kafka.doubt', told, { cause });
  }
}
