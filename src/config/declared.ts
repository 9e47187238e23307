// The declarations as JSON Schema, which zod makes of them. All that looks at options from outside reads it: the walk over a
// file, complaints, the `spec` command and the generated pages.
import { z } from 'zod';
import { schema } from './options.ts';
import type { OptionNote } from './values.ts';

/** The part of JSON Schema that our declarations use, and what options say about themselves. */
export interface Declared extends OptionNote {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'boolean';
  readonly properties?: Readonly<Record<string, Declared>>;
  readonly required?: readonly string[];
  readonly items?: Declared;
  readonly anyOf?: readonly Declared[];
  readonly description?: string;
}

export const declared = z.toJSONSchema(schema, { io: 'input' }) as Declared;

/** The alternatives of an option: itself, or the members of a union. */
export function alternatives(option: Declared): readonly Declared[] {
  return option.anyOf ?? [option];
}

/** The option that a path leads to; list entries go by number. */
export function declaredAt(path: readonly PropertyKey[]): Declared | undefined {
  return path.reduce<Declared | undefined>((option, step) => {
    const below = option && alternatives(option).map((one) => one.items ?? one.properties?.[String(step)]);
    return below?.find((one) => one !== undefined);
  }, declared);
}

const WORDS = { object: 'a map', array: 'a list', string: 'text', integer: 'a number', boolean: 'true or false' };

/** `true or false or a map` */
export function inWords(option: Declared): string {
  return [...new Set(alternatives(option).map(({ type }) => WORDS[type!]))].join(' or ');
}

/** Every key, as `--set` takes it; entries of lists are left out. */
export function everyKey(option: Declared = declared, path = ''): string[] {
  return alternatives(option).flatMap(({ properties = {} }) =>
    Object.entries(properties).flatMap(([name, below]) => {
      const key = path === '' ? name : `${path}.${name}`;
      return [key, ...everyKey(below, key)];
    }),
  );
}

/** JSON Schema (2020-12) of the file, for editors: the `spec` command prints it. */
export function renderJsonSchema(): string {
  const json = z.toJSONSchema(schema, {
    io: 'input',
    override: ({ jsonSchema }) => {
      const { example, secret, from_file, reads_file, usual, ...rest } = jsonSchema as Record<string, unknown>;
      for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
      Object.assign(jsonSchema, withSubstitution(rest), example === undefined ? {} : { examples: [example] });
      if (secret) jsonSchema.writeOnly = true;
    },
  });
  return `${JSON.stringify({ title: 'harvest-kafka configuration', ...json }, null, 2)}\n`;
}

/** Numbers, switches and choices may also be written `${NAME}`, and digits without quotes. */
function withSubstitution(json: Record<string, unknown>): Record<string, unknown> {
  const { type, description, examples, default: fallback, unit, ...limits } = json;
  const outer = { description, examples, default: fallback, unit };
  const about = Object.fromEntries(Object.entries(outer).filter(([, value]) => value !== undefined));
  const digits = type === 'string' && String(limits.pattern ?? '').includes('\\d');
  const narrow = type === 'integer' || type === 'boolean' || 'enum' in limits;
  if (!narrow && !digits) return json;
  const other = digits ? [{ type: 'integer' }] : [];
  return { ...about, anyOf: [{ type, ...limits }, ...other, { type: 'string', pattern: '\\$\\{[^}]+\\}' }] };
}
