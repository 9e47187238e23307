/** How soon an order is seen. */
const INTERVAL_MS = 5_000;
export class OrderWatch {
    #sink;
    #clock;
    #streams;
    /** Carried out: the sink may not know yet. */
    #done = new Set();
    constructor(sink, clock, streams) {
        this.#sink = sink;
        this.#clock = clock;
        this.#streams = streams;
    }
    /** Hands orders to their streams until `signal` aborts; `onLook` is called after each look. Throws what the sink throws. */
    async run(signal, onLook) {
        while (!signal.aborted) {
            const orders = (await this.#sink.orders(signal)).filter(({ id }) => !this.#done.has(id));
            for (const [name, live] of this.#streams)
                live.orders = orders.filter(({ stream }) => stream === name);
            onLook(orders.length);
            await this.#clock.sleep(INTERVAL_MS, signal);
        }
    }
    /** The orders were carried out by a commit. */
    carriedOut(live, ids) {
        for (const id of ids)
            this.#done.add(id);
        live.orders = live.orders.filter(({ id }) => !this.#done.has(id));
    }
}
