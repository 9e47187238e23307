// The times in the headers of HTTP: dates, and how long whoever answered wants to be left alone.

/** A date as HTTP writes it, in ms since the epoch; null for anything else. */
export function httpDate(text: string): number | null {
  // Date.parse alone makes a date of `soon 1`.
  if (!/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text)) return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}

/** The pause that Retry-After asks for, in ms from `now`, the time of whoever answered; null when nobody can read it. */
export function retryAfterMs(value: string, now: number): number | null {
  // Nine digits are thirty years; a longer number is noise, and would not fit a date.
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const until = httpDate(value);
  return until === null ? null : Math.max(0, until - now);
}
