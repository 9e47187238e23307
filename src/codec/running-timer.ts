// A running timer grows `hours` and `rounded_hours` at each read while `updated_at` stands still (HARVEST-API, What moves updated_at).
// Whether that alone makes another version of the record is `running_timers`; here is what the ticking is.
import type { JsonObject } from '../engine/ports.ts';
import { canonicalJson } from './canonical-json.ts';
import { EXTRA } from './schemas.ts';

/** Whether a new version of a running entry is published when something else changes, or at every read. */
export type RunningTimers = 'on_change' | 'every_poll';

/** Harvest's record without what the timer moves: it is then as if it were null. */
export function stoodStill({ hours, rounded_hours, ...rest }: JsonObject): JsonObject {
  return rest;
}

/** A published record without it: equal to what is published of `stoodStill(record)`. */
export function publishedStill(record: JsonObject): JsonObject {
  return { ...record, hours: null, rounded_hours: null, [EXTRA]: extraStill(record[EXTRA] as string | null) };
}

/** The literals of rounded hours tick too. */
function extraStill(extra: string | null): string | null {
  if (extra === null) return null;
  const { hours, rounded_hours, ...rest } = JSON.parse(extra) as JsonObject;
  return Object.keys(rest).length === 0 ? null : canonicalJson(rest);
}
