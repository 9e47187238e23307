// Things that happen: noun + past verb. One event becomes a log line, metrics and the status page; who emits does not
// know who listens. `name` is stable: operators alert on it. Per page or per request, never per record.
import type { BudgetName } from '../streams/definition.ts';
import type { JsonObject, Op, Purpose, Shape, Signal } from './ports.ts';

export type StreamState = 'RUNNING' | 'FORBIDDEN' | 'FEATURE_OFF' | 'BLOCKED' | 'HELD' | 'PAUSED';

/** How Harvest's answers left what was known of them. */
export type DriftKind = 'unknown_member' | 'new_type' | 'unexpected_null' | 'replaced_text' | 'empty_text';

/** How often a field of a page drifted; counted each time, announced once. */
export interface DriftCount {
  readonly kind: DriftKind;
  readonly field: string;
  readonly count: number;
}

export type PublisherEvent =
  | {
      name: 'account.opened';
      /** Rows on the topics, and how many of their records had to be read for that: after an outage, what is new. */
      rows: number;
      restoredRows: number;
      restoreMs: number;
      streams: number;
      /** Opened before in this process. */
      again: boolean;
    }
  | {
      name: 'account.waiting';
      code: string;
      reason: string;
      remedy: string;
      attempt: number;
      /** How long nothing has worked. */
      failingMs: number;
      retryInMs: number;
    }
  | { name: 'account.stopped'; code: string; reason: string; remedy: string }
  | {
      name: 'page.committed';
      stream: string;
      purpose: Purpose;
      read: number;
      published: Readonly<Record<Op, number>>;
      unchanged: number;
      stale: number;
      deadLetters: number;
      drift: readonly DriftCount[];
      /** Null when there was nothing to write. */
      commitMs: number | null;
      /** Of a poll: how long its changes took, from updated_at to the commit. */
      agesMs: readonly number[];
    }
  /** One Kafka transaction, with `pages` of them in it; those of budgets alone have none. */
  | { name: 'transaction.committed'; pages: number; ms: number }
  | { name: 'scan.started'; stream: string; purpose: Purpose; since: string | null }
  | {
      name: 'scan.completed';
      stream: string;
      purpose: Purpose;
      pages: number;
      read: number;
      ms: number;
      cursor: string | null;
    }
  | { name: 'scan.shifted'; stream: string; expected: number; found: number; walk: number }
  /** A record is dated so far from today that its year must be mistyped. */
  | { name: 'day.unlikely'; stream: string; record: number; field: string; day: string }
  /** Harvest sends no `total_entries` for a list: what was deleted shows at its next reconciliation only. */
  | { name: 'totals.absent'; stream: string; reason: string }
  | {
      name: 'stream.changed';
      stream: string;
      from: StreamState;
      to: StreamState;
      reason: string;
      remedy: string;
      nextProbeAt: string | null;
    }
  | {
      name: 'stream.retrying';
      stream: string;
      code: string;
      reason: string;
      attempt: number;
      failingMs: number;
      retryInMs: number;
    }
  | { name: 'topic.refilled'; stream: string; reason: string }
  | { name: 'record.refused'; stream: string; field: string; count: number; reason: string; shape: Shape }
  /** Values on the stream's topic cannot be read; `schemaId` is null when they are not in the wire format. */
  | { name: 'value.unreadable'; stream: string; schemaId: number | null }
  | { name: 'decimal.rounded'; stream: string; field: string }
  | {
      name: 'drift.seen';
      stream: string;
      kind: DriftKind;
      field: string;
      /** Types of a sample, never values. */
      shape: Shape;
      /** The type that the schema takes there; null when it knows no such member. */
      expected: string | null;
      /** Of an unknown member: the field to paste into `avro/<stream>.avsc`, null when no field can hold it. */
      avro: JsonObject | null;
      /** Of an unknown member: the record in that schema that the field belongs in. */
      into: string | null;
      advice: string;
    }
  | {
      name: 'request.finished';
      stream: string;
      purpose: Purpose;
      budget: BudgetName;
      /** HTTP status; 0 when no answer came. */
      status: number;
      ms: number;
      bytes: number;
      waitedMs: number;
      /** The name that Harvest gave it; null when it gave none. */
      requestId: string | null;
    }
  /** A stream has one step at a time: all that is told of it until that ends is part of the step. */
  | { name: 'step.begun'; stream: string; task: string }
  /** So many records were read, and so many messages follow from them. */
  | { name: 'step.compared'; stream: string; purpose: Purpose; read: number; changes: number }
  /** `commitMs` is null when nothing of it was committed. */
  | { name: 'step.ended'; stream: string; commitMs: number | null }
  /**
   * Polls and count checks would take `asked` of so many requests, and have room for `room` by `polling.budget_share`: all intervals
   * are `by` times as long; and they fit again.
   */
  | {
      name: 'polls.stretched' | 'polls.fit';
      by: number;
      asked: number;
      room: number;
      share: number;
      requests: number;
      perSeconds: number;
    }
  | { name: 'budget.paused'; budget: BudgetName; ms: number; status: number }
  /** Harvest takes the token again, after it was refused for so long. */
  | { name: 'token.accepted'; refusedMs: number }
  | { name: 'token.refreshed'; expiresInSeconds: number | null }
  | { name: 'signal.carried_out'; stream: string; signal: Signal['kind']; given: string; by: string | null }
  | { name: 'commit.doubted'; code: string; reason: string }
  /** Something waits that could go on, and nothing of the loop has moved for a minute: a defect of ours. */
  | { name: 'loop.stalled'; loop: string; waiting: string; forMs: number; remedy: string }
  | { name: 'loop.moved'; loop: string; waiting: string; forMs: number };

export type EventName = PublisherEvent['name'];
/** Listeners get the account with each event; the engine of one account emits without it. */
export type Emit = (event: PublisherEvent) => void;
