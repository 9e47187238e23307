// Reads a YAML document along the declared schema: replaces `${…}`, finds unknown keys, and remembers where each key
// stands. Whether a value is allowed is not decided here but by the schema itself (load.ts).
import { type Document, isAlias, isMap, isNode, isScalar, isSeq, type LineCounter, type Node, Scalar } from 'yaml';
import type { z } from 'zod';
import { nearest } from './nearest.ts';
import { RENAMED } from './renamed.ts';
import { isOptional, note, type Shape, shapes } from './shape.ts';
import { type Surroundings, substitute, unreadableBecause } from './substitute.ts';

export type Path = readonly PropertyKey[];

export interface Problem {
  readonly place: string;
  readonly message: string;
}

export interface Reading {
  readonly value: unknown;
  /** Paths whose value could not be read; the schema would only complain about them again. */
  readonly failed: readonly Path[];
  /** Paths whose value is unset because an environment variable is empty, with the text that names it. */
  readonly emptied: ReadonlyMap<Path, string>;
  /** Where a path stands, or the nearest of its ancestors that does: `file:line:column`, or `--set a.b`. */
  place(path: Path): string;
}

/** The walk follows the schema, so aliases cannot multiply; but each one costs a search of the whole document. */
const ALIASES_MAX = 100;

const overrides = new WeakMap<Node, string>();

/** A scalar that came from the command line. */
export function overrideScalar(text: string, place: string): Scalar {
  const scalar = new Scalar(text);
  overrides.set(scalar, place);
  return scalar;
}

/** Where a node came from that is not in the file: an override, or a section that one had to make. */
function overrideIn(node: Node): string | undefined {
  if (isScalar(node)) return overrides.get(node);
  if (!isMap(node) || node.range) return undefined;
  const [pair] = node.items;
  return isNode(pair?.value) ? overrideIn(pair.value) : undefined;
}

