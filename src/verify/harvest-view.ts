// The requests of a comparison to Harvest, always behind everything else that waits for the same budget. Counts its requests.
import { type Pace, patiently } from '../base/backoff.ts';
import type { Clock, Random } from '../base/clock.ts';
import { asPublisherError, PublisherError } from '../base/errors.ts';
import { type JsonObject, type Page, PER_PAGE, PRIORITY, type Purpose, type Source } from '../engine/ports.ts';
import type { StreamDefinition } from '../streams/definition.ts';
import type { Share } from './share.ts';

/** A list that keeps shifting is taken as it is after so many walks. */
const WALKS_MAX = 5;
/** A comparison may take hours: an outage of a few minutes does not end it. */
const PACE: Pace = { baseMs: 4_000, mostMs: 60_000, tries: 6 };

export interface HarvestViewParts {
  readonly source: Pick<Source, 'fetchPage' | 'fetchRecord'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

export class HarvestView {
  /** Pages and records asked for so far. */
  asked = 0;
  readonly #parts: HarvestViewParts;

  constructor(parts: HarvestViewParts) {
    this.#parts = parts;
  }

  /**
   * Every record of a share, page by page; null when the share's parent is there but its list is refused. A list by
   * page number that shifts is walked again, so records may come twice: the union of the walks is what is there. Returns the
   * pages of the last walk.
   */
  async share(
    stream: StreamDefinition,
    share: Share,
    parent: StreamDefinition | null,
    onRecords: (records: readonly JsonObject[]) => void,
  ): Promise<number | null> {
    try {
      for (let walk = 1; ; walk++) {
        const { pages, isWhole } = await this.#walk(stream, share.target, onRecords);
        if (isWhole || walk === WALKS_MAX) return pages;
      }
    } catch (thrown) {
      if (parent === null || !(thrown instanceof PublisherError) || thrown.code !== 'harvest.not_found') throw thrown;
      const above = await this.record(parent, share.target.parent!, null);
      return above === null ? 1 : null;
    }
  }

  /** One record; null when Harvest says that there is none. */
  record(stream: StreamDefinition, id: number, parent: number | null): Promise<JsonObject | null> {
    return this.#patiently(({ source, signal }) => source.fetchRecord(stream, { id, parent }, signal));
  }

  /** `total_entries` of a share; null when Harvest does not say. */
  async total(stream: StreamDefinition, { target }: Share): Promise<number | null> {
    const one = { ...target, query: { ...target.query, per_page: '1' } };
    const { totalEntries, records } = await this.#page(stream, one, 'count', { alone: true });
    // A total smaller than what comes with it is none.
    return totalEntries !== null && totalEntries >= records.length ? totalEntries : null;
  }

  /** The first page of a stream. */
  first(stream: StreamDefinition, { target }: Share): Promise<Page> {
    return this.#page(stream, target, 'reconciliation', { alone: true });
  }

  async #walk(
    stream: StreamDefinition,
    target: Share['target'],
    onRecords: (records: readonly JsonObject[]) => void,
  ): Promise<{ readonly pages: number; readonly isWhole: boolean }> {
    let total: number | null = null;
    let read = 0;
    let hasShifted = false;
    const links = new Set<string>();
    for (let pages = 1, at: Share['target'] | { link: string } = target; ; pages++) {
      const page = await this.#page(stream, at, 'reconciliation');
      onRecords(page.records);
      read += page.records.length;
      if (pages === 1) total = page.totalEntries;
      // Cursor lists go by id and cannot shift.
      const isOther = page.totalEntries !== null && total !== null && page.totalEntries !== total;
      hasShifted ||= stream.paging === 'page' && isOther;
      if (page.next === null) {
        const slipped = stream.paging === 'page' && total !== null && read !== total;
        return { pages, isWhole: !hasShifted && !slipped };
      }
      const isEndless = total !== null && pages > 10 + 3 * Math.ceil(total / PER_PAGE);
      if (isEndless || links.has(page.next)) {
        throw new PublisherError('harvest.unparsable', `the next links of ${stream.name} go in a circle`);
      }
      links.add(page.next);
      at = { link: page.next };
    }
  }

  #page(
    stream: StreamDefinition,
    target: Share['target'] | { link: string },
    purpose: Purpose,
    { alone = false } = {},
  ): Promise<Page> {
    const request = { stream, target, purpose, priority: PRIORITY.slack, alone };
    return this.#patiently(({ source, signal }) => source.fetchPage(request, signal));
  }

  #patiently<T>(ask: (parts: HarvestViewParts) => Promise<T>): Promise<T> {
    const counted = () => {
      this.asked++;
      return ask(this.#parts);
    };
    return patiently(counted, PACE, {
      ...this.#parts,
      mayPass: (thrown) => asPublisherError(thrown).kind === 'transient',
    });
  }
}
