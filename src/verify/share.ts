// The shares of a stream: what Harvest answers as one list, and which rows of the topic belong to it.
import type { RecordContext, RowId } from '../engine/ports.ts';
import type { IndexedRow, RowIndex } from '../engine/state/row-index.ts';
import type { StreamDefinition } from '../streams/definition.ts';
import { type Grain, type WeekStart, type Window, windowOf, windowStarts } from '../streams/windows.ts';

/** A whole list, the children of one parent, or one report window. */
export interface Share {
  /** Tells it from the other shares of its stream. */
  readonly name: string;
  readonly target: { readonly query: Readonly<Record<string, string>>; readonly parent?: number };
  readonly context: RecordContext;
}

export interface ShareSettings {
  readonly accountId: number;
  /** `harvest.start_date` and `harvest.end_date`, or null. */
  readonly startDate: string | null;
  readonly endDate: string | null;
  readonly grain: Grain;
}

/** A list, or a stream that is read whole: one share. Bounded by the start date as the daemon's snapshot is. */
export function wholeShare(stream: StreamDefinition, { accountId, startDate }: ShareSettings): Share {
  const query = stream.kind === 'list' && startDate !== null ? { updated_since: `${startDate}T00:00:00Z` } : {};
  return { name: WHOLE, target: { query }, context: { accountId } };
}

/** A share for each parent, by ascending id. */
export function parentShares(parents: Iterable<number>, { accountId }: ShareSettings): Share[] {
  return [...new Set(parents)]
    .sort((a, b) => a - b)
    .map((parent) => ({
      name: String(parent),
      target: { query: {}, parent },
      context: { accountId, parentId: parent },
    }));
}

/** The days on which something is recorded in the lists that a report sums up; `isWhole`: those are all such days. */
export interface RecordedDays {
  readonly days: readonly number[];
  readonly isWhole: boolean;
}

/** The windows that a report has by what is recorded, and those that its topic has rows of; the newest first. */
export function windowShares(
  index: RowIndex,
  { accountId, ...settings }: ShareSettings,
  today: string,
  weekStart: WeekStart,
  recorded: RecordedDays,
): Share[] {
  const windows = new Map<string, Window>();
  for (const id of index.ids()) {
    const [from, to] = (id as string).split('|') as [string, string];
    windows.set(nameOf({ from, to }), { from, to });
  }
  // A window whose records nobody knows any more may still have rows.
  const days = [...recorded.days, ...index.days.keys()];
  for (const from of windowStarts({ ...settings, ...recorded, days, today, weekStart })) {
    const window = windowOf(from, settings.grain, weekStart);
    windows.set(nameOf(window), window);
  }
  return [...windows]
    .sort(([a], [b]) => (a < b ? 1 : -1))
    .map(([name, window]) => ({
      name,
      target: { query: { from: compact(window.from), to: compact(window.to) } },
      context: { accountId, window },
    }));
}

/** The name of the share that a row of the topic belongs to. */
export function shareNameOf({ kind }: StreamDefinition, id: RowId, row: Pick<IndexedRow, 'group'>): string {
  if (kind === 'report') return (id as string).split('|', 2).join('|');
  return kind === 'child' ? String(row.group) : WHOLE;
}

const WHOLE = 'all';

const nameOf = ({ from, to }: Window): string => `${from}|${to}`;
const compact = (date: string): string => date.replaceAll('-', '');
