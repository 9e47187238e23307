// Which of two owners of an account goes on, when both are members of one group. A term grows with every assignment and outlives
// the group's own count of rounds, which begins anew when the group was forgotten. No clock is asked.

/** The title under which a member runs an account. */
export interface Rank {
  readonly group: string;
  readonly member: string;
  readonly term: number;
  /** The group's own count of rounds, for a leader that was cut off between two rounds of one term. */
  readonly generation: number;
}

/**
 * Negative when `a` is the older, positive when it is the newer; 0 when the log has to decide, which it does for equals, for
 * members of different groups and for instances without a group.
 */
export function compareRanks(a: Partial<Rank> | null, b: Partial<Rank> | null): number {
  if (a?.group === undefined || a.group !== b?.group) return 0;
  return (a.term ?? 0) - (b.term ?? 0) || (a.generation ?? 0) - (b.generation ?? 0);
}
