// How often a property is tried: an ordinary number in the ordinary tests, as many as wanted in the long runs.

/** `FC_RUNS` when it is set, else `ordinary`. */
export function runs(ordinary: number): { readonly numRuns: number } {
  return { numRuns: Number(process.env.FC_RUNS || ordinary) };
}
