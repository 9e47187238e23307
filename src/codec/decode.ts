// A value read back as JSON in Harvest's own words, for people and for comparison: decimals become text, because their
// exact digits are the point of them.
import type { JsonObject } from '../engine/ports.ts';
import { isoDay } from '../streams/windows.ts';
import { fromBytes, toText } from './decimal.ts';
import { type RecordSchema, type ValueType, valueType } from './schemas.ts';
import type { AvroRecord } from './stream-codec.ts';

/** `record` as avsc reads it with `schema`, without logical types. Instants come out as `2017-06-26T21:36:23Z`. */
export function toJson(schema: RecordSchema, record: AvroRecord): JsonObject {
  const members = schema.fields.map(({ name, type }) => {
    const value = record[name];
    return [name, value === null ? null : memberToJson(valueType(type), value)];
  });
  return Object.fromEntries(members);
}

function memberToJson(type: ValueType, value: unknown): unknown {
  if (type === 'double') return String(value);
  if (typeof type === 'string') return value;
  switch (type.type) {
    case 'record':
      return toJson(type, value as AvroRecord);
    case 'array':
      return (value as unknown[]).map((item) => memberToJson(type.items, item));
    case 'bytes':
      return toText(fromBytes(value as Buffer));
    case 'int':
      return isoDay(value as number);
    case 'long':
      return new Date(value as number).toISOString().replace('.000Z', 'Z');
  }
}
