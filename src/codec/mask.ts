// Fields that do not reach Kafka as Harvest sends them: excluded ones are in neither schema nor record, of hashed ones there is
// an HMAC. Here is what a mask makes of both, so that the two cannot differ.
import { createHmac } from 'node:crypto';
import { ExactNumber, jsonText } from '../base/json.ts';
import type { Secret } from '../base/secret.ts';
import type { JsonObject } from '../engine/ports.ts';
import { canonicalJson } from './canonical-json.ts';
import { type FieldSchema, isNullable, type RecordSchema, type ValueType, valueType } from './schemas.ts';

/** Names of fields: `notes`, `client.name`, and `line_items.description` for a member of every record of an array. */
export interface MaskedFields {
  readonly exclude: readonly string[];
  readonly hash: readonly string[];
}

type Treatment = 'exclude' | 'hash' | Mask;
/** The treatment of the members of a record; a record or an array of records in it has a mask of its own. */
type Mask = ReadonlyMap<string, Treatment>;

const HASH_DOC = 'HMAC-SHA-256 of the JSON text of what Harvest sends, in hexadecimal.';
/** Stands where a record was to lose members and came as something else, which nobody has looked into. */
const WITHHELD = '(withheld)';

/** The value schema without the excluded fields, and with text in place of the hashed ones. */
export function maskedSchema(schema: RecordSchema, fields: MaskedFields): RecordSchema {
  return schemaUnder(maskOf(fields), schema);
}

/** Makes what takes the masked fields out of a record of Harvest's. A member that is null stays null. */
export function recordMask(fields: MaskedFields, salt: Secret | undefined): (record: JsonObject) => JsonObject {
  const mask = maskOf(fields);
  const hashed = (value: unknown) => createHmac('sha256', salt!.reveal()).update(textOf(value)).digest('hex');
  return (record) => recordUnder(mask, record, hashed);
}

/** Equal values have equal text; beyond the depth of that, the text as it came has to do. */
function textOf(value: unknown): string {
  try {
    return canonicalJson(value);
  } catch {
    return jsonText(value);
  }
}

function maskOf({ exclude, hash }: MaskedFields): Mask {
  const mask = new Map<string, Treatment>();
  for (const name of exclude) put(mask, name.split('.'), 'exclude');
  for (const name of hash) put(mask, name.split('.'), 'hash');
  return mask;
}

function put(mask: Map<string, Treatment>, [name, ...below]: readonly string[], treatment: 'exclude' | 'hash'): void {
  if (below.length === 0) {
    mask.set(name!, treatment);
    return;
  }
  const inner = (mask.get(name!) ?? new Map()) as Map<string, Treatment>;
  mask.set(name!, inner);
  put(inner, below, treatment);
}

function schemaUnder(mask: Mask, schema: RecordSchema): RecordSchema {
  const fields = schema.fields.flatMap((field): FieldSchema[] => {
    const treatment = mask.get(field.name);
    if (treatment === undefined) return [field];
    if (treatment === 'exclude') return [];
    if (treatment === 'hash') return [hashedField(field)];
    const inner = typeUnder(treatment, valueType(field.type));
    return [{ ...field, type: isNullable(field.type) ? ['null', inner] : inner }];
  });
  return { ...schema, fields };
}

function typeUnder(mask: Mask, type: ValueType): ValueType {
  if (typeof type === 'string') return type;
  if (type.type === 'array') return { ...type, items: typeUnder(mask, type.items) };
  return type.type === 'record' ? schemaUnder(mask, type) : type;
}

function hashedField({ name, doc }: FieldSchema): FieldSchema {
  return { name, type: ['null', 'string'], default: null, doc: doc === undefined ? HASH_DOC : `${doc} ${HASH_DOC}` };
}

function recordUnder(mask: Mask, record: JsonObject, hashed: (value: unknown) => string): JsonObject {
  const kept: [string, unknown][] = [];
  for (const [name, value] of Object.entries(record)) {
    const treatment = mask.get(name);
    if (treatment === 'exclude') continue;
    if (treatment === undefined || value === null) kept.push([name, value]);
    else if (treatment === 'hash') kept.push([name, hashed(value)]);
    else kept.push([name, valueUnder(treatment, value, hashed)]);
  }
  return Object.fromEntries(kept);
}

function valueUnder(mask: Mask, value: unknown, hashed: (value: unknown) => string): unknown {
  if (value === null) return null;
  if (Array.isArray(value)) return value.map((item) => valueUnder(mask, item, hashed));
  if (typeof value !== 'object' || value instanceof ExactNumber) return WITHHELD;
  return recordUnder(mask, value as JsonObject, hashed);
}
