// Our memory of one stream's topic: how far it was read, and where our last records are. Tells from that whether
// the topic is still the one we wrote. Knows offsets only.
import type { PartitionBounds, PartitionRange } from './reader.ts';
import type { Offsets } from './state-topic.ts';

export class TopicMemory {
  /** The next offset to read, by partition; lives as long as the process. */
  readonly #positions = new Map<number, number>();
  /** Offset of our last record, by partition; the stream's state row holds it too. */
  readonly #noted = new Map<number, number>();
  /** How many partitions it had when it was read. */
  #partitions: number | null = null;

  /** Our records end at `last`, committed. */
  wrote(partition: number, last: number): void {
    this.#positions.set(partition, last + 1);
    this.#noted.set(partition, last);
  }

  /** Everything before `position` was read. */
  read(partition: number, position: number): void {
    this.#positions.set(partition, position);
  }

  /** Whether new records may begin at `offset`: a topic that still is ours does not give an offset twice. */
  accepts(partition: number, offset: number): boolean {
    return offset >= (this.#positions.get(partition) ?? 0);
  }

  /** Takes over what a state row notes. */
  learn(noted: Offsets): void {
    for (const [partition, offset] of Object.entries(noted)) {
      this.#noted.set(Number(partition), Math.max(offset, this.#noted.get(Number(partition)) ?? 0));
    }
  }

  /** For the state row. */
  noted(): Offsets {
    return Object.fromEntries(this.#noted);
  }

  forget(): void {
    this.#positions.clear();
    this.#noted.clear();
  }

  /** Whether it has other partitions than when it was read: each key may belong to another one now. */
  isRepartitioned(bounds: readonly PartitionBounds[]): boolean {
    return this.#partitions !== null && this.#partitions !== bounds.length;
  }

  /** It is to be read from its beginning once more. */
  rewind(): void {
    this.#positions.clear();
  }

  /**
   * Why the topic cannot be the one that we remember; null when it can. It was emptied or made anew when an offset that we
   * know lies at or behind its end, or before its start: compaction moves neither.
   */
  breach(bounds: readonly PartitionBounds[]): string | null {
    const known = [
      ...[...this.#noted].map(([partition, at]) => ({ partition, at, next: at + 1, said: `our record was at ${at}` })),
      ...[...this.#positions].map(([partition, at]) => ({ partition, at, next: at, said: `it was read up to ${at}` })),
    ];
    for (const { partition, at, next, said } of known) {
      const found = bounds[partition];
      if (!found) return `partition ${partition} is gone, ${said}`;
      if (next > found.end) return `partition ${partition} ends at offset ${found.end}, ${said}`;
      if (at < found.start) return `partition ${partition} begins at offset ${found.start}, ${said}`;
    }
    return null;
  }

  /** The part of the topic that is new, as far as it is stable; all of it after `forget` and `rewind`. */
  unread(topic: string, bounds: readonly PartitionBounds[]): PartitionRange[] {
    this.#partitions = bounds.length;
    return bounds.map(({ start, stable }, partition) => ({
      topic,
      partition,
      from: this.#positions.get(partition) ?? start,
      to: stable,
    }));
  }
}
