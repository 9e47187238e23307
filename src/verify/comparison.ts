// One stream's comparison, in two looks. The first finds what differs; the second asks both sides again, after a pause, and
// keeps what differs in the same way as before: whatever moved in between was a change under way, not a difference.
import type { RowId } from '../engine/ports.ts';
import type { StreamDefinition } from '../streams/definition.ts';
import type { HarvestView } from './harvest-view.ts';
import type { ReadRecord, RecordReader, Rows } from './record-reader.ts';
import type { Share } from './share.ts';
import type { TopicView } from './topic-view.ts';

export type Kind = 'missing' | 'extra' | 'stale';

/** A row on which the two sides differ: the hash of its value on each, null where it is not. */
export interface Difference {
  readonly id: RowId;
  readonly share: Share;
  /** The parent in the path of a single record. */
  readonly group: number | null;
  readonly harvest: number | null;
  readonly topic: number | null;
}

export function kindOf({ harvest, topic }: Pick<Difference, 'harvest' | 'topic'>): Kind {
  if (topic === null) return 'missing';
  return harvest === null ? 'extra' : 'stale';
}

/** `total_entries` against the rows on the topic. */
export interface RowCounts {
  readonly harvest: number;
  readonly topic: number;
}

/** Harvest's values of so many stale rows are kept, to tell which fields differ. */
const VALUES_MAX = 1_000;

/** Lists asked for at a time: enough to use a whole budget, few enough to stop soon. */
const AT_ONCE = 4;

interface ComparisonParts {
  readonly topic: TopicView;
  readonly harvest: HarvestView;
  /** The stream that Harvest is asked for: the topic's, or the one that this is derived from. */
  readonly asked: StreamDefinition;
  /** Reads what Harvest is asked for. */
  readonly rows: Rows;
  /** Reads records of the topic's stream. */
  readonly records: RecordReader;
  /** The parent of what is asked for. */
  readonly parent: StreamDefinition | null;
  /** The shares to compare; with a sample, those that its rows may lie in. */
  readonly shares: readonly Share[];
}

export class Comparison {
  readonly topic: TopicView;
  /** The rows that differ by the looks so far. */
  readonly differences = new Map<RowId, Difference>();
  /** Records that cannot be values: they are in the dead letters instead. */
  readonly refused = new Set<RowId>();
  /** Harvest's values of stale rows, as of the second look; the first thousand. */
  readonly values = new Map<RowId, Buffer>();
  /** Rows that were unequal at both looks, each time in another way. */
  moving = 0;
  /** Rows that both sides were asked for. */
  compared = 0;
  /** Parents that are there but whose lists are refused. */
  readonly refusedParents = new Set<string>();
  counts: RowCounts | null = null;
  readonly #parts: ComparisonParts;
  #pages = 0;

  constructor(parts: ComparisonParts) {
    this.topic = parts.topic;
    this.#parts = parts;
  }

