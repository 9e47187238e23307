// Lines for a reader that may stall: a log driver that hangs, a terminal stopped with Ctrl-S, a pager nobody scrolls. They are
// handed over and never waited for; what has no room is dropped and counted, so that a reader of the log cannot stop the work.
import { atMost } from '../base/clock.js';
/** Characters kept for a reader that is behind: some thousand lines. */
const ROOM = 1_000_000;
export class Outlet {
    #reader;
    /** Characters handed over and not yet taken. */
    #pending = 0;
    #dropped = 0;
    #untold = 0;
    #used = false;
    #onFlow = () => { };
    #onTaken = () => { };
    constructor(reader) {
        this.#reader = reader;
        if (reader.isTTY)
            letGoOn(reader);
    }
    get columns() {
        return this.#reader.columns;
    }
    get isTTY() {
        return this.#reader.isTTY === true;
    }
    get isUsed() {
        return this.#used;
    }
    /** Whether something was written that the reader has not taken. */
    get isBehind() {
        return this.#pending > 0;
    }
    /** Lines dropped so far, for want of room or because the reader is gone. */
    get dropped() {
        return this.#dropped;
    }
    /** `tell` is called when lines flow again after some were dropped, with their number. */
    whenItFlows(tell) {
        this.#onFlow = tell;
    }
    write(line) {
        this.#used = true;
        if (this.#pending > 0 && this.#pending + line.length > ROOM) {
            this.#dropped += 1;
            this.#untold += 1;
            return;
        }
        this.#pending += line.length;
        this.#reader.write(line, (failure) => {
            this.#pending -= line.length;
            if (failure)
                this.#dropped += 1;
            if (this.#pending === 0)
                this.#taken();
        });
    }
    /** Waits until all was taken, at most `ms`. */
    async flushed(clock, ms) {
        if (!this.isBehind)
            return;
        const taken = new Promise((resolve) => {
            this.#onTaken = resolve;
        });
        await atMost(clock, ms, taken);
    }
    #taken() {
        const lines = this.#untold;
        this.#untold = 0;
        if (lines > 0)
            this.#onFlow(lines);
        if (this.#pending === 0)
            this.#onTaken();
    }
}
/** Node has writes to a terminal block; pipes it does not. */
function letGoOn(reader) {
    const { _handle: handle } = reader;
    handle?.setBlocking?.(false);
}
