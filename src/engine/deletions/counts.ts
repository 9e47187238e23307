// Harvest's count of a list, or of some days of it, and ours.
import { isoDay } from '../../streams/windows.ts';
import { circularLinks, sinceStart, startOf } from '../fetch.ts';
import type { PageRequest, RowId } from '../ports.ts';
import type { Diff } from '../state/diff.ts';
import type { DayRange } from '../state/stream-row.ts';
import type { StreamRuntime } from '../state/stream-runtime.ts';
import type { StepContext } from '../step.ts';

type Days = Pick<DayRange, 'from' | 'to'>;

export const EVERYTHING: Days = { from: null, to: null };

/**
 * Harvest's count of a range, for one request; null when it does not say. A total smaller than what comes with it is none.
 */
export async function countIn(
  runtime: StreamRuntime,
  range: Days,
  priority: number,
  context: StepContext,
): Promise<{ readonly total: number | null; readonly serverTime: number }> {
  const { definition: stream } = runtime;
  const query = { ...sinceStart(context), ...bounds(range), per_page: '1' };
  const page = await context.source.fetchPage(
    { stream, target: { query }, purpose: 'count', priority, alone: true },
    context.signal,
  );
  const isCount = page.totalEntries !== null && page.totalEntries >= page.records.length;
  return { total: isCount ? page.totalEntries : null, serverTime: page.serverTime };
}

/** The same by walking the list to its end, for what must know and is not told. */
export async function walkedCount(runtime: StreamRuntime, priority: number, context: StepContext): Promise<number> {
  const { definition: stream } = runtime;
  const links = new Set<string>();
  let target: PageRequest['target'] = { query: sinceStart(context) };
  for (let count = 0; ; ) {
    const page = await context.source.fetchPage({ stream, target, purpose: 'count', priority }, context.signal);
    count += page.records.length;
    if (page.next === null) return count;
    if (links.has(page.next)) throw circularLinks(stream.name);
    links.add(page.next);
    target = { link: page.next };
  }
}

/** Days as the filters of a list. */
export function bounds({ from, to }: Days): Record<string, string> {
  return { ...(from !== null && { from: isoDay(from) }), ...(to !== null && { to: isoDay(to) }) };
}

/** How many rows of ours Harvest does not count; what could not be converted is counted there and not here. */
export function missingRows(runtime: StreamRuntime, total: number, context: StepContext, diff?: Diff): number {
  const { index, row } = runtime;
  let ours = index.size;
  if (context.settings.startDate !== null)
    ours = [...index.ids()].filter((id) => isInScope(runtime, id, context)).length;
  for (const [id, change] of diff?.changes ?? []) if (change !== null && index.get(id) === undefined) ours++;
  const refused = new Set([...Object.keys(row.refused), ...(diff?.refusals.map(({ id }) => id) ?? [])]);
  for (const id of refused) if (index.get(Number(id)) === undefined) ours++;
  return ours - total;
}

/** With `harvest.start_date`, lists are asked for what changed since: older rows are not missing from them. */
export function isInScope({ index }: StreamRuntime, id: RowId, { settings }: Pick<StepContext, 'settings'>): boolean {
  if (settings.startDate === null) return true;
  const updatedAt = index.get(id)?.updatedAt ?? null;
  return updatedAt === null || updatedAt > Date.parse(startOf(settings.startDate));
}
