// What people read about the configuration, generated from its declarations as JSON Schema (src/config/declared.ts):
// config/reference.yaml and docs/generated/CONFIG.md.
import { stringify } from 'yaml';

/** config/reference.yaml: every key with its default; what has none is commented out or holds an example. */
export function renderReference(declared) {
  const lines = [
    '# Every key of the configuration, with its default. Generated from src/config/options.ts; do not edit.',
    '# A key that is commented out is unset. harvest-kafka.yaml beside it is the smallest configuration that runs.',
    '#',
    '# Any value may hold ${NAME} or ${NAME:-default} from the environment; $$ is a dollar sign. A secret may be',
    '# ${file:/path}. Paths are relative to the working directory. Every key may be given in the environment instead:',
    '# HARVEST_KAFKA__KAFKA__BROKERS is kafka.brokers, HARVEST_KAFKA__HARVEST__ACCOUNTS__0__ID the id of the first account.',
  ];
  for (const [name, option] of keysOf(declared)) lines.push('', ...keyLines(name, option, 0, false));
  return `${lines.join('\n')}\n`;
}

/** docs/generated/CONFIG.md: the same as a table per section. `catalog` tells the kinds of streams. */
export function renderConfigPage(declared, catalog) {
  const lines = [
    '# Configuration',
    '',
    'Generated from `src/config/options.ts`; do not edit. `config/reference.yaml` is the same as a file.',
    'Unknown keys are refused, and all problems are reported at once, with their lines.',
    '',
    '- `${NAME}` and `${NAME:-default}` (for unset or empty) read the environment in any value; `$$` is a dollar sign.',
    '- `${file:/path}` reads a value from a file, without its last line break; where it says "file" below.',
    '- `HARVEST_KAFKA__A__B=c` in the environment overrides the file, and `--set a.b=c` both; list entries go by number:',
    '  `HARVEST_KAFKA__HARVEST__ACCOUNTS__0__ID=123`, `--set harvest.accounts.0.id=123`.',
  ];
  for (const [name, option] of keysOf(declared)) {
    const section = mapOf(option) !== undefined;
    lines.push('', `## ${name}`, '', ...(section ? [option.description, ''] : []));
    lines.push('| key | type | default | what it does |', '|---|---|---|---|');
    if (name === 'streams') lines.push(...streamRows(option, catalog));
    else lines.push(...(section ? tableRows(name, option) : [row(name, option, isRequired(declared, name))]));
  }
  return `${lines.join('\n')}\n`;
}

/** Comment and value of one key. `off` comments the whole block out. */
function keyLines(name, option, depth, off, required = false) {
  const { description, unit, example, usual, default: fallback } = option;
  const unset = off || (!required && fallback === undefined && !usual);
  const indent = '  '.repeat(depth);
  const put = (line, commented) => (commented ? `${indent}# ${line}` : `${indent}${line}`);
  const choices = choicesOf(option);
  const about = [description, choices.length > 0 ? `One of: ${choices.join(', ')}.` : ''].filter(Boolean).join(' ');
  const comment = wrap(unit && !name.endsWith(unit) ? `${about} (${unit})` : about, 110 - indent.length).map(
    (line) => `${indent}# ${line}`,
  );
  if (name === 'streams') return [...comment, put(`${name}:`, off), ...streamLines(option)];

  const map = mapOf(option);
  const item = itemOf(option);
  if (item) return [...comment, put(`${name}:`, unset), ...asListItem(members(item, depth + 2, unset), depth + 1)];
  if (map && (fallback === undefined || typeof fallback === 'object')) {
    return [...comment, put(`${name}:`, unset), ...members(map, depth + 1, unset)];
  }
  const value = put(`${name}: ${yaml(fallback ?? example)}`, unset);
  // A key that is a single value or a map: the map's keys follow, commented out.
  return [...comment, value, ...(map ? members(map, depth + 1, true) : [])];
}

function members(map, depth, off) {
  return keysOf(map).flatMap(([name, option]) => keyLines(name, option, depth, off, isRequired(map, name)));
}

