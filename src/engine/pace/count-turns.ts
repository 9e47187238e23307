// When each list of an account is counted: in turns, evenly over the interval. Counted at the same time, all of them would make polls
// wait for seconds (decision 43).

export class CountTurns {
  /** Wall time (ms) at which the present turn of each list began. */
  readonly #began = new Map<string, number>();

  /** A turn lasts as long as a list's count interval does now. Lists are counted in this order. */
  look(lists: readonly { readonly name: string; readonly countMs: number }[], now: number): void {
    for (const [place, { name, countMs }] of lists.entries()) {
      const began = this.#began.get(name) ?? Number.POSITIVE_INFINITY;
      // The clock was set back, or it is the first look.
      const isAhead = began > now;
      const turns = Math.floor((now - began) / countMs);
      this.#began.set(name, isAhead ? now - (countMs * place) / lists.length : began + turns * countMs);
    }
  }

  /** Since when a list is to be counted that was not since then, ms, in whole seconds as `counted_at`. */
  sinceOf(name: string): number {
    const began = this.#began.get(name) ?? Number.NEGATIVE_INFINITY;
    return Math.floor(began / 1000) * 1000;
  }
}
