// What people and editors read about the configuration, generated from the declarations: config/reference.yaml,
// the JSON Schema, docs/generated/CONFIG.md.
import { stringify } from 'yaml';
import { z } from 'zod';
import { schema } from './options.ts';
import { defaultOf, isOptional, note, type Shape, shapes } from './shape.ts';
import { POLL_INTERVAL_SECONDS } from './stream-options.ts';

type MapShape = Shape & { readonly kind: 'map' };

/** config/reference.yaml: every key with its default; what has none is commented out or holds an example. */
export function renderReference(): string {
  const lines = [
    '# Every key of the configuration, with its default. Generated from src/config/options.ts; do not edit.',
    '# A key that is commented out is unset. harvest-kafka.yaml beside it is the smallest configuration that runs.',
    '#',
    '# Any value may hold ${NAME} or ${NAME:-default} from the environment; $$ is a dollar sign. A secret may be',
    '# ${file:/path}. Paths are relative to the working directory.',
  ];
  for (const [name, type] of Object.entries(mapOf(schema).members)) lines.push('', ...keyLines(name, type, 0, false));
  return `${lines.join('\n')}\n`;
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

/** docs/generated/CONFIG.md: the same as a table per section. */
export function renderConfigPage(): string {
  const lines = [
    '# Configuration',
    '',
    'Generated from `src/config/options.ts`; do not edit. `config/reference.yaml` is the same as a file.',
    'Unknown keys are refused, and all problems are reported at once, with their lines.',
    '',
    '- `${NAME}` and `${NAME:-default}` (for unset or empty) read the environment in any value; `$$` is a dollar sign.',
    '- `${file:/path}` reads a value from a file, without its last line break; where it says "file" below.',
    '- `--set a.b=c` overrides the file; list entries go by number: `--set harvest.accounts.0.id=123`.',
  ];
  for (const [name, type] of Object.entries(mapOf(schema).members)) {
    const section = shapes(type).some((shape) => shape.kind === 'map');
    lines.push('', `## ${name}`, '', ...(section ? [note(type).description, ''] : []));
    lines.push('| key | type | default | what it does |', '|---|---|---|---|');
    lines.push(...(section ? tableRows(name, mapOf(type)) : [row(name, type)]));
  }
  return `${lines.join('\n')}\n`;
}

/** Comment and value of one key. `off` comments the whole block out. */
function keyLines(name: string, type: z.ZodType, depth: number, off: boolean): string[] {
  const accepted = shapes(type);
  const { description, unit, example, usual } = note(type);
  const fallback = defaultOf(type);
  const unset = off || (isOptional(type) && fallback === undefined && !usual);
  const indent = '  '.repeat(depth);
  const put = (line: string, commented: boolean) => (commented ? `${indent}# ${line}` : `${indent}${line}`);
  const choices = accepted.flatMap((shape) => ('choices' in shape ? shape.choices : []));
  const about = [description, choices.length > 0 ? `One of: ${choices.join(', ')}.` : ''].filter(Boolean).join(' ');
  const comment = wrap(unit && !name.endsWith(unit) ? `${about} (${unit})` : about, 110 - indent.length).map(
    (line) => `${indent}# ${line}`,
  );
  if (name === 'streams') return [...comment, put(`${name}:`, off), ...streamLines(type)];

  const list = accepted.find((shape) => shape.kind === 'list');
  const map = accepted.find((shape) => shape.kind === 'map');
  if (list && shapes(list.element)[0]?.kind === 'map') {
    const inner = members(mapOf(list.element), depth + 2, unset);
    return [...comment, put(`${name}:`, unset), ...asListItem(inner, depth + 1)];
  }
  if (map && (fallback === undefined || typeof fallback === 'object')) {
    return [...comment, put(`${name}:`, unset), ...members(map, depth + 1, unset)];
  }
  const value = put(`${name}: ${yaml(fallback ?? example)}`, unset);
  // A key that is a single value or a map: the map's keys follow, commented out.
  return [...comment, value, ...(map ? members(map, depth + 1, true) : [])];
}

function members(map: MapShape, depth: number, off: boolean): string[] {
  return Object.entries(map.members).flatMap(([name, type]) => keyLines(name, type, depth, off));
}

/** Puts the dash of a list entry before the first key, below its comment. */
function asListItem(lines: readonly string[], depth: number): string[] {
  const indent = '  '.repeat(depth);
  const first = lines.findIndex((line) => !line.trimStart().startsWith('#'));
  return lines.map((line, index) => (index === first ? `${indent}- ${line.trimStart()}` : line));
}

function streamLines(type: z.ZodType): string[] {
  const [, any] = Object.entries(mapOf(type).members)[0]!;
  const comments = leaves('', mapOf(any)).flatMap(([name, member]) =>
    wrap(`${name}: ${note(member).description}`, 106).map((line) => `  # ${line}`),
  );
  const rows = Object.entries(mapOf(type).members).map(([name, member]) => {
    // What may be left out as a whole is told of above, and not set.
    const inner = Object.entries(mapOf(member).members).filter(([, one]) => shapes(one)[0]!.kind !== 'map');
    const pairs = inner.map(([key, one]) => `${key}: ${yaml(defaultOf(one) ?? note(one).example)}`);
    // What has no default of its own is shown, and not set.
    const off = inner.every(([, one]) => defaultOf(one) === undefined) ? '# ' : '';
    return `  ${off}${name}: { ${pairs.join(', ')} }`;
  });
  return [...comments, ...rows];
}

/** The single values of a map and of the maps in it. */
function leaves(path: string, map: MapShape): [string, z.ZodType][] {
  return Object.entries(map.members).flatMap(([name, type]): [string, z.ZodType][] => {
    const inner = shapes(type).find((shape) => shape.kind === 'map');
    return inner ? leaves(`${path}${name}.`, inner) : [[`${path}${name}`, type]];
  });
}

function tableRows(path: string, map: MapShape): string[] {
  if (path === 'streams') return streamRows(map);
  return Object.entries(map.members).flatMap(([name, type]) => {
    const inner = `${path}.${name}`;
    const accepted = shapes(type);
    const list = accepted.find((shape) => shape.kind === 'list');
    const below = accepted.find((shape) => shape.kind === 'map');
    const element = list && shapes(list.element).find((shape) => shape.kind === 'map');
    return [
      row(element ? `${inner}[]` : inner, type),
      ...(below ? tableRows(inner, below) : []),
      ...(element ? tableRows(`${inner}[]`, element) : []),
    ];
  });
}

function streamRows(map: MapShape): string[] {
  const [, any] = Object.entries(map.members)[0]!;
  const own = leaves('', mapOf(any)).map(([name, type]) => {
    const byKind = Object.entries(POLL_INTERVAL_SECONDS).map(([kind, seconds]) => `${kind} \`${seconds}\``);
    return row(`streams.<name>.${name}`, type, name === 'poll_interval_seconds' ? byKind.join(', ') : undefined);
  });
  return [...own, ...tableRows('streams.defaults', mapOf(map.members.defaults!))];
}

function row(path: string, type: z.ZodType, fallback?: string): string {
  const { description, secret, from_file } = note(type);
  const value = defaultOf(type);
  const shown = fallback ?? (value === undefined || typeof value === 'object' ? '' : `\`${yaml(value)}\``);
  const required = isOptional(type) ? shown : '**required**';
  const kinds = shapes(type).map((shape) => ('choices' in shape && shape.choices.length > 0 ? 'choice' : shape.kind));
  const marks = [...new Set(kinds), ...(secret ? ['secret'] : []), ...(secret || from_file ? ['file'] : [])];
  const choices = shapes(type).flatMap((shape) => ('choices' in shape ? shape.choices : []));
  const about =
    choices.length > 0 ? `${description} One of: ${choices.map((one) => `\`${one}\``).join(', ')}.` : description;
  return `| \`${path}\` | ${marks.join(', ')} | ${required} | ${about.replaceAll('<', '&lt;').replaceAll('|', '\\|')} |`;
}

/** Numbers, switches and choices may also be written `${NAME}`, and digits without quotes. */
function withSubstitution(json: Record<string, unknown>): Record<string, unknown> {
  const { type, description, examples, default: fallback, unit, ...limits } = json;
  const outer = { description, examples, default: fallback, unit };
  const about = Object.fromEntries(Object.entries(outer).filter(([, value]) => value !== undefined));
  const digits = type === 'string' && String(limits.pattern ?? '').includes('\\d');
  const narrow = type === 'integer' || type === 'number' || type === 'boolean' || 'enum' in limits;
  if (!narrow && !digits) return json;
  const other = digits ? [{ type: 'integer' }] : [];
  return { ...about, anyOf: [{ type, ...limits }, ...other, { type: 'string', pattern: '\\$\\{[^}]+\\}' }] };
}

function mapOf(type: z.ZodType): MapShape {
  return shapes(type).find((shape) => shape.kind === 'map')!;
}

function yaml(value: unknown): string {
  return stringify(value, { lineWidth: 0 }).trimEnd();
}

function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!;
    if (line !== '' && line.length + word.length >= width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}
