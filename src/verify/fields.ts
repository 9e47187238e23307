// Which fields of a stale row differ: names always, values only for those who ask.
import type { JsonObject, RowId } from '../engine/ports.ts';
import type { Comparison } from './comparison.ts';
import type { StaleRow } from './finding.ts';
import type { ReadableCodec } from './topic-view.ts';

/** The rows of `ids` with what differs; reads the topic once more. */
export async function staleRows(
  comparison: Comparison,
  ids: readonly RowId[],
  codec: ReadableCodec,
  withValues: boolean,
  signal: AbortSignal,
): Promise<StaleRow[]> {
  if (ids.length === 0) return [];
  const { topic, values } = comparison;
  const onTopic = await topic.values(new Set(values.keys()), signal);
  const decode = async (value: Buffer | undefined) => (value ? codec.decode(topic.definition, value) : null);
  const rows: StaleRow[] = [];
  for (const id of ids) {
    const [ours, theirs] = [await decode(onTopic.get(id)), await decode(values.get(id))];
    if (ours === null || theirs === null) {
      rows.push({ id, fields: null });
      continue;
    }
    const fields = Object.keys(theirs).filter((name) => text(ours[name]) !== text(theirs[name]));
    rows.push({ id, fields, ...(withValues ? { values: both(fields, theirs, ours) } : {}) });
  }
  return rows;
}

function both(fields: readonly string[], harvest: JsonObject, topic: JsonObject): NonNullable<StaleRow['values']> {
  return Object.fromEntries(fields.map((name) => [name, { harvest: harvest[name], topic: topic[name] }]));
}

const text = (value: unknown): string => JSON.stringify(value ?? null);
