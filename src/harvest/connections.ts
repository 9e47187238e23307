// Places for concurrent requests, shared by the budgets of one client. Knows nothing of who takes one or why.

export class Connections {
  #free: number;
  readonly #listeners: (() => void)[] = [];

  constructor(places: number) {
    this.#free = places;
  }

  get hasFree(): boolean {
    return this.#free > 0;
  }

  /** Takes a place if there is one. */
  take(): boolean {
    if (this.#free === 0) return false;
    this.#free -= 1;
    return true;
  }

  /** Gives a place back and tells those who may want it, in the order in which they asked to be told. */
  give(): void {
    this.#free += 1;
    for (const listener of this.#listeners) listener();
  }

  onFree(listener: () => void): void {
    this.#listeners.push(listener);
  }
}
