// The state row of a stream: where it stands, as stored in the state topic with the records it speaks of (P4). Plain JSON in
// snake_case, because operators read it (`state show`). Pure: every change is a new row; times come in as arguments.

import { isoSeconds } from '../../base/clock.ts';
import { PublisherError } from '../../base/errors.ts';
import type { StreamDefinition } from '../../streams/definition.ts';
import type { Grain } from '../../streams/windows.ts';
import type { StreamState } from '../events.ts';
import type { JsonObject, Purpose } from '../ports.ts';

/** A walk over a list, page by page. */
export interface ListScan {
  readonly purpose: 'snapshot' | 'poll' | 'whole';
  /** The `updated_since` of the walk; null reads everything. */
  readonly since: string | null;
  /** `Date` of the walk's very first answer: what the next cursor is made from. */
  readonly started_at: string;
  /** The place in the walk: `links.next`; null before the first page of a walk. */
  readonly next: string | null;
  readonly pages: number;
  readonly read: number;
  /** `total_entries` of the first page. */
  readonly total: number | null;
  /** A page said another total than the first: rows may have slipped between pages. */
  readonly shifted: boolean;
  /** 1, or more when the list shifted and is walked again. */
  readonly walk: number;
}

/** A visit to all parents, in the order of their ids. */
export interface ParentScan {
  readonly started_at: string;
  readonly after: number;
  readonly visited: number;
  readonly read: number;
  /** Rows of ours that their parents' lists no longer had. */
  readonly missing: number;
}

/** Days since 1970, both included; null is open. `total` is what Harvest counts in it, once asked. */
export interface DayRange {
  readonly from: number | null;
  readonly to: number | null;
  readonly total: number | null;
}

/** A reading of what a list holds, for what was deleted and what drifted without moving `updated_at`. */
export interface Reconciliation {
  /** `count`: rows are missing somewhere, only the parts that do not add up are read; else everything is. */
  readonly cause: 'count' | 'interval' | 'asked';
  readonly started_at: string;
  /** What is left of a dated list; null for the others. */
  readonly ranges: readonly DayRange[] | null;
  /** The place in a list that goes by id: `links.next`, and the smallest id read so far. */
  readonly next: string | null;
  readonly floor: number | null;
  readonly pages: number;
  readonly read: number;
  /** Rows of ours that the list did not have. */
  readonly found: number;
  /** More was missing than can be noted: another reconciliation follows. Absent while it is not so. */
  readonly is_cut?: boolean;
  /** How many the count check says are missing; 0 when it was not a count check that asked for the reconciliation. */
  readonly missing: number;
}

/** Too much is missing at once: nothing is deleted until a person releases it, or until it is there again. */
export interface Hold {
  /** - missing: by count · cascade: what the deletion of parents would take along · refused: records cannot be asked for */
  readonly kind: 'missing' | 'cascade' | 'refused';
  readonly reason: string;
  readonly since: string;
  readonly released: boolean;
}

/** A round over all windows of a report that were read before, the newest first; `before` is the last one done. */
export interface WindowRound {
  readonly started_at: string;
  readonly before: string | null;
  /** Something that may restate every window has happened since it began: another round follows. */
  readonly again: boolean;
}

/** The first reading of all windows of a report. */
export interface WindowScan {
  readonly started_at: string;
  readonly windows: number;
  readonly read: number;
}

/** Whether all parents are to be read for what is derived from them: by their next whole scan, or by the one under way. */
export type DerivedReading = 'due' | 'under_way';

export type Position =
  | { readonly kind: 'list'; readonly cursor: string | null; readonly scan: ListScan | null }
  | {
      readonly kind: 'child';
      /** Parents that changed and whose children are still to be read; first come, first served. */
      readonly pending: readonly number[];
      /** Since when there are any. */
      readonly pending_since: string | null;
      readonly scan: ParentScan | null;
    }
  | { readonly kind: 'derived'; readonly reading: DerivedReading | null }
  | {
      readonly kind: 'report';
      readonly grain: Grain;
      /** First days of the oldest and the newest window read so far; all between are read too. */
      readonly covered: { readonly first: string; readonly last: string } | null;
      readonly scan: WindowScan | null;
      /** First days of windows whose entries changed; read before anything else. */
      readonly dirty: readonly string[];
      /** First days of windows that something else may have restated (a rename, a rate); read when there is slack. */
      readonly touched: readonly string[];
      /** First days of windows whose missing rows are held. */
      readonly held: readonly string[];
      readonly round: WindowRound | null;
      /** When the last round, or the first reading of all windows, ended; null asks for a round. */
      readonly round_at: string | null;
    };

/** The version of rows: 1 had other names for most members. */
const VERSION = 2;

