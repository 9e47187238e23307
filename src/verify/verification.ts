// The comparison of one account: which streams, in which order, and when each is looked at again. Two lanes, because Harvest
// has two budgets; a stream's parents come before it. Reads only: nothing is fenced, a running daemon goes on.
import { isoSeconds } from '../base/clock.ts';
import { PublisherError } from '../base/errors.ts';
import type { JsonObject, RowId } from '../engine/ports.ts';
import { type BudgetName, isOff, type StreamDefinition } from '../streams/definition.ts';
import { weekStartIn } from '../streams/windows.ts';
import { Comparison, type Kind, kindOf } from './comparison.ts';
import { staleRows } from './fields.ts';
import { findingOf, refusalOf, type StreamFinding } from './finding.ts';
import { HarvestView, type HarvestViewParts } from './harvest-view.ts';
import { ItemReader } from './item-reader.ts';
import { RecordReader } from './record-reader.ts';
import { expectedRequests } from './requests.ts';
import { sampleOf } from './sample.ts';
import { parentShares, type RecordedDays, type Share, type ShareSettings, wholeShare, windowShares } from './share.ts';
import { type ReadableCodec, type TopicLog, TopicView } from './topic-view.ts';

export interface VerificationOptions extends HarvestViewParts {
  /** The streams to compare, in the order of the catalog. */
  readonly streams: readonly StreamDefinition[];
  /** All streams there are: some are looked into for those that are compared. */
  readonly catalog: readonly StreamDefinition[];
  readonly codec: ReadableCodec;
  readonly log: TopicLog;
  /** Whether a stream that is looked into only for its days is switched on. */
  readonly isEnabled: (stream: string) => boolean;
  /** The daemon's state rows as last committed, by stream. */
  readonly stateRows: () => Promise<ReadonlyMap<string, JsonObject>>;
  readonly settings: ShareSettings;
  /** So many rows of each stream instead of all. */
  readonly sample: number | null;
  /** How long after the first look a stream is looked at again. */
  readonly patienceMs: (stream: StreamDefinition) => number;
  readonly withValues: boolean;
}

/** Requests by budget. */
export type Requests = Readonly<Record<BudgetName, number>>;

export class Verification {
  readonly #options: VerificationOptions;
  readonly #harvest: HarvestView;
  readonly #views = new Map<string, TopicView>();
  readonly #comparisons = new Map<string, Comparison>();
  readonly #findings = new Map<string, StreamFinding>();
  #rows: ReadonlyMap<string, JsonObject> = new Map();
  #company: JsonObject = {};
  /** When the streams that differed at the first look are looked at again, on the monotonic clock. */
  readonly #again = new Map<string, number>();

