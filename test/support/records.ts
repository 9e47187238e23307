// Records as Harvest could answer them, generated from the list of documented fields, and what each must look like after
// a trip through Avro. Independent of the schemas on purpose.
import fc from 'fast-check';
import type { JsonObject } from '../../src/engine/ports.ts';
import type { DocumentedField } from './harvest-fields.ts';

/** Direct children of `prefix` ('' for the record itself, `user.`, `line_items[].`). */
function below(fields: readonly DocumentedField[], prefix: string): DocumentedField[] {
  return fields.filter(({ path }) => path.startsWith(prefix) && /^[^.]+$/.test(path.slice(prefix.length)));
}

/** A record with every member drawn at random; those in `identity` are always there. */
export function anyRecord(fields: readonly DocumentedField[], identity: readonly string[]): fc.Arbitrary<JsonObject> {
  return anyObject(fields, '', identity);
}

function anyObject(fields: readonly DocumentedField[], prefix: string, identity: readonly string[] = []) {
  const members = below(fields, prefix).map((field): [string, fc.Arbitrary<unknown>] => {
    const value = anyValue(fields, field);
    return [field.path.slice(prefix.length), identity.includes(field.path) ? value : fc.option(value, { freq: 4 })];
  });
  const required = members.map(([name]) => name).filter((name) => prefix === '' && identity.includes(name));
  return fc.record(Object.fromEntries(members), { requiredKeys: required, noNullPrototype: true });
}

function anyValue(fields: readonly DocumentedField[], { path, type }: DocumentedField): fc.Arbitrary<unknown> {
  switch (type) {
    case 'integer':
      return fc.oneof(
        fc.integer({ min: 1, max: 5_000_000_000 }),
        fc.maxSafeNat().filter((id) => id < 2 ** 53 - 1),
      );
    case 'decimal':
      return fc.oneof(
        fc.integer({ min: -99_999_999, max: 99_999_999 }).map((cents) => cents / 100),
        anyMillionths,
      );
    case 'boolean':
      return fc.boolean();
    case 'date':
      return anyDay;
    case 'datetime':
      return anyInstant;
    case 'string':
    case 'time':
      return fc.oneof(fc.string(), fc.string({ unit: 'binary', maxLength: 80 }));
    case 'object':
      return anyObject(fields, `${path}.`);
    case 'array of object':
      return fc.array(anyObject(fields, `${path}[].`), { maxLength: 4 });
    case 'array of integer':
      return fc.array(fc.integer({ min: 1, max: 5_000_000_000 }), { maxLength: 4 });
    case 'array of string':
      return fc.array(fc.string(), { maxLength: 4 });
  }
}

const anyMillionths = fc.integer({ min: -(10 ** 15) + 1, max: 10 ** 15 - 1 }).map((count) => count / 10 ** 6);
const LAST_SECOND = Date.UTC(9999, 11, 31, 23, 59, 59) / 1000;
const anyInstant = fc
  .integer({ min: Date.UTC(1900, 0, 1) / 1000, max: LAST_SECOND })
  .map((second) => new Date(second * 1000).toISOString().replace('.000Z', 'Z'));
const anyDay = anyInstant.map((instant) => instant.slice(0, 10));

/** The record as decode must give it back: all documented fields, missing ones null, decimals as plain text. */
export function asDecoded(fields: readonly DocumentedField[], record: JsonObject, prefix = ''): JsonObject {
  const members = below(fields, prefix).map((field) => {
    const name = field.path.slice(prefix.length);
    const value = Object.hasOwn(record, name) ? record[name] : null;
    return [name, value === null ? null : memberAsDecoded(fields, field, value)];
  });
  return Object.fromEntries(members);
}

function memberAsDecoded(fields: readonly DocumentedField[], { path, type }: DocumentedField, value: unknown): unknown {
  if (type === 'decimal') return plain(value as number);
  if (type === 'object') return asDecoded(fields, value as JsonObject, `${path}.`);
  if (type === 'array of object') {
    return (value as JsonObject[]).map((item) => asDecoded(fields, item, `${path}[].`));
  }
  return value;
}

function plain(value: number): string {
  return value
    .toFixed(6)
    .replace(/\.?0+$/, '')
    .replace(/^-0$/, '0');
}
