export class TopicMemory {
    /** The next offset to read, by partition; lives as long as the process. */
    #positions = new Map();
    /** Offset of our last record, by partition; the stream's state row holds it too. */
    #noted = new Map();
    /** Our records end at `last`, committed. */
    wrote(partition, last) {
        this.#positions.set(partition, last + 1);
        this.#noted.set(partition, last);
    }
    /** Everything before `position` was read. */
    read(partition, position) {
        this.#positions.set(partition, position);
    }
    /** Whether new records may begin at `offset`: a topic that still is ours does not give an offset twice. */
    accepts(partition, offset) {
        return offset >= (this.#positions.get(partition) ?? 0);
    }
    /** Takes over what a state row notes. */
    learn(noted) {
        for (const [partition, offset] of Object.entries(noted)) {
            this.#noted.set(Number(partition), Math.max(offset, this.#noted.get(Number(partition)) ?? 0));
        }
    }
    /** For the state row. */
    noted() {
        return Object.fromEntries(this.#noted);
    }
    forget() {
        this.#positions.clear();
        this.#noted.clear();
    }
    /**
     * Why the topic cannot be the one that we remember; null when it can. It was emptied or made anew when an offset that we
     * know lies at or behind its end, or before its start: compaction moves neither.
     */
    breach(bounds) {
        for (const [partition, offset] of this.#noted) {
            const found = bounds[partition];
            if (!found)
                return `partition ${partition} is gone, which held our record at offset ${offset}`;
            if (offset >= found.end)
                return `partition ${partition} ends at offset ${found.end}, our record was at ${offset}`;
            if (offset < found.start)
                return `partition ${partition} begins at offset ${found.start}, our record was at ${offset}`;
        }
        for (const [partition, position] of this.#positions) {
            const found = bounds[partition];
            if (!found)
                return `partition ${partition} is gone, which was read up to offset ${position}`;
            if (position > found.end)
                return `partition ${partition} ends at offset ${found.end}, it was read up to ${position}`;
            if (position < found.start)
                return `partition ${partition} begins at offset ${found.start}, it was read up to ${position}`;
        }
        return null;
    }
    /** What is new on the topic; all of it after `forget`. */
    unread(topic, bounds) {
        return bounds.map(({ start, end }, partition) => ({
            topic,
            partition,
            from: this.#positions.get(partition) ?? start,
            to: end,
        }));
    }
}