  constructor(options: VerificationOptions) {
    this.#options = options;
    this.#harvest = new HarvestView(options);
    for (const stream of options.streams) {
      for (const name of [...this.#above(stream), stream.name, ...windowSources(stream)]) this.#see(name);
    }
  }

  /** The parents of a stream by name, the topmost first: what it is read through has to be known. */
  #above({ kind, parent }: StreamDefinition): string[] {
    if (parent === null) return [];
    return [...(kind === 'derived' ? this.#above(this.#named(parent.stream)) : []), parent.stream];
  }

  #see(name: string): void {
    const { log, codec } = this.#options;
    const definition = this.#named(name);
    const above = definition.kind === 'derived' ? this.#view(this.#asked(definition)) : null;
    if (!this.#views.has(name)) this.#views.set(name, new TopicView(definition, log, codec, above));
  }

  /** How far it is, for progress. `waiting`: streams that differed at the first look and are given time to catch up. */
  get progress() {
    const { streams, clock } = this.#options;
    const next = Math.min(...this.#again.values()) - clock.monotonic();
    return {
      asked: this.#harvest.asked,
      done: this.#findings.size,
      streams: streams.length,
      waiting: this.#again.size,
      /** Milliseconds until the next of them is looked at again; null when none waits. */
      againInMs: this.#again.size === 0 ? null : Math.max(0, next),
    };
  }

  /** Reads the topics and `/company`; says what the first look will cost. What differs is asked for once more on top. */
  async prepare(): Promise<Requests> {
    const { streams, signal, stateRows, sample } = this.#options;
    this.#rows = await stateRows();
    for (const view of this.#views.values()) if (this.#isPublished(view)) await view.advance(signal);
    this.#company = await this.#readCompany();
    const sum = { general: 0, reports: 0 };
    for (const stream of streams) {
      if (!isOff(stream, this.#company)) sum[stream.budget] += this.#expected(stream, sample);
    }
    return sum;
  }

  #expected(stream: StreamDefinition, sample: number | null): number {
    const asked = this.#asked(stream);
    // Of what it is derived from no single records are asked for.
    const drawn = asked === stream || asked.kind === 'child' ? sample : null;
    return expectedRequests(this.#view(asked), this.#shares(stream), drawn);
  }

  /** Compares; `prepare` comes first. Throws when the account or the broker cannot be asked at all. */
  async run(): Promise<StreamFinding[]> {
    const { streams } = this.#options;
    const lane = (budget: BudgetName) => this.#lane(streams.filter((stream) => stream.budget === budget));
    await Promise.all([lane('general'), lane('reports')]);
    return streams.map(({ name }) => this.#findings.get(name)!);
  }

  /** The findings when `run` was stopped, and how far the other streams are. */
  soFar(): StreamFinding[] {
    return this.#options.streams.map((stream) => this.#findings.get(stream.name) ?? this.#unfinished(stream));
  }

  async #lane(streams: readonly StreamDefinition[]): Promise<void> {
    const { clock, signal, patienceMs } = this.#options;
    const open: { readonly stream: StreamDefinition; readonly at: number }[] = [];
    for (const stream of streams) {
      if (!(await this.#attempt(stream, () => this.#look(stream)))) continue;
      if (this.#comparisons.get(stream.name)!.isOpen) open.push({ stream, at: clock.monotonic() + patienceMs(stream) });
      else await this.#conclude(stream);
    }
    for (const { stream, at } of open) this.#again.set(stream.name, at);
    for (const { stream, at } of open.sort((a, b) => a.at - b.at)) {
      await clock.sleep(at - clock.monotonic(), signal);
      signal.throwIfAborted();
      const comparison = this.#comparisons.get(stream.name)!;
      const lookAgain = () => comparison.topic.advance(signal).then(() => comparison.lookAgain());
      if (await this.#attempt(stream, lookAgain)) await this.#conclude(stream);
      this.#again.delete(stream.name);
    }
  }

  async #look(stream: StreamDefinition): Promise<void> {
    const { signal, sample, random, codec } = this.#options;
    const view = this.#view(stream);
    await view.advance(signal);
    const all = this.#shares(stream);
    // A stream that is read whole and knows no single records has nothing smaller to ask for.
    const isWhole = sample === null || (stream.kind === 'whole' && stream.single === null);
    const drawn = isWhole ? null : sampleOf(view.index.ids(), sample, random);
    const isSingle = drawn !== null && stream.single !== null;
    const shares = drawn === null || isSingle ? all : sharesWith(view, drawn, all);
    const asked = this.#asked(stream);
    const records = this.#reader(stream);
    const comparison = new Comparison({
      topic: view,
      harvest: this.#harvest,
      asked,
      rows: asked === stream ? records : new ItemReader(view, codec, this.#reader(asked)),
      records,
      parent: asked.parent && this.#named(asked.parent.stream),
      shares,
    });
    this.#comparisons.set(stream.name, comparison);
    if (!isSingle) return comparison.look();
    await comparison.lookAt(drawn);
    await comparison.count();
  }

  /** The stream that Harvest is asked for, to compare another. */
  #asked(stream: StreamDefinition): StreamDefinition {
    return stream.kind === 'derived' ? this.#named(stream.parent!.stream) : stream;
  }

  #reader(stream: StreamDefinition): RecordReader {
    const deadLetters = (this.#rows.get(stream.name)?.refused ?? {}) as Readonly<Record<string, number>>;
    return new RecordReader(stream, this.#options.codec, deadLetters);
  }

  /** False when Harvest does not answer for the stream, which is its finding then. */
  async #attempt(stream: StreamDefinition, look: () => Promise<void>): Promise<boolean> {
    if (isOff(stream, this.#company)) {
      const reason = `the company has this module switched off (${stream.feature} is false)`;
      this.#findings.set(stream.name, { ...this.#nothing(stream), state: 'FEATURE_OFF', reason });
      return false;
    }
    try {
      await look();
      return true;
    } catch (thrown) {
      this.#options.signal.throwIfAborted();
      const state = thrown instanceof PublisherError ? refusalOf(thrown) : null;
      if (state === null) throw thrown;
      const { message: reason, remedy, exitCode: exit_code } = thrown as PublisherError;
      this.#findings.set(stream.name, { ...this.#nothing(stream), state, reason, remedy, exit_code });
      return false;
    }
  }

  async #conclude(stream: StreamDefinition): Promise<void> {
    const { codec, withValues, signal } = this.#options;
    const comparison = this.#comparisons.get(stream.name)!;
    const stale = await staleRows(comparison, idsOf(comparison, 'stale'), codec, withValues, signal);
    this.#findings.set(stream.name, { ...this.#nothing(stream), ...foundBy(comparison), stale });
  }

  #unfinished(stream: StreamDefinition): StreamFinding {
    const comparison = this.#comparisons.get(stream.name);
    const nothing: StreamFinding = { ...this.#nothing(stream), state: 'unfinished' };
    if (!comparison?.isOpen) return nothing;
    const reason = 'what differed at the first look was not looked at again: it may have been under way';
    const stale = idsOf(comparison, 'stale').map((id) => ({ id, fields: null }));
    return { ...nothing, ...foundBy(comparison), stale, reason };
  }

  #nothing({ name }: StreamDefinition): StreamFinding {
    return findingOf(name, this.#rows.get(name), this.#options.settings.accountId);
  }

  #shares(compared: StreamDefinition): Share[] {
    const { settings, clock } = this.#options;
    const stream = this.#asked(compared);
    const { index } = this.#view(stream);
    if (stream.kind === 'report') {
      const today = isoSeconds(clock.now()).slice(0, 10);
      return windowShares(index, settings, today, weekStartIn(this.#company), this.#recordedDays(stream));
    }
    return stream.parent === null
      ? [wholeShare(stream, settings)]
      : parentShares(this.#parents(stream.parent.stream, index), settings);
  }

  /** As the topics of the lists tell; with a start date those hold what changed since, which is not all that is recorded. */
  #recordedDays(stream: StreamDefinition): RecordedDays {
    const lists = windowSources(stream).map((name) => this.#views.get(name)!);
    const isWhole = lists.every((view) => {
      const row = this.#rows.get(view.definition.name);
      return this.#isPublished(view) && row?.state === 'RUNNING' && row.complete === true;
    });
    const days = lists.flatMap(({ index }) => [...index.days.keys()]);
    return { days, isWhole: isWhole && this.#options.settings.startDate === null };
  }

  /** Whether the stream has a topic of ours: one that is looked into only for its days may have none. */
  #isPublished({ definition: { name } }: TopicView): boolean {
    const { streams, isEnabled } = this.#options;
    const isCompared = streams.some((stream) => stream.name === name || this.#above(stream).includes(name));
    return isCompared || (isEnabled(name) && this.#rows.has(name));
  }

  /** Parents on their own topic, parents of rows on the topic, and what the parents' comparison has missed there. */
  *#parents(parent: string, index: TopicView['index']): Iterable<number> {
    yield* this.#views.get(parent)!.index.ids() as Iterable<number>;
    for (const id of index.ids()) {
      const group = index.get(id)?.group ?? null;
      if (group !== null) yield group;
    }
    for (const difference of this.#comparisons.get(parent)?.differences.values() ?? []) yield difference.id as number;
  }

  /** `/company` says which modules are on and when weeks begin; the daemon's row does when the token may not read it. */
  async #readCompany(): Promise<JsonObject> {
    const company = this.#options.catalog.find(({ isSettings }) => isSettings)!;
    try {
      const page = await this.#harvest.first(company, wholeShare(company, this.#options.settings));
      return page.records[0] ?? {};
    } catch (thrown) {
      this.#options.signal.throwIfAborted();
      if (!(thrown instanceof PublisherError) || thrown.kind !== 'blocked') throw thrown;
      return (this.#rows.get(company.name)?.company ?? {}) as JsonObject;
    }
  }

  #named(stream: string): StreamDefinition {
    return this.#options.catalog.find(({ name }) => name === stream)!;
  }

  #view({ name }: StreamDefinition): TopicView {
    return this.#views.get(name)!;
  }
}

/** The lists whose days tell which windows a report has. */
function windowSources({ kind, sources }: StreamDefinition): readonly string[] {
  return kind === 'report' ? sources : [];
}

/** The shares that these rows lie in. */
function sharesWith(view: TopicView, ids: readonly RowId[], shares: readonly Share[]): Share[] {
  const names = new Set(ids.map((id) => view.shareName(id)));
  return shares.filter(({ name }) => names.has(name));
}

function idsOf({ differences }: Comparison, kind: Kind): RowId[] {
  return [...differences.values()].filter((difference) => kindOf(difference) === kind).map(({ id }) => id);
}

/** The findings of a comparison so far, but for its stale rows. */
function foundBy(comparison: Comparison) {
  const { compared, moving, refused, refusedParents, counts } = comparison;
  return {
    ...{ compared, moving, count: counts, refused: [...refused], refused_parents: [...refusedParents] },
    ...{ missing: idsOf(comparison, 'missing'), extra: idsOf(comparison, 'extra') },
  };
}
