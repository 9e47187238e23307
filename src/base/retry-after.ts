// The Retry-After header of HTTP: how long whoever answered wants to be left alone.

/** In ms from `now`, the wall time of whoever answered; null when there is no such header, or nobody can read it. */
export function retryAfterMs(value: string, now: number): number | null {
  // Nine digits are thirty years; a longer number is noise, and would not fit a date.
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  // Date.parse alone makes a date of `soon 1`.
  if (!/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(value)) return null;
  const ms = Date.parse(value);
  return Number.isNaN(ms) ? null : Math.max(0, ms - now);
}
