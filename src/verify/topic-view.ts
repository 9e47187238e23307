// A stream's topic as a comparison sees it: what it holds now, brought up to date when asked to. Reads only.
import type { Codec, JsonObject, Restore, RowId, TopicRecord } from '../engine/ports.ts';
import { createRowIndex, type RowIndex } from '../engine/state/row-index.ts';
import type { StreamDefinition } from '../streams/definition.ts';
import { shareNameOf } from './share.ts';

/** The topics of an account, committed records only. */
export interface TopicLog {
  /** Delivers what was committed since the call before, in order; everything the first time, and after a `reset`. */
  news(stream: string, restore: Restore, signal: AbortSignal): Promise<void>;
  /** Everything, whatever `news` has delivered. */
  all(stream: string, onRecord: (record: TopicRecord) => void, signal: AbortSignal): Promise<void>;
}

/** The codec, with its way back to JSON. */
export interface ReadableCodec extends Codec {
  decode(stream: StreamDefinition, value: Buffer): Promise<JsonObject | null>;
}

export class TopicView {
  readonly definition: StreamDefinition;
  readonly index: RowIndex;
  readonly #above: TopicView | null;
  readonly #log: TopicLog;
  readonly #codec: ReadableCodec;

  /** `above`: for a derived stream, the topic that it is derived from. */
  constructor(definition: StreamDefinition, log: TopicLog, codec: ReadableCodec, above: TopicView | null = null) {
    this.#above = above;
    this.definition = definition;
    this.index = createRowIndex(definition.key.length === 1);
    this.#log = log;
    this.#codec = codec;
  }

  /** The hash of the row's value; null when it is not on the topic. */
  hash(id: RowId): number | null {
    return this.index.get(id)?.hash ?? null;
  }

  /** The name of the share that a row belongs to; null for an item whose parent is not on its topic. */
  shareName(id: RowId): string | null {
    const row = this.index.get(id)!;
    if (this.#above === null) return shareNameOf(this.definition, id, row);
    return row.group !== null && this.#above.index.get(row.group) ? this.#above.shareName(row.group) : null;
  }

  /** Reads what was committed meanwhile. */
  async advance(signal: AbortSignal): Promise<void> {
    const restore: Restore = { reset: () => this.index.clear(), record: (_, record) => this.#apply(record) };
    await this.#log.news(this.definition.name, restore, signal);
  }

  /** The last value of each of these rows. */
  async values(ids: ReadonlySet<RowId>, signal: AbortSignal): Promise<ReadonlyMap<RowId, Buffer>> {
    const found = new Map<RowId, Buffer>();
    const note = ({ key, value }: TopicRecord) => {
      const id = this.#codec.rowId(this.definition, key);
      if (!ids.has(id)) return;
      // A copy: the record is part of a whole answer of the broker.
      if (value === null) found.delete(id);
      else found.set(id, Buffer.from(value));
    };
    await this.#log.all(this.definition.name, note, signal);
    return found;
  }

  #apply({ key, value, sourceTsMs }: TopicRecord): void | Promise<void> {
    if (value === null) return this.index.delete(this.#codec.rowId(this.definition, key));
    const restored = this.#codec.restore(this.definition, key, value);
    const take = ({ id, hash, group, day }: Awaited<typeof restored>) =>
      this.index.set(id, { hash, group, day, updatedAt: sourceTsMs });
    return restored instanceof Promise ? restored.then(take) : take(restored);
  }
}