  get #stream(): StreamDefinition {
    return this.topic.definition;
  }

  /** The first look at everything in the shares. */
  async look(): Promise<void> {
    const seen = new Set<RowId>();
    const looked = new Set<string>();
    await inChunks(this.#parts.shares, async (share) => {
      const found = await this.#ask(share, (id, answer) => {
        seen.add(id);
        this.#note(id, share, answer);
      });
      if (found) looked.add(share.name);
    });
    const byName = new Map(this.#parts.shares.map((share) => [share.name, share]));
    this.compared += seen.size;
    for (const id of this.topic.index.ids()) {
      const name = this.topic.shareName(id);
      const share = name === null ? this.#parts.shares[0] : byName.get(name);
      if (seen.has(id) || share === undefined || (name !== null && !looked.has(name))) continue;
      this.compared++;
      this.#note(id, share, null);
    }
  }

  /** The first look at single rows of the topic, and at the number of all. */
  async lookAt(ids: readonly RowId[]): Promise<void> {
    const share = this.#parts.shares[0]!;
    for (const id of ids) {
      const group = this.topic.index.get(id)?.group ?? null;
      if (group === null && this.#isBelowParent) continue;
      this.#note(id, share, await this.#single({ id, group, share }));
      this.compared++;
    }
  }

  /** Compares the number of rows; a second time, keeps the counts only if it is as far off as before. */
  async count(): Promise<void> {
    const before = this.counts;
    const harvest = await this.#parts.harvest.total(this.#stream, this.#parts.shares[0]!);
    // A list that cannot be counted any more cannot be confirmed either.
    this.counts = null;
    if (harvest === null) return;
    // Harvest counts the records that lie in the dead letters alone, too.
    const unpublished = this.#parts.records.deadIds.filter((id) => this.topic.hash(id) === null);
    this.counts = { harvest, topic: this.topic.index.size + unpublished.length };
    if (before === null || isEven(before) || isEven(this.counts)) return;
    if (before.harvest - before.topic === this.counts.harvest - this.counts.topic) return;
    this.moving++;
    this.counts = { harvest, topic: harvest };
  }

  /** Whether anything is left that a second look would have to confirm. */
  get isOpen(): boolean {
    return this.differences.size > 0 || (this.counts !== null && !isEven(this.counts));
  }

  /** The second look. The topic's news must be read before. */
  async lookAgain(): Promise<void> {
    // Rows that have reached the topic meanwhile cost no request.
    for (const { id, harvest } of this.differences.values()) {
      if (this.topic.hash(id) === harvest) this.differences.delete(id);
    }
    const answers = await this.#askAgain([...this.differences.values()]);
    for (const before of [...this.differences.values()]) {
      this.differences.delete(before.id);
      const answer = answers.get(before.id);
      if (answer === 'refused') this.refused.add(before.id);
      // Without an answer its parent's list is refused by now.
      else if (answer !== undefined) this.#judge(before, answer);
    }
    if (this.counts !== null && !isEven(this.counts)) await this.count();
  }

  #judge(before: Difference, answer: Exclude<ReadRecord, 'refused'> | null): void {
    const { id } = before;
    const topic = this.topic.hash(id);
    const harvest = answer?.hash ?? null;
    if (harvest === topic) return;
    if (harvest !== before.harvest || topic !== before.topic) {
      this.moving++;
      return;
    }
    this.differences.set(id, before);
    if (answer && topic !== null && this.values.size < VALUES_MAX) this.values.set(id, Buffer.from(answer.value));
  }

  #note(id: RowId, share: Share, answer: ReadRecord | null): void {
    const topic = this.topic.hash(id);
    const harvest = answer === null || answer === 'refused' ? null : answer.hash;
    // A walk that is walked again may bring another version: the last one counts.
    this.differences.delete(id);
    if (answer === 'refused') this.refused.add(id);
    else if (harvest !== topic) {
      const group = answer === null ? (this.topic.index.get(id)?.group ?? null) : answer.group;
      this.differences.set(id, { id, share, group, harvest, topic });
    }
  }

  /** Harvest's answers for these rows, one by one or by their shares, whichever takes fewer requests; null: it is gone. */
  async #askAgain(rows: readonly Difference[]): Promise<ReadonlyMap<RowId, ReadRecord | null>> {
    const answers = new Map<RowId, ReadRecord | null>();
    const isFew = this.#stream.single !== null && rows.length <= Math.max(1, this.#pages);
    if (isFew && !(this.#isBelowParent && rows.some(({ group }) => group === null))) {
      for (const row of rows) answers.set(row.id, await this.#single(row));
      return answers;
    }
    const wanted = new Map<Share, RowId[]>();
    for (const { id, share } of rows) wanted.set(share, [...(wanted.get(share) ?? []), id]);
    const ids = new Set(rows.map(({ id }) => id));
    await inChunks([...wanted.keys()], async (share) => {
      const asked = await this.#ask(share, (id, answer) => {
        // It may come from another parent than before.
        if (ids.has(id)) answers.set(id, answer);
      });
      for (const id of asked ? wanted.get(share)! : []) if (!answers.has(id)) answers.set(id, null);
    });
    return answers;
  }

  /** Asks for a share and tells of each record in it; false when the share is refused. */
  async #ask(share: Share, onAnswer: (id: RowId, answer: ReadRecord) => void): Promise<boolean> {
    const { harvest, asked, parent, rows } = this.#parts;
    const pages = await harvest.share(asked, share, parent, (records) => {
      for (const record of records) for (const [id, answer] of rows.rowsOf(record, share)) onAnswer(id, answer);
    });
    if (pages === null) this.refusedParents.add(share.name);
    else this.#pages = Math.max(this.#pages, pages);
    return pages !== null;
  }

  async #single({ id, group, share }: Pick<Difference, 'id' | 'group' | 'share'>): Promise<ReadRecord | null> {
    const parent = this.#isBelowParent ? group : null;
    const record = await this.#parts.harvest.record(this.#stream, id as number, parent);
    return record && this.#parts.records.read(record, share);
  }

  /** Whether the path of a single record holds its parent. */
  get #isBelowParent(): boolean {
    return this.#stream.single?.includes('{parent}') ?? false;
  }
}

async function inChunks<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += AT_ONCE) await Promise.all(items.slice(at, at + AT_ONCE).map(work));
}

function isEven({ harvest, topic }: RowCounts): boolean {
  return harvest === topic;
}
