// Reads a YAML document along the declarations: replaces `${…}`, finds unknown keys, and remembers where each key stands.
// Whether a value is allowed is for the schema to say (load.ts).
import { type Document, isAlias, isMap, isNode, isScalar, isSeq, type LineCounter, type Node, Scalar } from 'yaml';
import { alternatives, type Declared, declared, everyKey, inWords } from './declared.ts';
import { nearest } from './nearest.ts';
import { VARIABLE_PREFIX, variableOf } from './overrides.ts';
import { dotted, isPrefix, type Path, type Problem } from './problems.ts';
import { RENAMED } from './renamed.ts';
import { type Environment, substitute, unreadableBecause } from './substitute.ts';

/** The walk follows the declarations, so aliases cannot multiply; but each one costs a search of the whole document. */
const ALIASES_MAX = 100;

interface Source {
  readonly document: Document;
  readonly file: string;
  readonly lines: LineCounter;
  /** Where the paths stand that are not of the file; what is below them stands there too. */
  readonly given: ReadonlyMap<string, string>;
  readonly environment: Environment;
}

export class Reading {
  readonly value: unknown;
  readonly problems: Problem[] = [];
  /** Paths whose value is unset because an environment variable is empty, with the text that names it. */
  readonly emptied = new Map<Path, string>();
  readonly #failed: Path[] = [];
  /** By dotted path. */
  readonly #places: Map<string, string>;
  readonly #source: Source;
  #aliases = 0;

  constructor(source: Source) {
    this.#source = source;
    this.#places = new Map(source.given);
    this.value = this.#read(source.document.contents as Node | null, declared, [], `${source.file}:1:1`) ?? {};
  }

  /** Adds a problem with the key at `path`. */
  complain(path: Path, message: string): void {
    this.problems.push({ place: this.#placeOf(path), message: `${dotted(path)} ${message}`.trimStart() });
  }

  /** Whether something at `path` could not be read: the schema would only complain about it again. */
  isFailed(path: Path): boolean {
    return this.#failed.some((failed) => isPrefix(failed, path) || isPrefix(path, failed));
  }

  #fail(path: Path, message: string): undefined {
    this.complain(path, message);
    this.#failed.push(path);
  }

  /** Where a path stands, or the nearest of its ancestors that does. */
  #placeOf(path: Path): string {
    return this.#places.get(dotted(path)) ?? this.#placeOf(path.slice(0, -1));
  }

  #read(given: Node | null, option: Declared, path: Path, outer: string): unknown {
    this.#remember(path, given, outer);
    const node = isAlias(given) ? this.#follow(given) : given;
    if (node === undefined) return this.#fail(path, 'refers to an anchor that does not exist or is used too often');
    if (node === null || isEmpty(node)) return undefined;
    const found = isMap(node) ? 'a map' : isSeq(node) ? 'a list' : 'a single value';
    const meant = alternatives(option).find(({ type }) => {
      return isMap(node) ? type === 'object' : isSeq(node) ? type === 'array' : type !== 'object' && type !== 'array';
    });
    if (meant === undefined) return this.#fail(path, `must be ${inWords(option)}, found ${found}`);
    if (isMap(node)) return this.#readMap(node.items as Pairs, meant, path);
    if (!isSeq(node)) return this.#readScalar(node as Scalar, option, meant, path);
    const place = this.#placeOf(path);
    return node.items.map((item, index) => this.#read(item as Node | null, meant.items!, [...path, index], place));
  }

  #readMap(pairs: Pairs, { properties = {} }: Declared, path: Path): object {
    const result: Record<string, unknown> = {};
    for (const { key, value } of pairs) {
      // Keys of the file are nodes; those that an override had to make are bare.
      const name = String(isScalar(key) ? key.value : key);
      const inner = [...path, name];
      this.#remember(inner, key, this.#placeOf(path));
      const named = this.#placeOf(inner).startsWith(VARIABLE_PREFIX) ? variableOf : dotted;
      if (!Object.hasOwn(properties, name)) this.#fail(inner, `is not a key${hint(name, properties, path, named)}`);
      else result[name] = this.#read(value, properties[name]!, inner, this.#placeOf(inner));
    }
    return result;
  }

  #readScalar(node: Scalar, note: Declared, { type }: Declared, path: Path): unknown {
    const plain = isPlain(node);
    // The source keeps what YAML would take away: the zeros of 0123, the digits of a long number.
    const source = plain && node.source !== undefined ? node.source : String(node.value);
    const isFileAllowed = Boolean(note.secret || note.from_file);
    const text = substitute(source, isFileAllowed, this.#source.environment, (problem) => this.#fail(path, problem));
    if (text === '' && source !== '') this.emptied.set(path, source);
    if (text === null || (plain && text === '')) return undefined;
    if (note.reads_file) {
      try {
        this.#source.environment.readFile(text);
      } catch (thrown) {
        return this.#fail(path, `names a file that cannot be read: ${text} (${unreadableBecause(thrown)})`);
      }
    }
    return typed(text, type);
  }

  #follow(alias: Node): Node | undefined {
    this.#aliases += 1;
    return this.#aliases > ALIASES_MAX || !isAlias(alias) ? undefined : alias.resolve(this.#source.document);
  }

  /** Notes where `node` stands, which is at `path`; `outer` when it stands nowhere. */
  #remember(path: Path, node: Node | string | number | null, outer: string): void {
    const key = dotted(path);
    if (this.#source.given.has(key)) return;
    const range = isNode(node) ? node.range : null;
    const { line, col } = range ? this.#source.lines.linePos(range[0]) : { line: 0, col: 0 };
    this.#places.set(key, range ? `${this.#source.file}:${line}:${col}` : outer);
  }
}

type Pairs = readonly { readonly key: Node | string | number; readonly value: Node | null }[];

/** The rest of a sentence that says that `name` is not a key of the section at `path`; `named` says how keys are written. */
function hint(
  name: string,
  properties: Readonly<Record<string, Declared>>,
  path: Path,
  named: (path: Path) => string,
): string {
  const names = Object.keys(properties);
  const renamed = Object.hasOwn(RENAMED, name) ? RENAMED[name]! : '';
  if (names.includes(renamed)) return ` any more; it is called ${named([...path, renamed])}`;
  const sibling = nearest(name, names);
  const elsewhere = everyKey().find((key) => key.endsWith(`.${name}`));
  if (sibling) return `; did you mean ${named([...path, sibling])}?`;
  if (elsewhere) return `; did you mean ${named(elsewhere.split('.'))}?`;
  return names.length <= 12 ? `; here may stand ${names.join(', ')}` : '';
}

/** A scalar is text until its option says what it is: so `0123` may be a password and `${PORT}` a number. */
function typed(text: string, type: Declared['type']): unknown {
  if (type === 'integer' && /^[-+]?\d+(\.\d+)?$/.test(text)) return Number(text);
  if (type === 'boolean' && /^(true|false)$/i.test(text)) return text.toLowerCase() === 'true';
  return text;
}

function isPlain(node: Scalar): boolean {
  return node.type === undefined || node.type === Scalar.PLAIN;
}

function isEmpty(node: Node): boolean {
  return isScalar(node) && (node.value === null || (isPlain(node) && node.value === ''));
}
