// A log with Kafka's transaction semantics in memory: the engine runs against it where a broker would only cost time. The
// contract suite runs the same tests against it and the real sink, so that it cannot drift.
import { PublisherError } from '../../src/base/errors.ts';
import type {
  Batch,
  DeadLetter,
  JsonObject,
  Notification,
  Opened,
  OutMessage,
  Restore,
  Signal,
  Sink,
} from '../../src/engine/ports.ts';

/** The log of a broker: committed records only, in order. Survives its sinks as a broker survives its clients. */
export class MemoryLog {
  readonly topics = new Map<string, OutMessage[]>();
  /** Everything that was ever committed, over all topics, in order. */
  readonly history: OutMessage[] = [];
  readonly rows = new Map<string, JsonObject>();
  readonly deadLetters: DeadLetter[] = [];
  readonly notifications: Notification[] = [];
  /** Signals that are not carried out yet. */
  readonly signals = new Map<string, Signal>();
  /** The largest value that a topic takes, where one is set. */
  readonly maxValueBytes = new Map<string, number>();
  /** Producers so far; the latest is the only one that may commit. */
  epoch = 0;

  /** The compacted view of a topic: key bytes (hex) to the last value; tombstoned keys are gone. */
  compacted(stream: string): Map<string, OutMessage> {
    const view = new Map<string, OutMessage>();
    for (const message of this.topics.get(stream) ?? []) {
      if (message.value === null) view.delete(message.key.toString('hex'));
      else view.set(message.key.toString('hex'), message);
    }
    return view;
  }

  /** Empties a topic, as a person with admin rights might. */
  empty(stream: string): void {
    this.topics.delete(stream);
  }

  append(batch: Batch): void {
    for (const message of batch.messages) {
      const topic = this.topics.get(message.stream) ?? [];
      this.topics.set(message.stream, topic);
      topic.push(message);
      this.history.push(message);
    }
    for (const id of batch.signalsDone) this.signals.delete(id);
    this.deadLetters.push(...batch.deadLetters);
    this.notifications.push(...batch.notifications);
    for (const [name, row] of batch.rows) {
      // Through JSON, as a topic would carry it.
      if (row === null) this.rows.delete(name);
      else this.rows.set(name, JSON.parse(JSON.stringify(row)) as JsonObject);
    }
  }
}

/** How a commit ends: acknowledged, or in doubt with or without effect. */
export type CommitFate = 'acknowledged' | 'lost' | 'reply lost';

export interface MemorySink extends Sink {
  /** Decides the fate of each commit; all are acknowledged by default. */
  fate: () => CommitFate;
}

/** Says whose the log is, where signatures decide and not the order of opening alone. */
export interface Claimant {
  /** Resolves when the log is its own; calls `fence` when older producers are to be refused. */
  takeOver(fence: () => void, signal: AbortSignal): Promise<void>;
  /** The failure that a refused commit means. */
  judge(refused: PublisherError): Promise<PublisherError>;
}

/** A sink on `log`. Opening it fences every other sink of the same log. */
export function createMemorySink(log: MemoryLog, claimant: Claimant | null = null): MemorySink {
  const read = new Map<string, { readonly topic: readonly OutMessage[]; count: number }>();
  let epoch = -1;
  const moves = { log: 0, signals: 0 };

  return {
    fate: () => 'acknowledged',

    async open(restore: Restore, signal: AbortSignal): Promise<Opened> {
      moves.log++;
      const fence = () => {
        epoch = ++log.epoch;
      };
      if (claimant) await claimant.takeOver(fence, signal);
      else if (epoch !== -1 && epoch !== log.epoch) throw fenced();
      else fence();
      const broken = new Map<string, string>();
      let records = 0;
      for (const [stream, before] of read) {
        if (log.topics.get(stream) === before.topic) continue;
        broken.set(stream, 'the topic was emptied or made anew');
        restore.reset(stream);
        read.delete(stream);
      }
      for (const [stream, topic] of log.topics) {
        const from = read.get(stream)?.count ?? 0;
        for (const { key, value, sourceTsMs } of topic.slice(from)) {
          await restore.record(stream, { key, value, sourceTsMs });
          records++;
          moves.log++;
        }
        read.set(stream, { topic, count: topic.length });
      }
      return { rows: new Map(log.rows), broken, records, maxValueBytes: log.maxValueBytes };
    },

    async commit(batch: Batch): Promise<void> {
      moves.log++;
      if (epoch !== log.epoch) throw claimant ? await claimant.judge(fenced()) : fenced();
      const fate = this.fate();
      if (fate !== 'lost') log.append(batch);
      if (fate !== 'acknowledged') throw new PublisherError('kafka.doubt', `the commit was ${fate}`);
      for (const [stream, topic] of log.topics) read.set(stream, { topic, count: topic.length });
    },

    async signals(): Promise<readonly Signal[]> {
      moves.signals++;
      return [...log.signals.values()];
    },

    moves: () => moves,

    async close(): Promise<void> {},
  };
}

function fenced(): PublisherError {
  return new PublisherError('kafka.fenced', 'another instance of this account took over');
}
