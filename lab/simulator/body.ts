// Request bodies: JSON or form data into typed fields. Unknown members are ignored, as
// Harvest does; ill-typed ones are refused.
import type { Call } from './answer.ts';
import { parseDate, parseDateTime, parseTimeOfDay } from './calendar.ts';
import { badRequest, invalid } from './refusal.ts';

export type FieldKind = 'text' | 'boolean' | 'integer' | 'decimal' | 'date' | 'datetime' | 'time' | 'list' | 'object';

/** The members as sent. */
export function readFields(call: Call): Record<string, unknown> {
  if (call.body === '') return {};
  if (/\bjson\b/.test(call.headers['content-type'] ?? '')) {
    try {
      const parsed: unknown = JSON.parse(call.body);
      if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) {
        return parsed as Record<string, unknown>;
      }
    } catch {
      // Told below like any other body that is no object.
    }
    throw badRequest('The request body is not a JSON object');
  }
  const fields: Record<string, unknown> = {};
  for (const [name, value] of new URLSearchParams(call.body)) {
    if (name.endsWith('[]')) fields[name.slice(0, -2)] = [...((fields[name.slice(0, -2)] as string[]) ?? []), value];
    else fields[name] = value;
  }
  return fields;
}

/** The members that the resource takes, in the simulator's own forms; all that are ill-typed in one 422. */
export function typedFields(
  sent: Readonly<Record<string, unknown>>,
  kinds: Readonly<Record<string, FieldKind>>,
): Record<string, unknown> {
  const typed: Record<string, unknown> = {};
  const wrong: string[] = [];
  for (const [name, kind] of Object.entries(kinds)) {
    if (!(name in sent)) continue;
    const value = sent[name] === null ? null : READERS[kind](sent[name]);
    if (value === undefined) wrong.push(`${name} is not valid`);
    else typed[name] = value;
  }
  if (wrong.length > 0) throw invalid(...wrong);
  return typed;
}

/** Each gives undefined for what it cannot read. */
const READERS: Readonly<Record<FieldKind, (value: unknown) => unknown>> = {
  text: (value) => (typeof value === 'string' || typeof value === 'number' ? String(value) : undefined),
  boolean: (value) => ({ true: true, false: false })[String(value)],
  integer: (value) => (Number.isSafeInteger(Number(value)) && value !== '' ? Number(value) : undefined),
  decimal: (value) => (Number.isFinite(Number(value)) && value !== '' ? Number(value) : undefined),
  date: (value) => parseDate(String(value)) ?? undefined,
  datetime: (value) => {
    const seconds = parseDateTime(String(value));
    return seconds === null ? undefined : Math.floor(seconds);
  },
  time: (value) => parseTimeOfDay(String(value)) ?? undefined,
  list: (value) => (Array.isArray(value) ? value : undefined),
  object: (value) => (typeof value === 'object' ? value : undefined),
};
