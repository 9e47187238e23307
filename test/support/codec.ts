// A codec for all 32 streams under made-up schema ids, as unit tests use it.
import { type AvroCodec, type CodecOptions, createCodec, type SchemaIds } from '../../src/codec/codec.ts';
import { loadSchemas } from '../../src/codec/schemas.ts';
import { catalog, findStream } from '../../src/streams/catalog.ts';
import type { StreamDefinition } from '../../src/streams/definition.ts';

export const schemas = await loadSchemas(new URL('../../avro/', import.meta.url), catalog);

/** Key ids are odd, value ids even. */
export const schemaIds: ReadonlyMap<string, SchemaIds> = new Map(
  catalog.map(({ name }, index) => [name, { key: 101 + 2 * index, value: 102 + 2 * index }]),
);

/** The registry behind it knows no schema unless `writerSchema` says otherwise. */
export function testCodec(options: Partial<CodecOptions> = {}): AvroCodec {
  return createCodec({
    streams: catalog.filter(({ name }) => (options.ids ?? schemaIds).has(name)),
    schemas,
    ids: schemaIds,
    decimalHandling: 'precise',
    keyFormat: 'avro',
    runningTimers: 'on_change',
    writerSchema: async () => null,
    ...options,
  });
}

export function streamNamed(name: string): StreamDefinition {
  return findStream(name)!;
}
