// Looks at the declared schema from outside: what kind of node belongs where, and the flat list of options.
// The only file that knows how zod keeps its definitions.
import type { z } from 'zod';
import type { OptionNote } from './values.ts';

interface Definition {
  readonly type: string;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly element?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly entries?: Readonly<Record<string, string>>;
  readonly defaultValue?: unknown;
}

/** What may stand at a place of the file. */
export type Shape =
  | { readonly kind: 'map'; readonly members: Readonly<Record<string, z.ZodType>> }
  | { readonly kind: 'list'; readonly element: z.ZodType }
  | { readonly kind: 'text' | 'number' | 'boolean'; readonly choices: readonly string[] };

/** The shapes a schema accepts: one, or the members of a union. */
export function shapes(type: z.ZodType): readonly Shape[] {
  const definition = bare(type);
  switch (definition.type) {
    case 'object':
      return [{ kind: 'map', members: definition.shape! }];
    case 'array':
      return [{ kind: 'list', element: definition.element! }];
    case 'union':
      return definition.options!.flatMap(shapes);
    case 'number':
    case 'boolean':
      return [{ kind: definition.type, choices: [] }];
    default:
      return [{ kind: 'text', choices: Object.values(definition.entries ?? {}) }];
  }
}

export function note(type: z.ZodType): OptionNote {
  return (type.meta() ?? { description: '' }) as unknown as OptionNote;
}

/** The default as one would write it in the file; undefined when there is none. */
export function defaultOf(type: z.ZodType): unknown {
  return definitionOf(type).defaultValue;
}

/** Whether the key may be left out. */
export function isOptional(type: z.ZodType): boolean {
  return type.isOptional();
}

function definitionOf(type: z.ZodType): Definition {
  return type.def as unknown as Definition;
}

/** The definition below defaults, optionality and transformations: what the file holds, not what the program gets. */
function bare(type: z.ZodType): Definition {
  const definition = definitionOf(type);
  const inner = definition.innerType ?? (definition.type === 'pipe' ? definition.in : undefined);
  return inner === undefined ? definition : bare(inner);
}
