// Looks schemas up for many accounts at once. Their subjects hold the same schemas, and a registry that numbers schemas by content tells
// in one answer which subjects hold one: so a schema is looked up under the first subject alone, and the others are found in that.

export interface Registered {
  /** The id under which the subject holds the schema; null when it does not. */
  lookUp(subject: string, schema: object): Promise<number | null>;
  /** The subjects that hold the schema of an id, of none when the registry cannot tell. */
  holders(id: number): Promise<ReadonlySet<string>>;
}

export class LookUps {
  readonly #registered: Registered;
  /** By schema: its look-up under the first subject. */
  readonly #first = new Map<string, Promise<number | null>>();
  readonly #holders = new Map<number, Promise<ReadonlySet<string>>>();

  constructor(registered: Registered) {
    this.#registered = registered;
  }

  /** The id under which the subject holds the schema; null when it does not. Throws what the first look-up throws. */
  async find(subject: string, schema: object): Promise<number | null> {
    const text = JSON.stringify(schema);
    const first = this.#first.get(text);
    if (first === undefined) return this.#lookUpFirst(subject, schema, text);
    // Whoever asks at the same time waits for the one answer that may do for all.
    const id = await first;
    if (id !== null && (await this.#holdersOf(id)).has(subject)) return id;
    return this.#registered.lookUp(subject, schema);
  }

  #lookUpFirst(subject: string, schema: object, text: string): Promise<number | null> {
    const first = this.#registered.lookUp(subject, schema);
    this.#first.set(text, first);
    const forget = () => this.#first.delete(text);
    // One that is not registered, or could not be asked for, is looked up again.
    first.then((id) => id === null && forget(), forget);
    return first;
  }

  #holdersOf(id: number): Promise<ReadonlySet<string>> {
    const known = this.#holders.get(id);
    if (known !== undefined) return known;
    const holders = this.#registered.holders(id);
    this.#holders.set(id, holders);
    holders.catch(() => this.#holders.delete(id));
    return holders;
  }
}
