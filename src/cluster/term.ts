// Which of two tenures of an account goes on. A term grows with every assignment and outlives the group's own generation, which
// begins anew when the group was forgotten. No clock is asked.

/** What a member runs an account under. */
export interface Rank {
  readonly group: string;
  readonly member: string;
  readonly term: number;
  /** The group's own count of rounds, for a leader that was cut off between two rounds of one term. */
  readonly generation: number;
}

/** The term of the next assignment; `known` are those that the members have heard of. */
export function nextTerm(known: readonly number[]): number {
  return 1 + Math.max(0, ...known);
}

/**
 * Negative when `a` is the older, positive when it is the newer; 0 when the log has to decide, which it does for equals, for
 * members of different groups and for instances without a group.
 */
export function compareRanks(a: Partial<Rank> | null, b: Partial<Rank> | null): number {
  if (a?.group === undefined || a.group !== b?.group) return 0;
  return (a.term ?? 0) - (b.term ?? 0) || (a.generation ?? 0) - (b.generation ?? 0);
}
