// Reads a record of Harvest's answer for the comparison of a derived stream: the rows of its items.
import { type Codec, ConversionError, type JsonObject, type RowId } from '../engine/ports.ts';
import { itemsIn, type StreamDefinition } from '../streams/definition.ts';
import type { ReadRecord, RecordReader, Rows } from './record-reader.ts';
import type { Share } from './share.ts';
import type { TopicView } from './topic-view.ts';

export class ItemReader implements Rows {
  readonly #topic: TopicView;
  readonly #codec: Codec;
  readonly #parents: RecordReader;

  /** `parents` reads the records whose items are on `topic`. */
  constructor(topic: TopicView, codec: Codec, parents: RecordReader) {
    this.#topic = topic;
    this.#codec = codec;
    this.#parents = parents;
  }

  rowsOf(record: JsonObject, share: Share): readonly (readonly [RowId, ReadRecord])[] {
    const { definition } = this.#topic;
    const parentId = record.id as number;
    const items = itemsIn(definition, record);
    // Where the parent lies in the dead letters, its items are those of its last version that does not.
    if (items === null || this.#parents.read(record, share) === 'refused') return this.#asTheyAre(parentId);
    return items.flatMap((item, position) => {
      const context = { accountId: share.context.accountId, parentId, position };
      const id = this.#codec.identify(definition, item, context);
      return id === null ? [] : [[id, this.#read(definition, item, context)] as const];
    });
  }

  #read(definition: StreamDefinition, item: JsonObject, context: Parameters<Codec['encode']>[2]): ReadRecord {
    try {
      return this.#codec.encode(definition, item, context);
    } catch (thrown) {
      if (thrown instanceof ConversionError) return 'refused';
      throw thrown;
    }
  }

  #asTheyAre(parentId: number): (readonly [RowId, ReadRecord])[] {
    const { index } = this.#topic;
    return index.idsIn(parentId).map((id) => {
      const { hash, group } = index.get(id)!;
      return [id, { hash, group, value: Buffer.alloc(0) }] as const;
    });
  }
}
