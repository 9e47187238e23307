/** A value that prints as `[redacted]` wherever it ends up: logs, JSON, errors, inspectors (promise P10). */
export class Secret {
    #value;
    constructor(value) {
        this.#value = value;
    }
    /** The only way to the text; call it where the value goes onto the wire and nowhere else. */
    reveal() {
        return this.#value;
    }
    toString() {
        return '[redacted]';
    }
    toJSON() {
        return '[redacted]';
    }
    [Symbol.for('nodejs.util.inspect.custom')]() {
        return '[redacted]';
    }
}
