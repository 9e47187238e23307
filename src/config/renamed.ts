/** Keys that had another name once: old name, name now. Whoever still has the old one is told the new one. */
export const RENAMED: Readonly<Record<string, string>> = {
  tally_interval_seconds: 'count_interval_seconds',
  census_interval_seconds: 'reconcile_interval_seconds',
};
