// How lists are asked for, beyond a single page.
import { PublisherError } from '../base/errors.ts';
import type { JsonObject, Purpose } from './ports.ts';
import { advanceList, beginList, isEndless, type ListPosition } from './state/position.ts';
import type { StreamRuntime } from './state/stream-runtime.ts';
import type { StepContext } from './step.ts';

/** Everything of one list, however many pages; walked again while it shifts. For lists that fit memory: children, windows. */
export async function readAll(
  runtime: StreamRuntime,
  target: { readonly query: Readonly<Record<string, string>>; readonly parent?: number },
  purpose: Purpose,
  priority: number,
  context: StepContext,
): Promise<{ records: JsonObject[]; serverTime: number; pages: number }> {
  const { definition: stream } = runtime;
  let position: ListPosition = { kind: 'list', cursor: null, scan: null };
  let scan = beginList(position, 'whole', false, null);
  const links = new Set<string | null>();
  for (let records: JsonObject[] = []; ; ) {
    const at = scan.next === null ? target : { link: scan.next };
    const page = await context.source.fetchPage({ stream, target: at, purpose, priority }, context.signal);
    for (const record of page.records) records.push(record);
    const advanced = advanceList(position, scan, page, stream.paging, 0);
    if (advanced.outcome === 'done') {
      const { started_at, pages } = advanced.scan;
      return { records, serverTime: Date.parse(started_at), pages };
    }
    if (isEndless(advanced.scan, context.source.pageRows) || links.has(page.next)) throw circularLinks(stream.name);
    if (advanced.outcome === 'shifted') {
      records = [];
      links.clear();
    } else links.add(page.next);
    position = advanced.position;
    scan = position.scan!;
  }
}

/** `harvest.start_date` as the filter that bounds snapshots, count checks and reconciliations. */
export function sinceStart({ settings }: Pick<StepContext, 'settings'>): Record<string, string> {
  return settings.startDate === null ? {} : { updated_since: startOf(settings.startDate) };
}

export function startOf(date: string): string {
  return `${date}T00:00:00Z`;
}

/** Links that lead nowhere new: the walk begins again, after a pause. */
export function circularLinks(stream: string): PublisherError {
  return new PublisherError('harvest.unparsable', `the next links of ${stream} go in a circle`);
}

/** Harvest refuses the request itself, as it does for a link that is no longer good. */
export function isRefusal(error: unknown): error is PublisherError {
  return (
    error instanceof PublisherError &&
    (error.code === 'harvest.refused' || error.code === 'harvest.not_found' || error.code === 'harvest.foreign_link')
  );
}
