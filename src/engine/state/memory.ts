// The process remembers this of a stream beside its row, and a restart forgets it. Immutable: a step is given one memory and
// returns the next, which takes its place once the step is committed.
import type { PublisherError } from '../../base/errors.ts';
import type { TaskKind, WindowTask } from './task.ts';

/** Requests keep failing; the stream tries again at `at`. */
export interface Retry {
  readonly error: PublisherError;
  /** Failures in a row. */
  readonly attempt: number;
  /** When the row of failures began, on the wall and monotonic. */
  readonly since: number;
  readonly began: number;
  readonly at: number;
  /** The task that failed. Polls go on beside a reconciliation that keeps failing; while they fail themselves, everything waits. */
  readonly kind: TaskKind;
  /** A walk had to begin again: that pages come is no proof that its end does. */
  readonly ofWalk: boolean;
}

/** A refused record that is asked for again. */
export interface SecondLook {
  /** The record that its own lies below, where its address needs it. */
  readonly parent: number | null;
  readonly tries: number;
  /** Wall time of the next try. */
  readonly at: number;
}

export interface Memory {
  /** A scan has ended in this process: until then the stream is due at once, whatever its interval. */
  readonly scanned: boolean;
  /** A reconciliation, or a round over all windows, has ended in this process. */
  readonly reconciled: boolean;
  /** How often the list was counted in this process. */
  readonly counts: number;
  readonly retry: Retry | null;
  /** When a refused stream is asked again; a restart asks at once. */
  readonly probeAt: number;
  /** When what can wait had its last step, or began to wait: see `Claim.keepsPace`. */
  readonly steppedAt: number;
  /** When its last step ended: what may begin at once is as old as this. */
  readonly waitingSince: number;
  readonly lastCommitAt: number | null;
  /** Wall time of the newest change that is known of, as Harvest dates it; 0 when there is none. */
  readonly changedAt: number;
  /** When report windows were last read, by their first day. */
  readonly windowReads: ReadonlyMap<string, number>;
  /** At which step each class of report windows had its last turn. */
  readonly windowTurns: Readonly<Partial<Record<WindowTask['why'], number>>>;
  /** Refused records that are asked for again, by id. */
  readonly secondLooks: ReadonlyMap<number, SecondLook>;
  /** Next links of the walk under way: one that comes again leads in a circle. */
  readonly links: ReadonlySet<string>;
  /**
   * At which step of this process the scan under way began, and the last one that ended; -1 for one that an earlier process
   * began. And how many steps had begun when the confirmed deletes had all answered 404.
   */
  readonly scanBegan: number;
  readonly scannedFrom: number;
  readonly confirmedSince: number;
}

export function freshMemory(now: number): Memory {
  return {
    scanned: false,
    reconciled: false,
    counts: 0,
    retry: null,
    probeAt: 0,
    // From here on it waits: polls that are always late would otherwise have their turn before it, for ever.
    steppedAt: now,
    waitingSince: now,
    lastCommitAt: null,
    changedAt: 0,
    windowReads: new Map(),
    windowTurns: {},
    secondLooks: new Map(),
    links: new Set(),
    scanBegan: -1,
    scannedFrom: -1,
    confirmedSince: 0,
  };
}
