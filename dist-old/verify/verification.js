// The comparison of one account: which streams, in which order, and when each is looked at again. Two lanes, because Harvest
// has two budgets; a stream's parents come before it. Reads only: nothing is fenced, a running daemon goes on.
import { isoSeconds } from '../base/clock.js';
import { PublisherError } from '../base/errors.js';
import { findStream } from '../streams/catalog.js';
import { Comparison, kindOf } from './comparison.js';
import { staleRows } from './fields.js';
import { findingOf, refusalOf } from './finding.js';
import { HarvestView } from './harvest-view.js';
import { parentPortions, portionNameOf, wholePortion, windowPortions, } from './portion.js';
import { RecordReader } from './record-reader.js';
import { expectedRequests } from './requests.js';
import { sampleOf } from './sample.js';
import { TopicView } from './topic-view.js';
export class Verification {
    #options;
    #harvest;
    #views = new Map();
    #comparisons = new Map();
    #findings = new Map();
    #rows = new Map();
    #company = {};
    #waiting = 0;
    constructor(options) {
        this.#options = options;
        this.#harvest = new HarvestView(options);
        for (const stream of options.streams) {
            for (const name of [stream.name, stream.parent?.stream ?? stream.name]) {
                if (!this.#views.has(name))
                    this.#views.set(name, new TopicView(findStream(name), options.log, options.codec));
            }
        }
    }
    /** How far it is, for progress. `waiting`: streams that differed at the first look and are given time to catch up. */
    get progress() {
        const { streams } = this.#options;
        return { asked: this.#harvest.asked, done: this.#findings.size, streams: streams.length, waiting: this.#waiting };
    }
    /** Reads the topics and `/company`; says what the first look will cost. What differs is asked for once more on top. */
    async prepare() {
        const { streams, signal, stateRows, sample } = this.#options;
        for (const view of this.#views.values())
            await view.advance(signal);
        this.#rows = await stateRows();
        this.#company = await this.#readCompany();
        const sum = { general: 0, reports: 0 };
        for (const stream of streams) {
            if (!this.#isOff(stream))
                sum[stream.budget] += expectedRequests(this.#view(stream), this.#portions(stream), sample);
        }
        return sum;
    }
    /** Compares; `prepare` comes first. Throws when the account or the broker cannot be asked at all. */
    async run() {
        const { streams } = this.#options;
        const lane = (budget) => this.#lane(streams.filter((stream) => stream.budget === budget));
        await Promise.all([lane('general'), lane('reports')]);
        return streams.map(({ name }) => this.#findings.get(name));
    }
    /** What is known when `run` was stopped: the findings so far, and how far the other streams are. */
    soFar() {
        return this.#options.streams.map((stream) => this.#findings.get(stream.name) ?? this.#unfinished(stream));
    }
    async #lane(streams) {
        const { clock, signal, patienceMs } = this.#options;
        const open = [];
        for (const stream of streams) {
            if (!(await this.#attempt(stream, () => this.#look(stream))))
                continue;
            if (this.#comparisons.get(stream.name).isOpen)
                open.push({ stream, at: clock.monotonic() + patienceMs(stream) });
            else
                await this.#conclude(stream);
        }
        this.#waiting += open.length;
        for (const { stream, at } of open.sort((a, b) => a.at - b.at)) {
            await clock.sleep(at - clock.monotonic(), signal);
            signal.throwIfAborted();
            if (await this.#attempt(stream, () => this.#lookAgain(stream)))
                await this.#conclude(stream);
            this.#waiting--;
        }
    }
    async #look(stream) {
        const { signal, sample, random, codec } = this.#options;
        const view = this.#view(stream);
        await view.advance(signal);
        const all = this.#portions(stream);
        // A stream that is read whole and knows no single records has nothing smaller to ask for.
        const isWhole = sample === null || (stream.kind === 'whole' && stream.single === null);
        const drawn = isWhole ? null : sampleOf(view.index.ids(), sample, random);
        const isSingle = drawn !== null && stream.single !== null;
        const portions = drawn === null || isSingle ? all : portionsWith(view, drawn, all);
        const deadLetters = (this.#rows.get(stream.name)?.refused ?? {});
        const comparison = new Comparison({
            topic: view,
            harvest: this.#harvest,
            records: new RecordReader(stream, codec, deadLetters),
            parent: stream.parent && findStream(stream.parent.stream),
            portions,
        });
        this.#comparisons.set(stream.name, comparison);
        if (!isSingle)
            return comparison.look();
        await comparison.lookAt(drawn);
        await comparison.count();
    }
    async #lookAgain(stream) {
        await this.#view(stream).advance(this.#options.signal);
        await this.#comparisons.get(stream.name).lookAgain();
    }
    /** False when Harvest does not answer for the stream, which is its finding then. */
    async #attempt(stream, look) {
        if (this.#isOff(stream)) {
            const reason = `the company has this module switched off (${stream.feature} is false)`;
            this.#findings.set(stream.name, { ...this.#nothing(stream), state: 'FEATURE_OFF', reason });
            return false;
        }
        try {
            await look();
            return true;
        }
        catch (thrown) {
            this.#options.signal.throwIfAborted();
            const state = thrown instanceof PublisherError ? refusalOf(thrown) : null;
            if (state === null)
                throw thrown;
            const { message: reason, remedy, exitCode: exit_code } = thrown;
            this.#findings.set(stream.name, { ...this.#nothing(stream), state, reason, remedy, exit_code });
            return false;
        }
    }
    async #conclude(stream) {
        const { codec, withValues, signal } = this.#options;
        const comparison = this.#comparisons.get(stream.name);
        const stale = await staleRows(comparison, idsOf(comparison, 'stale'), codec, withValues, signal);
        this.#findings.set(stream.name, { ...this.#nothing(stream), ...countsOf(comparison), stale });
    }
    #unfinished(stream) {
        const comparison = this.#comparisons.get(stream.name);
        const nothing = { ...this.#nothing(stream), state: 'unfinished' };
        if (!comparison?.isOpen)
            return nothing;
        const reason = 'what differed at the first look was not looked at again: it may have been under way';
        const stale = idsOf(comparison, 'stale').map((id) => ({ id, fields: null }));
        return { ...nothing, ...countsOf(comparison), stale, reason };
    }
    #nothing({ name }) {
        return findingOf(name, this.#rows.get(name));
    }
    #portions(stream) {
        const { settings, clock } = this.#options;
        const { index } = this.#view(stream);
        if (stream.kind === 'report') {
            return windowPortions(index, settings, isoSeconds(clock.now()).slice(0, 10), this.#weekStart());
        }
        return stream.parent === null
            ? [wholePortion(stream, settings)]
            : parentPortions(this.#parents(stream.parent.stream, index), settings);
    }
    /** Parents on their own topic, parents of rows on the topic, and what the parents' comparison has missed there. */
    *#parents(parent, index) {
        yield* this.#views.get(parent).index.ids();
        for (const id of index.ids()) {
            const group = index.get(id)?.group ?? null;
            if (group !== null)
                yield group;
        }
        for (const difference of this.#comparisons.get(parent)?.differences.values() ?? [])
            yield difference.id;
    }
    /** `/company` says which modules are on and when weeks begin; the daemon's row does when the token may not read it. */
    async #readCompany() {
        const company = findStream('company');
        try {
            const page = await this.#harvest.first(company, wholePortion(company, this.#options.settings));
            return page.records[0] ?? {};
        }
        catch (thrown) {
            this.#options.signal.throwIfAborted();
            if (!(thrown instanceof PublisherError) || thrown.kind !== 'blocked')
                throw thrown;
            return (this.#rows.get('company')?.company ?? {});
        }
    }
    #isOff({ feature }) {
        return feature !== null && this.#company[feature] === false;
    }
    #weekStart() {
        const day = this.#company.week_start_day;
        return day === 'Saturday' || day === 'Sunday' ? day : 'Monday';
    }
    #view({ name }) {
        return this.#views.get(name);
    }
}
/** The portions that these rows lie in. */
function portionsWith(view, ids, portions) {
    const names = new Set(ids.map((id) => portionNameOf(view.definition, id, view.index.get(id))));
    return portions.filter(({ name }) => names.has(name));
}
function idsOf({ differences }, kind) {
    return [...differences.values()].filter((difference) => kindOf(difference) === kind).map(({ id }) => id);
}
/** What a comparison has found so far, but for its stale rows. */
function countsOf(comparison) {
    const { compared, moving, refused, refusedParents, tally } = comparison;
    return {
        ...{ compared, moving, tally, refused: [...refused], refused_parents: [...refusedParents] },
        ...{ missing: idsOf(comparison, 'missing'), extra: idsOf(comparison, 'extra') },
    };
}
