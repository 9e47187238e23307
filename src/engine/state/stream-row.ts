// The state row of a stream: where it stands, as stored in the state topic with the records it speaks of (P4). Plain JSON in
// snake_case, because operators read it (`state show`). Pure: every change is a new row; times come in as arguments.
//
//                 403, or 404, again and again          400, 422, a foreign link
//      FORBIDDEN <---------------------------- RUNNING ----------------------------> BLOCKED
//          |                                   ^  |  ^                                  |
//          +------------- an answer -----------+  |  +------------ an answer -----------+
//                                                 |
//         (any) ---- its module is off ----> FEATURE_OFF ---- its module is on ----> RUNNING
//
// Its deletes may be held meanwhile. While it runs and is held, its state is HELD for people.
//
//      none --- too many rows missing, by a count, a reconciliation or a list read whole --> missing
//      none --- a removal would take too many rows along -----------------------------> cascade
//      none --- a candidate may not be asked for ------------------------------------> refused
//      each --- a person releases it ----------------------> released ---+
//      each --- what it is held for is there again, or answers ----------+--> none, once nothing of it is left
//
// A person may pause the stream, whatever its state and hold: then it is PAUSED for people, and goes on from both once resumed.
//
// test/unit/engine/transitions.test.ts has every state, hold and event in one table.
import { isoSeconds } from '../../base/clock.ts';
import { PublisherError } from '../../base/errors.ts';
import type { StreamDefinition } from '../../streams/definition.ts';
import type { Grain } from '../../streams/windows.ts';
import type { StreamState } from '../events.ts';
import type { JsonObject, Purpose } from '../ports.ts';
import { type Hold, isInForce } from './hold.ts';
import { freshPosition, isLong, type Position } from './position.ts';

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
  /** The ranges that are left of a dated list; null for the others. */
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
  /** The reading of everything that this search has interrupted, and that goes on when it ends. Absent where there is none. */
  readonly interrupted?: Reconciliation;
}

/** A person wants nothing read of the stream: it stands where it stands until it is resumed. */
export interface Paused {
  /** `user@host`, as the command found it. */
  readonly by: string;
  readonly since: string;
}

/** The version of rows: 1 had other names for most members. */
const VERSION = 2;

/** The states that are stored; HELD follows from the hold, PAUSED from the pause. */
export type RowState = Exclude<StreamState, 'HELD' | 'PAUSED'>;

export interface StreamRow {
  readonly version: typeof VERSION;
  readonly state: RowState;
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
  readonly paused: Paused | null;
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
  /** The switches and the week start that other streams need: only the company's row has them. */
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

/** Whether Harvest answers for the stream, and nobody has paused it. */
export function isRunning({ state, paused }: Pick<StreamRow, 'state' | 'paused'>): boolean {
  return state === 'RUNNING' && paused === null;
}

/** Whether the list is read page by page beside everything else: a snapshot, or a poll that goes on and on. */
export function isLongReading({ complete, position }: StreamRow): boolean {
  return !complete || (position.kind === 'list' && position.scan !== null && isLong(position.scan));
}

/** The state of the stream as people see it: a hold is a state too, and so is a pause, whatever lies behind it. */
export function stateOf({ state, hold, paused }: Pick<StreamRow, 'state' | 'hold' | 'paused'>): StreamState {
  if (paused !== null) return 'PAUSED';
  return state === 'RUNNING' && isInForce(hold) ? 'HELD' : state;
}

/** Why a stream is in its state, and what to do about it. */
export function whyOf(
  row: StreamRow,
  stream: string,
  accountId: number | string,
): { readonly reason: string; readonly remedy: string } {
  if (row.paused !== null) {
    return { reason: `paused by ${row.paused.by}`, remedy: `harvest-kafka resume ${stream} --account ${accountId}` };
  }
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
    paused: null,
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

/** How a step moves a row: applied in the order of commits, to the row as it is then. */
export type Move = (row: StreamRow) => StreamRow;

/** The row after a good answer: running again if it was not, complete once a scan has ended. */
export function moved(
  row: StreamRow,
  position: Position,
  purpose: Purpose,
  now: number,
  syncedTo: string | false,
): StreamRow {
  const at = isoSeconds(now);
  const running = row.state === 'RUNNING' ? {} : { state: 'RUNNING' as const, reason: null, remedy: null, since: at };
  const scanned = syncedTo === false ? {} : { complete: true, synced_to: syncedTo, scanned_at: at };
  return { ...row, ...running, ...scanned, position, moved_at: at, moved_by: purpose };
}

/** Members that say when a list was looked at, what for, and from where it is asked next. Null asks for something. */
const TIMES: ReadonlySet<string> = new Set(['scanned_at', 'synced_to', 'counted_at', 'moved_at', 'moved_by', 'cursor']);

/** Only time has passed between the two: a poll that found nothing leaves the stream where it stood. */
export function isLater({ position: from, ...before }: StreamRow, { position: to, ...after }: StreamRow): boolean {
  return onlyTimesDiffer(before, after) && onlyTimesDiffer(from, to);
}

function onlyTimesDiffer(before: object, after: object): boolean {
  const [was, is] = [before, after] as Record<string, unknown>[];
  const members = new Set([...Object.keys(was!), ...Object.keys(is!)]);
  return [...members].every((name) => {
    if (was![name] === is![name] || (TIMES.has(name) && is![name] !== null)) return true;
    return JSON.stringify(was![name]) === JSON.stringify(is![name]);
  });
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

/** The row once the company says whether the module of the stream is off. */
export function switchedRow(
  row: StreamRow,
  { name, feature }: StreamDefinition,
  isOff: boolean,
  now: number,
): StreamRow {
  if (isOff === (row.state === 'FEATURE_OFF')) return row;
  if (!isOff) return moved(row, row.position, 'probe', now, false);
  return {
    ...row,
    state: 'FEATURE_OFF',
    reason: `the company has this module switched off (${feature} is false)`,
    remedy: `Switch the module on in Harvest (Settings, Modules), or set streams.${name}.enabled: false.`,
    since: isoSeconds(now),
  };
}

/** Reads a stored row back. Throws `state.unreadable` for a version that we do not know. */
export function parseRow(stream: StreamDefinition, json: JsonObject): StreamRow {
  const position = json.position as Position | undefined;
  if (json.version !== VERSION || position?.kind !== freshPosition(stream, 'month').kind) {
    throw new PublisherError(
      'state.unreadable',
      `the state row of ${stream.name} has version ${json.version}, we read ${VERSION}`,
    );
  }
  // Rows of before a member was there lack it.
  const blank = { ...freshRow(stream, 'month', 0), position: { ...freshPosition(stream, 'month'), ...position } };
  return { ...blank, ...json, position: blank.position } as StreamRow;
}

/**
 * The row as it is kept. A hold of a list of which nothing is left would keep deletions for ever or, once released, let
 * everything go; the others' holds end with their own reading. What was released has ended with the looking and the asking
 * that the release began.
 */
export function settledRow({ kind }: StreamDefinition, row: StreamRow): StreamRow {
  const { hold, candidates, confirmed, reconciliation, reconcile_due } = row;
  if (hold === null || kind !== 'list') return row;
  const isLookedInto = hold.released && (reconciliation !== null || reconcile_due !== null || confirmed.length > 0);
  const isHeldFor = { missing: !hold.released, cascade: confirmed.length > 0, refused: false }[hold.kind];
  return isLookedInto || isHeldFor || candidates.length > 0 ? row : { ...row, hold: null };
}
