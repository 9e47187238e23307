// How long changes took until they were on their topics, over the last hour: what the status page and /status say in a sentence.

export interface FreshnessStatus {
  /** Milliseconds that half of the changes took at the most, and 95 of a hundred. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly changes: number;
}

const KEPT_MS = 3_600_000;
/** The newest ones are enough to tell. */
const KEPT_MOST = 2_000;

export class Freshness {
  #ages: { readonly ms: number; readonly at: number }[] = [];

  /** Changes that were committed at `now`, each with its age then. */
  add(agesMs: readonly number[], now: number): void {
    for (const ms of agesMs) this.#ages.push({ ms, at: now });
    if (this.#ages.length > KEPT_MOST) this.#ages.splice(0, this.#ages.length - KEPT_MOST);
  }

  /** Of the last hour; null when nothing changed in it. */
  status(now: number): FreshnessStatus | null {
    this.#ages = this.#ages.filter(({ at }) => Math.abs(now - at) < KEPT_MS);
    const sorted = this.#ages.map(({ ms }) => ms).sort((a, b) => a - b);
    const least = (share: number) => sorted[Math.ceil(sorted.length * share) - 1]!;
    return sorted.length === 0 ? null : { p50Ms: least(0.5), p95Ms: least(0.95), changes: sorted.length };
  }
}
