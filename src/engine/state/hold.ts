// Too much is missing at once: nothing is deleted until it is there again or a person releases it.

export interface Hold {
  /** - missing: by count · cascade: what the deletion of parents would take along · refused: records cannot be asked for */
  readonly kind: 'missing' | 'cascade' | 'refused';
  readonly reason: string;
  readonly since: string;
  readonly released: boolean;
}

/** Whether nothing is deleted because of it: a released one lets go. */
export function isInForce(hold: Hold | null): boolean {
  return hold !== null && !hold.released;
}

/** How much may be missing at once before nothing is deleted any more: a role that shrank looks like mass deletion. */
export interface HoldLimit {
  /** Share of the rows, 0 to 1. */
  readonly share: number;
  readonly atLeast: number;
}

/** Missing records that may not be asked for can be many, and each costs a request: they are asked for again after this long. */
export const HELD_PROBE_MS = 3_600_000;

export function limitOf(rows: number, { share, atLeast }: HoldLimit): number {
  return Math.max(atLeast, Math.floor(rows * share));
}

/** The hold that follows `before`; one of the same kind goes on. */
export function holdOf(before: Hold | null, kind: Hold['kind'], reason: string, at: string): Hold {
  return { kind, reason, since: before?.kind === kind ? before.since : at, released: false };
}

/** Why a stream is held that misses too much. */
export function missingReason(missing: number, rows: number): string {
  return `${missing} of ${rows} rows are missing at Harvest at once: deleted, or hidden from this token`;
}
