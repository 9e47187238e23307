// `plan` asks Harvest for the settings, and for the number and one record of each list: a request or two a list. Children and
// reports are not asked: what they cost follows from the others.
import { asPublisherError } from '../base/errors.ts';
import { type JsonObject, type Page, PRIORITY, type Source } from '../engine/ports.ts';
import { isOff, type StreamDefinition } from '../streams/definition.ts';
import type { StreamFacts } from './plan-estimate.ts';

export interface Facts {
  readonly streams: readonly StreamFacts[];
  /** `/company`; empty when the token may not read it. */
  readonly settings: JsonObject;
}

type Asked = Pick<Source, 'fetchPage'>;

/** Throws PublisherError `harvest.*`, but not for what only one stream is refused. */
export async function factsOf(
  source: Asked,
  streams: readonly StreamDefinition[],
  startDate: string | null,
  signal: AbortSignal,
): Promise<Facts> {
  const since = startDate === null ? {} : { updated_since: `${startDate}T00:00:00Z` };
  const sources = new Set(streams.filter(({ kind }) => kind === 'report').flatMap((report) => report.sources));
  let settings: JsonObject = {};
  const facts: StreamFacts[] = [];
  // The settings come first in the catalog, and say which modules are on.
  for (const stream of streams) {
    const isSource = sources.has(stream.name);
    const fact = isOff(stream, settings)
      ? standing(stream, 'FEATURE_OFF', 'its module is switched off')
      : await factOf(source, stream, { since, isSource }, signal);
    if (stream.isSettings) settings = fact.record ?? {};
    facts.push(fact);
  }
  return { streams: facts, settings };
}

interface Fact extends StreamFacts {
  readonly record?: JsonObject | undefined;
}

function standing(stream: StreamDefinition, state: string, reason: string): Fact {
  return { stream, standsStill: { state, reason }, rows: null, recordBytes: null, days: [] };
}

async function factOf(
  source: Asked,
  stream: StreamDefinition,
  { since, isSource }: { readonly since: Record<string, string>; readonly isSource: boolean },
  signal: AbortSignal,
): Promise<Fact> {
  const isAsked = stream.budget === 'general' && (stream.kind === 'list' || stream.kind === 'whole');
  if (!isAsked) return { stream, standsStill: null, rows: null, recordBytes: null, days: [] };
  const ask = (query: Readonly<Record<string, string>>): Promise<Page> =>
    source.fetchPage({ stream, target: { query }, purpose: 'count', priority: PRIORITY.probe, alone: true }, signal);
  try {
    if (stream.paging === 'none') {
      const { records } = await ask({});
      return { stream, standsStill: null, rows: records.length, ...about(records[0]), days: [] };
    }
    const one = { ...(stream.kind === 'list' ? since : {}), per_page: '1' };
    const { records, totalEntries: rows } = await ask(one);
    // Newest day first, so that the oldest is on the last page.
    const hasOthers = isSource && stream.dated !== null && rows !== null && rows > 1;
    const last = hasOthers ? (await ask({ ...one, page: String(rows) })).records : [];
    const days = isSource ? [...records, ...last].flatMap((record) => dayOf(stream, record)) : [];
    return { stream, standsStill: null, rows, ...about(records[0]), days };
  } catch (thrown) {
    signal.throwIfAborted();
    const error = asPublisherError(thrown);
    if (error.kind !== 'blocked') throw error;
    const isRefused = error.code === 'harvest.forbidden' || error.code === 'harvest.not_found';
    return standing(stream, isRefused ? 'FORBIDDEN' : 'BLOCKED', error.message);
  }
}

function about(record: JsonObject | undefined): Pick<Fact, 'record' | 'recordBytes'> {
  return { record, recordBytes: record === undefined ? null : Buffer.byteLength(JSON.stringify(record)) };
}

function dayOf({ dated }: StreamDefinition, record: JsonObject): string[] {
  const day = dated === null ? null : record[dated];
  return typeof day === 'string' ? [day] : [];
}
