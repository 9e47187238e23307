// Looks whether somebody who has taken an account is done with it. Reads only.
import { type Clock, isoSeconds } from '../base/clock.ts';
import type { Brokers } from './brokers.ts';
import type { Log } from './connection.ts';
import { createTopicReader, type TopicReader } from './reader.ts';
import type { FetchedRecord } from './record-batch.ts';
import { SignalReader } from './signals.ts';
import { AccountState } from './state-topic.ts';
import { stateTopic } from './topics.ts';

export interface OwnerWatchOptions {
  readonly brokers: Brokers;
  readonly prefix: string;
  readonly accountId: string;
  readonly clock: Clock;
  readonly log: Log;
  /** So long without a word an owner is taken for dead. */
  readonly quietMs: number;
}

const LOOK_MS = 5_000;

/**
 * Resolves when the account is released, its owner has written nothing for `quietMs`, or a person has it taken back; also when
 * `signal` aborts.
 */
export async function ownerIsDone(options: OwnerWatchOptions, signal: AbortSignal): Promise<void> {
  const { brokers, prefix, accountId, clock, log, quietMs } = options;
  const reader = createTopicReader(brokers, clock, { brokers: brokers.names, prefix });
  const state = new AccountState(prefix, accountId, `watch of ${isoSeconds(clock.now())}`);
  const signals = new SignalReader({ brokers, prefix, accountId, clock, log });
  let movedAt = clock.monotonic();
  while (!signal.aborted) {
    const before = state.position;
    // A log that cannot be read now tells nothing.
    const isRead = await readNew(reader, stateTopic(prefix), state, signals, signal).then(
      () => true,
      () => false,
    );
    const now = clock.monotonic();
    if (!isRead || state.position !== before) movedAt = now;
    const isDone = state.owner?.released_at !== undefined || now - movedAt >= quietMs;
    if (isRead && (isDone || signals.ofAccount.some(({ kind }) => kind === 'take'))) return;
    await clock.sleep(LOOK_MS, signal);
  }
}

async function readNew(
  reader: TopicReader,
  topic: string,
  state: AccountState,
  signals: SignalReader,
  signal: AbortSignal,
): Promise<void> {
  const { start, stable } = (await reader.bounds([topic], signal)).get(topic)![0]!;
  const from = Math.max(state.position, start);
  const followed = signals.follow(0);
  const take = (record: FetchedRecord) => {
    state.apply(record);
    followed(record);
  };
  await reader.read([{ topic, partition: 0, from, to: stable }], take, signal);
  state.position = Math.max(from, stable);
}