export function readDocument(
  document: Document,
  root: z.ZodType,
  file: string,
  lines: LineCounter,
  around: Surroundings,
  problems: Problem[],
): Reading {
  const places = new Map<string, string>();
  const failed: Path[] = [];
  const emptied = new Map<Path, string>();
  const everyKey = optionPaths(root, '');
  let aliases = 0;

  const placeOf = (node: Node | string | number | null, otherwise: string): string => {
    if (!isNode(node)) return otherwise;
    const override = overrideIn(node);
    if (override) return override;
    if (!node.range) return otherwise;
    const { line, col } = lines.linePos(node.range[0]);
    return `${file}:${line}:${col}`;
  };
  const fail = (path: Path, place: string, message: string): undefined => {
    failed.push(path);
    problems.push({ place, message: `${dotted(path)} ${message}`.trimStart() });
  };

  const read = (given: Node | null, type: z.ZodType, path: Path, outer: string): unknown => {
    const place = placeOf(given, outer);
    places.set(dotted(path), place);
    const node = isAlias(given) ? follow(given) : given;
    if (node === undefined) return fail(path, place, 'refers to an anchor that does not exist or is used too often');
    const accepted = shapes(type);
    if (isMap(node)) {
      const map = accepted.find((shape) => shape.kind === 'map');
      return map ? readMap(node.items as Pairs, map, path, place) : fail(path, place, mustBe(accepted, 'a map'));
    }
    if (isSeq(node)) {
      const list = accepted.find((shape) => shape.kind === 'list');
      if (!list) return fail(path, place, mustBe(accepted, 'a list'));
      return node.items.map((item, index) => read(item as Node | null, list.element, [...path, index], place));
    }
    const map = accepted.find((shape) => shape.kind === 'map');
    const scalar = accepted.find((shape) => shape.kind !== 'map' && shape.kind !== 'list');
    if (node === null || isEmpty(node)) return map && !isOptional(type) ? readMap([], map, path, place) : undefined;
    if (scalar === undefined) return fail(path, place, mustBe(accepted, 'a single value'));
    return readScalar(node as Scalar, type, scalar, path, place);
  };

  const follow = (alias: Node): Node | undefined => {
    aliases += 1;
    return aliases > ALIASES_MAX || !isAlias(alias) ? undefined : alias.resolve(document);
  };

  const readMap = (pairs: Pairs, map: Shape & { kind: 'map' }, path: Path, place: string): unknown => {
    const result: Record<string, unknown> = {};
    for (const { key, value } of pairs) {
      // Keys of the file are nodes; those that an override had to make are bare.
      const name = String(isScalar(key) ? key.value : key);
      const type = Object.hasOwn(map.members, name) ? map.members[name]! : undefined;
      // An unset value stands where its key stands; an override is the better place when there is one.
      const keyPlace = (value && overrideIn(value)) ?? placeOf(key, place);
      if (type) result[name] = read(value, type, [...path, name], keyPlace);
      else fail([...path, name], keyPlace, `is not a key${hint(name, map, path)}`);
    }
    for (const [name, type] of Object.entries(map.members)) {
      // A section left out is read as empty, so that what is missing in it is named key by key.
      if (!Object.hasOwn(result, name) && !isOptional(type)) result[name] = read(null, type, [...path, name], place);
    }
    return result;
  };

  const hint = (name: string, map: Shape & { kind: 'map' }, path: Path): string => {
    const renamed = Object.hasOwn(RENAMED, name) ? RENAMED[name]! : null;
    if (renamed !== null && Object.hasOwn(map.members, renamed))
      return ` any more; it is called ${dotted([...path, renamed])}`;
    const sibling = nearest(name, Object.keys(map.members));
    const meant = sibling ? dotted([...path, sibling]) : everyKey.find((key) => key.endsWith(`.${name}`));
    if (meant) return `; did you mean ${meant}?`;
    const names = Object.keys(map.members);
    return names.length <= 12 ? `; here may stand ${names.join(', ')}` : '';
  };

  const readScalar = (node: Scalar, type: z.ZodType, shape: Shape, path: Path, place: string): unknown => {
    const { secret, from_file, reads_file } = note(type);
    const plain = isPlain(node);
    // The source keeps what YAML would take away: the zeros of 0123, the digits of a long number.
    const source = plain && node.source !== undefined ? node.source : String(node.value);
    const text = substitute(source, Boolean(secret || from_file), around, (problem) => fail(path, place, problem));
    if (text === '' && source !== '') emptied.set(path, source);
    if (text === null || (plain && text === '')) return undefined;
    if (reads_file) {
      try {
        around.readFile(text);
      } catch (thrown) {
        return fail(path, place, `names a file that cannot be read: ${text} (${unreadableBecause(thrown)})`);
      }
    }
    return typed(text, shape.kind);
  };

  const value = read(document.contents as Node | null, root, [], `${file}:1:1`);
  const place = (path: Path): string => {
    for (let length = path.length; length >= 0; length--) {
      const known = places.get(dotted(path.slice(0, length)));
      if (known) return known;
    }
    return `${file}:1:1`;
  };
  return { value, failed, emptied, place };
}

type Pairs = readonly { readonly key: Node | string | number; readonly value: Node | null }[];

/** `harvest.accounts.0.id`: as `--set` takes it. */
export function dotted(path: Path): string {
  return path.map(String).join('.');
}

/** A scalar is text until its option says what it is: so `0123` may be a password and `${PORT}` a number. */
function typed(text: string, kind: Shape['kind']): unknown {
  if (kind === 'number' && /^[-+]?\d+(\.\d+)?$/.test(text)) return Number(text);
  if (kind === 'boolean' && /^(true|false)$/i.test(text)) return text.toLowerCase() === 'true';
  return text;
}

function isPlain(node: Scalar): boolean {
  return node.type === undefined || node.type === Scalar.PLAIN;
}

function isEmpty(node: Node): boolean {
  return isScalar(node) && (node.value === null || (isPlain(node) && node.value === ''));
}

function mustBe(accepted: readonly Shape[], found: string): string {
  return `must be ${inWords(accepted)}, found ${found}`;
}

const WORDS = { map: 'a map', list: 'a list', text: 'text', number: 'a number', boolean: 'true or false' };

/** `true or false or a map` */
export function inWords(accepted: readonly Shape[]): string {
  return [...new Set(accepted.map((shape) => WORDS[shape.kind]))].join(' or ');
}

function optionPaths(type: z.ZodType, path: string): string[] {
  return shapes(type).flatMap((shape) =>
    shape.kind === 'map'
      ? Object.entries(shape.members).flatMap(([name, member]) => {
          const inner = path === '' ? name : `${path}.${name}`;
          return [inner, ...optionPaths(member, inner)];
        })
      : [],
  );
}
