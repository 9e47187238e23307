// Places for concurrent requests, shared by the budgets of one client. Knows nothing of who takes one or why.
export class Connections {
    #free;
    #listeners = [];
    constructor(places) {
        this.#free = places;
    }
    /** Takes a place if there is one. */
    take() {
        if (this.#free === 0)
            return false;
        this.#free -= 1;
        return true;
    }
    /** Gives a place back and tells those who may want it, in the order in which they asked to be told. */
    give() {
        this.#free += 1;
        for (const listener of this.#listeners)
            listener();
    }
    onFree(listener) {
        this.#listeners.push(listener);
    }
}
