// The configuration keeps fields out of Kafka, by stream: the schemas without them, and the mask that takes them out of records.
import { packageUrl } from './base/package-root.ts';
import { type MaskedFields, maskedSchema, recordMask } from './codec/mask.ts';
import { loadSchemas, type ValueSchemas } from './codec/schemas.ts';
import type { Config } from './config/options.ts';
import type { JsonObject } from './engine/ports.ts';
import type { StreamDefinition } from './streams/definition.ts';

/** The checked-in value schemas ship with the package. */
const AVRO = packageUrl('avro/');

/**
 * The value schema of each of these streams as the configuration has it: the checked-in one without excluded fields and with
 * text for hashed ones. Decimals are precise; `publishedSchema` puts them as `decimal_handling_mode` says.
 */
export async function valueSchemas(config: Config, streams: readonly StreamDefinition[]): Promise<ValueSchemas> {
  const checkedIn = await loadSchemas(AVRO, streams);
  return new Map(
    streams.map((stream) => {
      const schema = checkedIn.get(stream.name)!;
      const fields = fieldsOf(config, stream);
      return [stream.name, fields === undefined ? schema : maskedSchema(schema, fields)];
    }),
  );
}

/** A derived stream has lost the fields that its parent's array has lost. */
function fieldsOf({ streams }: Config, stream: StreamDefinition): MaskedFields | undefined {
  if (stream.kind !== 'derived') return streams[stream.name]?.fields;
  const { exclude, hash } = streams[stream.parent!.stream]?.fields ?? { exclude: [], hash: [] };
  const prefix = `${stream.rows}.`;
  const inside = (names: readonly string[]) =>
    names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  return { exclude: inside(exclude), hash: inside(hash) };
}

/** Takes out of a record what its stream excludes, and hashes what it hashes. Records of other streams pass as they are. */
export function maskOf({ streams, privacy }: Config): (stream: StreamDefinition, record: JsonObject) => JsonObject {
  const masks = new Map(
    Object.entries(streams).flatMap(([name, { fields }]) =>
      fields === undefined ? [] : [[name, recordMask(fields, privacy.salt)]],
    ),
  );
  return (stream, record) => masks.get(stream.name)?.(record) ?? record;
}
