// What a comparison asks Harvest, always behind everything else that waits for the same budget. Counts its requests.
import { jitteredPause } from '../base/clock.js';
import { asPublisherError, PublisherError } from '../base/errors.js';
import { PER_PAGE, PRIORITY } from '../engine/ports.js';
/** A list that keeps shifting is taken as it is after so many walks. */
const WALKS_MAX = 5;
/** A comparison may take hours: an outage of a few minutes does not end it. */
const TRIES = 6;
const PAUSE_BASE_MS = 2_000;
const PAUSE_MAX_MS = 60_000;
export class HarvestView {
    /** Pages and records asked for so far. */
    asked = 0;
    #source;
    #clock;
    #random;
    #signal;
    constructor(parts) {
        this.#source = parts.source;
        this.#clock = parts.clock;
        this.#random = parts.random;
        this.#signal = parts.signal;
    }
    /**
     * Every record of a portion, page by page; null when the portion's parent is there but its list is refused. A list by
     * page number that shifts is walked again, so records may come twice: the union of the walks is what is there. Returns the
     * pages of the last walk.
     */
    async portion(stream, portion, parent, onRecords) {
        try {
            for (let walk = 1;; walk++) {
                const { pages, settled } = await this.#walk(stream, portion.target, onRecords);
                if (settled || walk === WALKS_MAX)
                    return pages;
            }
        }
        catch (thrown) {
            if (parent === null || !(thrown instanceof PublisherError) || thrown.code !== 'harvest.not_found')
                throw thrown;
            const above = await this.record(parent, portion.target.parent, null);
            return above === null ? 1 : null;
        }
    }
    /** One record; null when Harvest says that there is none. */
    async record(stream, id, parent) {
        return this.#patiently(() => this.#source.fetchRecord(stream, { id, parent }, this.#signal));
    }
    /** `total_entries` of a portion; null when Harvest does not say. */
    async total(stream, { target }) {
        const one = { ...target, query: { ...target.query, per_page: '1' } };
        return (await this.#page(stream, one, 'tally')).totalEntries;
    }
    /** The first page of a stream. */
    async first(stream, { target }) {
        return this.#page(stream, target, 'census');
    }
    async #walk(stream, target, onRecords) {
        let total = null;
        let read = 0;
        let hasShifted = false;
        const links = new Set();
        for (let pages = 1, at = target;; pages++) {
            const page = await this.#page(stream, at, 'census');
            onRecords(page.records);
            read += page.records.length;
            if (pages === 1)
                total = page.totalEntries;
            // Cursor lists go by id and cannot shift.
            hasShifted ||= stream.paging === 'page' && page.totalEntries !== total;
            if (page.next === null) {
                const slipped = stream.paging === 'page' && total !== null && read !== total;
                return { pages, settled: !hasShifted && !slipped };
            }
            const isEndless = total !== null && pages > 10 + 3 * Math.ceil(total / PER_PAGE);
            if (isEndless || links.has(page.next)) {
                throw new PublisherError('harvest.unparsable', `the next links of ${stream.name} go in a circle`);
            }
            links.add(page.next);
            at = { link: page.next };
        }
    }
    #page(stream, target, purpose) {
        const request = { stream, target, purpose, priority: PRIORITY.slack };
        return this.#patiently(() => this.#source.fetchPage(request, this.#signal));
    }
    async #patiently(ask) {
        for (let attempt = 1;; attempt++) {
            try {
                this.asked++;
                return await ask();
            }
            catch (thrown) {
                this.#signal.throwIfAborted();
                if (asPublisherError(thrown).kind !== 'transient' || attempt === TRIES)
                    throw thrown;
                await this.#clock.sleep(jitteredPause(attempt, PAUSE_BASE_MS, PAUSE_MAX_MS, this.#random()), this.#signal);
                this.#signal.throwIfAborted();
            }
        }
    }
}
