// The portions of a stream: what Harvest answers as one list, and which rows of the topic belong to it.
import type { RecordContext, RowId } from '../engine/ports.ts';
import type { IndexedRow, RowIndex } from '../engine/state/row-index.ts';
import type { StreamDefinition } from '../streams/definition.ts';
import { type Grain, type WeekStart, type Window, windowOf, windowStarts } from '../streams/windows.ts';

/** A whole list, the children of one parent, or one report window. */
export interface Portion {
  /** Tells it from the other portions of its stream. */
  readonly name: string;
  readonly target: { readonly query: Readonly<Record<string, string>>; readonly parent?: number };
  readonly context: RecordContext;
}

export interface PortionSettings {
  readonly accountId: number;
  /** `harvest.start_date` and `harvest.end_date`, or null. */
  readonly startDate: string | null;
  readonly endDate: string | null;
  readonly grain: Grain;
}

/** A list, or a stream that is read whole: one portion. Bounded by the start date as the daemon's first sweep is. */
export function wholePortion(stream: StreamDefinition, { accountId, startDate }: PortionSettings): Portion {
  const query = stream.kind === 'list' && startDate !== null ? { updated_since: `${startDate}T00:00:00Z` } : {};
  return { name: WHOLE, target: { query }, context: { accountId } };
}

/** A portion for each parent, by ascending id. */
export function parentPortions(parents: Iterable<number>, { accountId }: PortionSettings): Portion[] {
  return [...new Set(parents)]
    .sort((a, b) => a - b)
    .map((parent) => ({
      name: String(parent),
      target: { query: {}, parent },
      context: { accountId, parentId: parent },
    }));
}

/** What is recorded by day in the lists that a report sums up; `isWhole`: those are all such days. */
export interface RecordedDays {
  readonly days: readonly number[];
  readonly isWhole: boolean;
}

/** The windows that a report has by what is recorded, and those that its topic has rows of; the newest first. */
export function windowPortions(
  index: RowIndex,
  { accountId, ...settings }: PortionSettings,
  today: string,
  weekStart: WeekStart,
  recorded: RecordedDays,
): Portion[] {
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

/** The name of the portion that a row of the topic belongs to. */
export function portionNameOf({ kind }: StreamDefinition, id: RowId, row: Pick<IndexedRow, 'group'>): string {
  if (kind === 'report') return (id as string).split('|', 2).join('|');
  return kind === 'child' ? String(row.group) : WHOLE;
}

const WHOLE = 'all';

const nameOf = ({ from, to }: Window): string => `${from}|${to}`;
const compact = (date: string): string => date.replaceAll('-', '');
