// Harvest's count of a list, or of some days of it, and ours.
import { isoDay } from '../streams/windows.ts';
import type { Diff } from './diff.ts';
import type { LiveStream } from './live-stream.ts';
import type { RowId } from './ports.ts';
import { type StepContext, sinceStart, startOf } from './step.ts';
import type { DayRange } from './stream-row.ts';

type Days = Pick<DayRange, 'from' | 'to'>;

export const EVERYTHING: Days = { from: null, to: null };

/** Harvest's count of a range, for one request. */
export async function countIn(
  live: LiveStream,
  range: Days,
  priority: number,
  context: StepContext,
): Promise<{ readonly total: number; readonly serverTime: number }> {
  const { definition: stream } = live;
  const query = { ...sinceStart(context), ...bounds(range), per_page: '1' };
  const page = await context.source.fetchPage(
    { stream, target: { query }, purpose: 'tally', priority, alone: true },
    context.signal,
  );
  return { total: page.totalEntries ?? page.records.length, serverTime: page.serverTime };
}

/** Days as the filters of a list. */
export function bounds({ from, to }: Days): Record<string, string> {
  return { ...(from !== null && { from: isoDay(from) }), ...(to !== null && { to: isoDay(to) }) };
}

/** How many rows of ours Harvest does not count; what could not be converted is counted there and not here. */
export function missingRows(live: LiveStream, total: number, context: StepContext, diff?: Diff): number {
  const { index, row } = live;
  let ours = index.size;
  if (context.settings.startDate !== null) ours = [...index.ids()].filter((id) => isInScope(live, id, context)).length;
  for (const [id, change] of diff?.changes ?? []) if (change !== null && index.get(id) === undefined) ours++;
  const refused = new Set([...Object.keys(row.refused), ...(diff?.refusals.map(({ id }) => id) ?? [])]);
  for (const id of refused) if (index.get(Number(id)) === undefined) ours++;
  return ours - total;
}

/** With `harvest.start_date`, lists are asked for what changed since: older rows are not missing from them. */
export function isInScope({ index }: LiveStream, id: RowId, { settings }: Pick<StepContext, 'settings'>): boolean {
  if (settings.startDate === null) return true;
  const updatedAt = index.get(id)?.updatedAt ?? null;
  return updatedAt === null || updatedAt > Date.parse(startOf(settings.startDate));
}
