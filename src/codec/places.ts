// The places of those who ask a registry at the same time: all others wait in one line, whoever they ask for.

interface Waiting {
  readonly come: () => void;
  readonly leave: (reason: unknown) => void;
}

export class Places {
  #free: number;
  #line: Waiting[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Runs `work` as soon as there is a place for it. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((come, leave) => this.#line.push({ come, leave }));
    try {
      return await work();
    } finally {
      const next = this.#line.shift();
      if (next) next.come();
      else this.#free++;
    }
  }

  /** Sends away everybody who waits. */
  clear(reason: unknown): void {
    for (const { leave } of this.#line.splice(0)) leave(reason);
  }
}