/** Puts the dash of a list entry before the first key, below its comment. */
function asListItem(lines, depth) {
  const indent = '  '.repeat(depth);
  const first = lines.findIndex((line) => !line.trimStart().startsWith('#'));
  return lines.map((line, index) => (index === first ? `${indent}- ${line.trimStart()}` : line));
}

function streamLines(streams) {
  const [, any] = keysOf(streams)[0];
  const comments = leavesOf(any).flatMap(([name, option]) =>
    wrap(`${name}: ${option.description}`, 106).map((line) => `  # ${line}`),
  );
  const rows = keysOf(streams).map(([name, stream]) => {
    // A map that may be left out is told of above, and not set.
    const inner = keysOf(stream).filter(([, one]) => mapOf(one) === undefined);
    const pairs = inner.map(([key, one]) => `${key}: ${yaml(one.default ?? one.example)}`);
    // What has no default of its own is shown, and not set.
    const off = inner.every(([, one]) => one.default === undefined) ? '# ' : '';
    return `  ${off}${name}: { ${pairs.join(', ')} }`;
  });
  return [...comments, ...rows];
}

/** The single values of a map and of the maps in it. */
function leavesOf(map, path = '') {
  return keysOf(map).flatMap(([name, option]) =>
    mapOf(option) ? leavesOf(mapOf(option), `${path}${name}.`) : [[`${path}${name}`, option]],
  );
}

function tableRows(path, section) {
  const map = mapOf(section);
  return keysOf(map).flatMap(([name, option]) => {
    const item = itemOf(option);
    const inner = item ? `${path}.${name}[]` : `${path}.${name}`;
    const below = item ?? mapOf(option);
    return [row(inner, option, isRequired(map, name)), ...(below ? tableRows(inner, below) : [])];
  });
}

function streamRows(streams, catalog) {
  const [, any] = keysOf(streams)[0];
  const own = leavesOf(any).map(([name, option]) => {
    const ofKind = (kind) => mapOf(streams).properties[catalog.find((row) => row.kind === kind).name].properties[name];
    const kinds = [...new Set(catalog.map(({ kind }) => kind))].filter((kind) => ofKind(kind) !== undefined);
    const differ = kinds.some((kind) => ofKind(kind).default !== option.default);
    const byKind = kinds.map((kind) => `${kind} \`${ofKind(kind).default}\``).join(', ');
    return row(`streams.<name>.${name}`, option, false, differ ? byKind : undefined);
  });
  return [...own, ...tableRows('streams.defaults', mapOf(streams).properties.defaults)];
}

function row(path, option, required, fallback) {
  const { description, secret, from_file, default: value } = option;
  const shown = fallback ?? (value === undefined || typeof value === 'object' ? '' : `\`${yaml(value)}\``);
  const kinds = alternatives(option).map(({ type, enum: choices }) => (choices ? 'choice' : KINDS[type]));
  const marks = [...new Set(kinds), ...(secret ? ['secret'] : []), ...(secret || from_file ? ['file'] : [])];
  const choices = choicesOf(option).map((one) => `\`${one}\``);
  const about = choices.length > 0 ? `${description} One of: ${choices.join(', ')}.` : description;
  const cells = [`\`${path}\``, marks.join(', '), required ? '**required**' : shown];
  return `| ${cells.join(' | ')} | ${about.replaceAll('<', '&lt;').replaceAll('|', '\\|')} |`;
}

const KINDS = { object: 'map', array: 'list', string: 'text', integer: 'number', boolean: 'boolean' };

function alternatives(option) {
  return option.anyOf ?? [option];
}

function choicesOf(option) {
  return alternatives(option).flatMap((one) => one.enum ?? []);
}

function mapOf(option) {
  return alternatives(option).find(({ type }) => type === 'object');
}

/** The maps that a list holds, if it holds maps. */
function itemOf(option) {
  const list = alternatives(option).find(({ type }) => type === 'array');
  return list && mapOf(list.items);
}

function keysOf(section) {
  return Object.entries(mapOf(section).properties);
}

function isRequired(map, name) {
  return map.required?.includes(name) ?? false;
}

function yaml(value) {
  return stringify(value, { lineWidth: 0 }).trimEnd();
}

function wrap(text, width) {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line !== '' && line.length + word.length >= width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}
