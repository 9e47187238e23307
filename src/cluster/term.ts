// How terms grow: with every assignment, past all that any member has heard of, so that they outlive a group that was forgotten.

/** The term of the next assignment; `known` are those that the members have heard of. */
export function nextTerm(known: readonly number[]): number {
  return 1 + Math.max(0, ...known);
}
