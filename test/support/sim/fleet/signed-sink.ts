// A tenure's sink on a log in memory. Whose the account is decides the code of the product, which reads and writes the signatures
// through here; each of its steps takes time, and between any two the process can be stopped or die.
import type { Clock } from '../../../../src/base/clock.ts';
import type { Batch, Sink } from '../../../../src/engine/ports.ts';
import { type Membership, Ownership } from '../../../../src/kafka/ownership.ts';
import type { OnRecord, PartitionRange, TopicReader } from '../../../../src/kafka/reader.ts';
import type { Session } from '../../../../src/kafka/session.ts';
import { AccountState } from '../../../../src/kafka/state-topic.ts';
import { type Claimant, type CommitFate, createMemorySink } from '../../memory-log.ts';
import type { Mortal } from '../mortal.ts';
import type { SignedLog, Writer } from './signed-log.ts';

export interface SignedSinkParts {
  readonly name: string;
  readonly accountId: string;
  readonly instance: string;
  readonly membership?: Membership;
  readonly log: SignedLog;
  readonly mortal: Mortal;
  /** As the process sees it. */
  readonly clock: Clock;
  /** How long the broker takes to answer, in ms. */
  readonly latency: () => number;
  readonly fate: (batch: Batch) => CommitFate;
}

const PREFIX = 'simulated';

export function createSignedSink(parts: SignedSinkParts): Sink & { readonly writer: Writer } {
  const { name, accountId, instance, membership, log, mortal, clock, latency } = parts;
  const rank = () => membership?.rank() ?? null;
  const state = new AccountState(PREFIX, accountId, instance, rank);
  const place = { brokers: 'simulated', prefix: PREFIX, transactionalId: `${PREFIX}-${accountId}` };
  const reader: TopicReader = {
    bounds: async (topics) => {
      await answered();
      const end = log.signatures.length;
      return new Map(topics.map((topic) => [topic, [{ start: 0, stable: end, end }]]));
    },
    read: async ([range]: readonly PartitionRange[], onRecord: OnRecord) => {
      await answered();
      for (const record of log.signatures.slice(range!.from, range!.to)) void onRecord(record, range!);
    },
    stable: () => Promise.reject(new Error('nobody looks for signals')),
    readAll: () => Promise.reject(new Error('nobody reads all of it')),
  };

  const ownership = new Ownership({
    ...{ accountId, instance, place, state, clock, signals: { follow: () => () => {} } },
    ...(membership && { membership }),
    reader,
  });
  const writer: Writer = { name, rank, release: () => ownership.release() };

  async function answered(): Promise<void> {
    await mortal.pass();
    await clock.sleep(latency());
    await mortal.pass();
  }

  const claimant: Claimant = {
    takeOver: async (fence, signal) => {
      try {
        await mortal.pass('while opening');
        await ownership.look(reader, signal);
        await ownership.awaitRelease(reader, signal);
        await answered();
        signal.throwIfAborted();
        fence();
        // Somebody else may fence while the answer is on its way.
        const { epoch } = log;
        await answered();
        signal.throwIfAborted();
        await ownership.sign(sessionOf(epoch), reader, signal);
      } catch (error) {
        signal.throwIfAborted();
        throw await ownership.judge(error, 'taking the account over', signal);
      }
    },
    judge: () => ownership.judge(fencing(), 'committing a batch', new AbortController().signal),
  };

  function sessionOf(epoch: number): Pick<Session, 'transact'> {
    return {
      transact: async (work) => {
        await answered();
        if (epoch !== log.epoch) throw fencing();
        const result = await work(async (_topic, _partition, messages) => log.sign(writer, messages[0]!));
        await answered();
        return result;
      },
    };
  }

  const inner = createMemorySink(log, claimant);
  return {
    writer,
    open: (restore, signal) => inner.open(restore, signal),
    commit: async (batch) => {
      await mortal.pass('before a commit');
      await clock.sleep(latency());
      await mortal.pass();
      inner.fate = () => parts.fate(batch);
      const carriedOut = membership?.carriedOut() ?? [];
      try {
        await log.commitAs(writer, () => inner.commit(batch));
        for (const id of carriedOut) log.ofAccount.delete(id);
      } finally {
        await clock.sleep(latency());
        await mortal.pass('after a commit');
      }
    },
    signals: async (signal) => {
      await mortal.pass();
      membership?.onSignals([...log.ofAccount.values()]);
      return inner.signals(signal);
    },
    moves: () => inner.moves(),
    close: async () => {
      // As the publisher does it.
      await answered();
      log.releaseAtLast(writer);
      await inner.close();
    },
  };
}

/** As kafkajs says it. */
function fencing(): Error {
  return Object.assign(new Error('fenced'), { type: 'INVALID_PRODUCER_EPOCH' });
}
