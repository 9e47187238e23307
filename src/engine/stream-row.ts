// The state row of a stream: where it stands, as stored in the state topic with the records it speaks of (P4). Plain JSON in
// snake_case, because operators read it (`state show`). Pure: every change is a new row; times come in as arguments.

import { isoSeconds } from '../base/clock.ts';
import { PublisherError } from '../base/errors.ts';
import type { StreamDefinition } from '../streams/definition.ts';
import type { Grain } from '../streams/windows.ts';
import type { StreamState } from './events.ts';
import type { JsonObject, Purpose } from './ports.ts';

/** A walk over a list, page by page. */
export interface ListSweep {
  readonly purpose: 'first' | 'changes' | 'whole';
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
export interface ParentSweep {
  readonly started_at: string;
  readonly after: number;
  readonly visited: number;
  readonly read: number;
}

/** The first reading of all windows of a report. */
export interface WindowSweep {
  readonly started_at: string;
  readonly windows: number;
  readonly read: number;
}

export type Position =
  | { readonly kind: 'list'; readonly cursor: string | null; readonly sweep: ListSweep | null }
  | {
      readonly kind: 'child';
      /** Parents that changed and whose children are still to be read; first come, first served. */
      readonly pending: readonly number[];
      readonly sweep: ParentSweep | null;
    }
  | {
      readonly kind: 'report';
      readonly grain: Grain;
      /** First days of the oldest and the newest window read so far; all between are read too. */
      readonly covered: { readonly first: string; readonly last: string } | null;
      readonly sweep: WindowSweep | null;
    };

export interface StreamRow {
  readonly version: 1;
  readonly state: StreamState;
  readonly reason: string | null;
  readonly remedy: string | null;
  /** Since when in this state. */
  readonly since: string;
  readonly position: Position;
  /** The first sweep has ended: what is new from here on is `c`, not `r`. */
  readonly complete: boolean;
  /** Server time up to which the topic is known to be equal. */
  readonly synced_to: string | null;
  /** Wall time at which the last sweep ended; the next is due an interval later. */
  readonly swept_at: string | null;
  /** Rows on the topic; compared after a restore, as proof that the topic is still the one we wrote. */
  readonly rows: number;
  readonly dead_letters: number;
  /** Records in the dead-letter topic, id -> hash of their JSON: each version is refused once. */
  readonly refused: Readonly<Record<string, number>>;
  /** Members that the schema does not know, announced once. */
  readonly unknown: readonly string[];
  /** Fields that came with a type which the schema does not take, announced once. */
  readonly new_types?: readonly string[];
  /** Fields that have been null, sorted: learned in the first sweep, another one is announced. Absent until then. */
  readonly nulls?: readonly string[];
  /** What the company row alone carries: the switches and the week start that other streams need. */
  readonly company: JsonObject | null;
  readonly moved_at: string;
  readonly moved_by: Purpose;
}

/** The row of a stream that was never read. */
export function freshRow(stream: StreamDefinition, grain: Grain, now: number): StreamRow {
  const at = isoSeconds(now);
  return {
    version: 1,
    state: 'RUNNING',
    reason: null,
    remedy: null,
    since: at,
    position: freshPosition(stream, grain),
    complete: false,
    synced_to: null,
    swept_at: null,
    rows: 0,
    dead_letters: 0,
    refused: {},
    unknown: [],
    company: null,
    moved_at: at,
    moved_by: 'first',
  };
}

/** The same stream from the beginning again, its history of refusals kept: the topic was emptied, or is being rebuilt. */
export function restartedRow(row: StreamRow, stream: StreamDefinition, grain: Grain): StreamRow {
  return { ...row, position: freshPosition(stream, grain), complete: false, synced_to: null, swept_at: null };
}

/** Reads a stored row back. Throws `state.unreadable` for a version that we do not know. */
export function parseRow(stream: StreamDefinition, json: JsonObject): StreamRow {
  const position = json.position as Position | undefined;
  if (json.version !== 1 || position?.kind !== positionKind(stream)) {
    throw new PublisherError(
      'state.unreadable',
      `the state row of ${stream.name} has version ${json.version}, we read 1`,
    );
  }
  return json as unknown as StreamRow;
}

function positionKind(stream: StreamDefinition): Position['kind'] {
  return stream.kind === 'whole' ? 'list' : stream.kind;
}

function freshPosition(stream: StreamDefinition, grain: Grain): Position {
  switch (stream.kind) {
    case 'list':
    case 'whole':
      return { kind: 'list', cursor: null, sweep: null };
    case 'child':
      return { kind: 'child', pending: [], sweep: null };
    case 'report':
      return { kind: 'report', grain, covered: null, sweep: null };
  }
}
