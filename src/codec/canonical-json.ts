// JSON text that depends on the value alone: members sorted by name at every depth, because Harvest does not keep their
// order (HARVEST-API, Values) and an equal record must have equal bytes.
import { ExactNumber } from '../base/json.ts';
import { ConversionError } from '../engine/ports.ts';

/** Nobody nests as deep as this on purpose, and whoever reads the text must be able to. */
const DEPTH_MAX = 1000;

/** `value` is JSON data. Lone surrogates come out escaped, so the text is always well-formed. Throws ConversionError. */
export function canonicalJson(value: unknown, depth = 0): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (value instanceof ExactNumber) return value.literal;
  if (depth === DEPTH_MAX) throw new ConversionError('_extra', `unknown members nest more than ${DEPTH_MAX} deep`);
  const text = (member: unknown) => canonicalJson(member, depth + 1);
  if (Array.isArray(value)) return `[${value.map(text).join(',')}]`;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${text(member)}`).join(',')}}`;
}
