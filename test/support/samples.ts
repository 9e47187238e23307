// The recorded answers of test/samples, one record per stream, and the context each is encoded in.
import { readFileSync } from 'node:fs';
import type { JsonObject, RecordContext } from '../../src/engine/ports.ts';
import type { StreamDefinition } from '../../src/streams/definition.ts';

interface Sample {
  /** Member of the answer that holds the records; null for a single object. */
  readonly list: string | null;
  readonly record: JsonObject;
  /** For a child: its parent's id. */
  readonly parent?: number;
}

export const ACCOUNT_ID = 1234567;
export const WINDOW = { from: '2024-11-01', to: '2024-11-30' };

export function sampleOf(name: string): Sample {
  return JSON.parse(readFileSync(new URL(`../samples/${name}.json`, import.meta.url), 'utf8'));
}

export function contextOf(stream: StreamDefinition): RecordContext {
  const { parent } = sampleOf(stream.name);
  return {
    accountId: ACCOUNT_ID,
    ...(parent === undefined ? {} : { parentId: parent }),
    ...(stream.kind === 'report' ? { window: WINDOW } : {}),
    ...(stream.kind === 'derived' ? { position: 0 } : {}),
  };
}

/** The fields a value has and its record does not. */
export function givenFields(stream: StreamDefinition): JsonObject {
  if (stream.name === 'company') return { id: ACCOUNT_ID };
  if (stream.kind === 'derived') return { [stream.parent!.field]: sampleOf(stream.name).parent, position: 0 };
  if (stream.parent !== null) return { [stream.parent.field]: sampleOf(stream.name).parent };
  return stream.kind === 'report' ? WINDOW : {};
}