export interface StreamRow {
  readonly version: typeof VERSION;
  readonly state: StreamState;
  readonly reason: string | null;
  readonly remedy: string | null;
  /** Since when in this state. */
  readonly since: string;
  readonly position: Position;
  /** The snapshot has ended: what is new from here on is `c`, not `r`. */
  readonly complete: boolean;
  /** Server time up to which the topic is known to be equal. */
  readonly synced_to: string | null;
  /** Wall time at which the last scan ended; the next is due an interval later. */
  readonly scanned_at: string | null;
  /** Under way, and how the last ones ended. Lists only. */
  readonly reconciliation: Reconciliation | null;
  readonly reconcile_due: Reconciliation['cause'] | null;
  readonly reconciled_at: string | null;
  readonly counted_at: string | null;
  /** Harvest sends no totals for this list: deletions are found by a reconciliation alone. Absent while it does. */
  readonly uncounted?: boolean;
  /** Rows that Harvest's count has less (or, negative, more) than the topic; `explained` is what a whole reconciliation could not mend. */
  readonly missing: number;
  readonly explained: number;
  /** Rows that lists no longer have: each is asked for by its id, and only a 404 deletes it (P8). */
  readonly candidates: readonly number[];
  /** Records that answered 404 and wait for their tombstone, which takes the records below them along. */
  readonly confirmed: readonly number[];
  readonly hold: Hold | null;
  /** Rows on the topic; compared after a restore, as proof that the topic is still the one we wrote. */
  readonly rows: number;
  readonly dead_letters: number;
  /** Records in the dead-letter topic, id -> hash of their JSON: each version is refused once. */
  readonly refused: Readonly<Record<string, number>>;
  /** Members that the schema does not know, announced once. */
  readonly unknown: readonly string[];
  /** Fields that came with a type which the schema does not take, announced once. */
  readonly new_types?: readonly string[];
  /** Fields that have been null, sorted: learned in the snapshot, another one is announced. Absent until then. */
  readonly nulls?: readonly string[];
  /** Text of the stream came with bytes that are no UTF-8, announced once. Absent until then. */
  readonly replaced_text?: true;
  /** Records whose day nobody can mean, named once. Absent where there never were any. */
  readonly far_days?: readonly number[];
  /** The streams that are derived from this one, as of its last step: another one has missed what came before. Absent while there are none. */
  readonly derived?: readonly string[];
  /** What the company row alone carries: the switches and the week start that other streams need. */
  readonly company: JsonObject | null;
  readonly moved_at: string;
  readonly moved_by: Purpose;
}

const NO_RECONCILIATION = {
  reconciliation: null,
  reconcile_due: null,
  reconciled_at: null,
  counted_at: null,
  missing: 0,
  explained: 0,
  candidates: [],
  confirmed: [],
} as const;

/** What the stream is in, as people see it: a hold is a state too. */
export function stateOf({ state, hold }: Pick<StreamRow, 'state' | 'hold'>): StreamState {
  return state === 'RUNNING' && hold !== null && !hold.released ? 'HELD' : state;
}

/** Why a stream is in its state, and what to do about it. */
export function whyOf(
  row: StreamRow,
  stream: string,
  accountId: number | string,
): { readonly reason: string; readonly remedy: string } {
  if (stateOf(row) === 'HELD') return { reason: row.hold!.reason, remedy: heldRemedy(stream, accountId) };
  return { reason: row.reason ?? 'answers again', remedy: row.remedy ?? '' };
}

function heldRemedy(stream: string, accountId: number | string): string {
  return `Nothing is deleted meanwhile. If the token's owner lost a role, give it back: the hold ends by itself. If the records were deleted: harvest-kafka release ${stream} --account ${accountId}`;
}

/** The row of a stream that was never read. */
export function freshRow(stream: StreamDefinition, grain: Grain, now: number): StreamRow {
  const at = isoSeconds(now);
  return {
    version: VERSION,
    state: 'RUNNING',
    reason: null,
    remedy: null,
    since: at,
    position: freshPosition(stream, grain),
    complete: false,
    synced_to: null,
    scanned_at: null,
    ...NO_RECONCILIATION,
    hold: null,
    rows: 0,
    dead_letters: 0,
    refused: {},
    unknown: [],
    company: null,
    moved_at: at,
    moved_by: 'snapshot',
  };
}

/** The same stream from the beginning again, its history of refusals kept: the topic was emptied, or is being rebuilt. */
export function restartedRow(row: StreamRow, stream: StreamDefinition, grain: Grain): StreamRow {
  const position = freshPosition(stream, grain);
  return { ...row, position, ...NO_RECONCILIATION, hold: null, complete: false, synced_to: null, scanned_at: null };
}

/** The stream cannot be read: it stands still and says why. */
export function refusedRow(
  row: StreamRow,
  state: 'BLOCKED' | 'FORBIDDEN',
  { message: reason, remedy }: PublisherError,
  now: number,
): StreamRow {
  return { ...row, state, reason, remedy, since: row.state === state ? row.since : isoSeconds(now) };
}

/** Reads a stored row back. Throws `state.unreadable` for a version that we do not know. */
export function parseRow(stream: StreamDefinition, json: JsonObject): StreamRow {
  const position = json.position as Position | undefined;
  if (json.version !== VERSION || position?.kind !== positionKind(stream)) {
    throw new PublisherError(
      'state.unreadable',
      `the state row of ${stream.name} has version ${json.version}, we read ${VERSION}`,
    );
  }
  // Rows of before a member was there lack it.
  const blank = { ...freshRow(stream, 'month', 0), position: { ...freshPosition(stream, 'month'), ...position } };
  return { ...blank, ...json, position: blank.position } as StreamRow;
}

function positionKind(stream: StreamDefinition): Position['kind'] {
  return stream.kind === 'whole' ? 'list' : stream.kind;
}

function freshPosition(stream: StreamDefinition, grain: Grain): Position {
  switch (stream.kind) {
    case 'list':
    case 'whole':
      return { kind: 'list', cursor: null, scan: null };
    case 'child':
      return { kind: 'child', pending: [], pending_since: null, scan: null };
    case 'derived':
      return { kind: 'derived', reading: 'due' };
    case 'report':
      return {
        ...{ kind: 'report', grain, covered: null, scan: null },
        ...{ dirty: [], touched: [], held: [], round: null, round_at: null },
      };
  }
}
