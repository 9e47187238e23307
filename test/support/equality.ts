// Is the compacted view of a topic what Harvest answers? Field by field, with nothing of the publisher's own code.
import type { Decoded } from './consumer.ts';

type Json = Record<string, unknown>;

/** A record as Harvest answers it, with what the publisher has to add. */
export interface Expected {
  readonly record: Json;
  /** The parent's id, the window: fields that the value carries besides the record's own. */
  readonly added: Json;
}

/** Differences between two sets of rows, at most a few, as sentences; empty when they are equal. */
export function differences(
  stream: string,
  identity: (row: Json) => string,
  expected: readonly Expected[],
  actual: readonly Decoded[],
): string[] {
  const wanted = new Map(
    expected.map(({ record, added }) => [identity({ ...record, ...added }), { ...record, ...added }]),
  );
  const found: string[] = [];
  for (const { value } of actual) {
    const id = identity(value);
    const record = wanted.get(id);
    wanted.delete(id);
    if (!record) found.push(`${stream} ${id}: on the topic, but not in Harvest`);
    else compare(`${stream} ${id}`, still(record), still(withExtra(value)), found);
  }
  for (const id of wanted.keys()) found.push(`${stream} ${id}: in Harvest, but not on the topic`);
  return found;
}

/** Without what ticks on every read while a timer runs: the publisher does not publish the ticking alone. */
function still(row: Json): Json {
  if (row.is_running !== true) return row;
  const { hours, rounded_hours, ...rest } = row;
  return rest;
}

/** The value as Harvest wrote it: what the schema did not know is put back in its place. */
function withExtra({ _extra, ...value }: Json): Json {
  return _extra ? (merged(value, JSON.parse(_extra as string)) as Json) : value;
}

function merged(base: unknown, extra: unknown): unknown {
  if (typeof base !== 'object' || base === null || typeof extra !== 'object' || extra === null) return extra;
  if (Array.isArray(base))
    return base.map((item, at) => (at in (extra as Json) ? merged(item, (extra as Json)[at]) : item));
  const both: Json = { ...(base as Json) };
  for (const [name, value] of Object.entries(extra)) both[name] = name in both ? merged(both[name], value) : value;
  return both;
}

function compare(path: string, expected: unknown, actual: unknown, found: string[]): void {
  if (expected === actual || (expected == null && actual == null)) return;
  // Our own decoder gives decimals as text, which loses nothing.
  if (typeof expected === 'number' && typeof actual === 'string' && Number(actual) === expected) return;
  if (Array.isArray(expected) && Array.isArray(actual) && expected.length === actual.length) {
    expected.forEach((item, at) => {
      compare(`${path}[${at}]`, item, actual[at], found);
    });
    return;
  }
  if (isObject(expected) && isObject(actual)) {
    for (const name of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
      compare(`${path}.${name}`, expected[name], actual[name], found);
    }
    return;
  }
  found.push(`${path}: Harvest says ${JSON.stringify(expected)}, the topic ${JSON.stringify(actual)}`);
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
