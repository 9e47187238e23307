// From a file, the environment and `--set` to one frozen Config, or to every problem at once, each with its place.
// What the keys are is options.ts's to say; how a document is walked, document.ts's.
import { isSeq, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { CODES, PublisherError } from '../base/errors.ts';
import { packagePath } from '../base/package-root.ts';
import { Secret } from '../base/secret.ts';
import { dotted, inWords, overrideScalar, type Path, type Problem, type Reading, readDocument } from './document.ts';
import { fieldTroubles } from './field-names.ts';
import { readOrdinaryFile } from './files.ts';
import { nearest } from './nearest.ts';
import { type Config, configOf, schema } from './options.ts';
import { note, shapes } from './shape.ts';
import { type Surroundings, unreadableBecause } from './substitute.ts';
import { tlsTroubles } from './tls.ts';

export interface ConfigSource extends Partial<Surroundings> {
  /** Path of the YAML file; the one shipped with the package when neither it nor `text` is given. */
  readonly file?: string;
  /** The YAML itself, instead of a file. */
  readonly text?: string;
  /** `a.b=c`, list entries by number: `harvest.accounts.0.id=123`. They win over the file. */
  readonly overrides?: readonly string[];
}

/** What somebody is told who has no token yet. */
const LACKS_ACCOUNT =
  /^harvest\.accounts(\.\d+\.(id|access_token))? (needs the environment variable|is required)|\$\{HARVEST_ACC\w+\} is empty/;
const WHERE_TOKENS_ARE =
  'Tokens are made at https://id.getharvest.com/developers, which shows the account id beside each.';
const SIZE_MAX_BYTES = 1_000_000;
const NAME_OF_TEXT = 'configuration';
/** A template that went wrong has the same problem a thousand times: so many are worth reading. */
const TOLD_MAX = 200;

/** The smallest configuration that runs, driven by environment variables alone. */
export const SHIPPED_FILE = packagePath('config/harvest-kafka.yaml');

/** Throws PublisherError `config.invalid` whose message lists all problems, one a line. */
export function loadConfig(source: ConfigSource = {}): Config {
  const around = { env: source.env ?? process.env, readFile: source.readFile ?? readOrdinaryFile };
  const file = source.file ?? (source.text === undefined ? SHIPPED_FILE : NAME_OF_TEXT);
  const text = source.text ?? readText(file, around);
  if (Buffer.byteLength(text) > SIZE_MAX_BYTES) refuse([{ place: file, message: 'is larger than a configuration' }]);

  const problems: Problem[] = [];
  const lines = new LineCounter();
  const document = parse(text, file, lines, problems);
  for (const override of source.overrides ?? []) apply(document, override, problems);
  const reading = readDocument(document, schema, file, lines, around, problems);
  const result = schema.safeParse(reading.value);
  const issues = result.error?.issues ?? [];
  problems.push(...issues.slice(0, TOLD_MAX).flatMap((issue) => explain(issue, reading)));
  if (problems.length > 0 || !result.success) refuse(problems, Math.max(issues.length - TOLD_MAX, 0));
  const config = configOf(reading.value as object);
  const troubles = [...tlsTroubles(config, around.readFile), ...fieldTroubles(config)].map(({ path, message }) => {
    return { place: reading.place(path), message: `${dotted(path)} ${message}` };
  });
  if (troubles.length > 0) refuse(troubles);
  return freeze(config);
}

/** The effective configuration as plain JSON, secrets as `[redacted]`. */
export function describeConfig(config: Config): unknown {
  return JSON.parse(JSON.stringify(config));
}

function readText(file: string, around: Surroundings): string {
  try {
    return around.readFile(file).toString();
  } catch (thrown) {
    return refuse([{ place: file, message: `cannot be read (${unreadableBecause(thrown)})` }]);
  }
}

function parse(text: string, file: string, lines: LineCounter, problems: Problem[]) {
  try {
    // Without pretty errors: those quote the line, and the line may hold a secret.
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
    for (const { code, pos } of document.errors) {
      const { line, col } = lines.linePos(pos[0]);
      const what = code === 'DUPLICATE_KEY' ? 'this key is given twice' : `not valid YAML: ${words(code)}`;
      problems.push({ place: `${file}:${line}:${col}`, message: what });
    }
    // A broken document is not judged further; with a key given twice the rest still can be.
    if (document.errors.some(({ code }) => code !== 'DUPLICATE_KEY')) refuse(problems);
    return document;
  } catch (thrown) {
    if (thrown instanceof PublisherError) throw thrown;
    return refuse([{ place: file, message: 'not valid YAML: nested too deeply' }]);
  }
}

function apply(document: ReturnType<typeof parse>, override: string, problems: Problem[]): void {
  const equals = override.indexOf('=');
  const key = override.slice(0, Math.max(equals, 0)).trim();
  const place = `--set ${key || '…'}`;
  if (key === '') {
    problems.push({ place, message: 'must be written key=value, for example topics.prefix=harvest' });
    return;
  }
  const path = key.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  const beyond = path.findIndex(
    (step, depth) => typeof step === 'number' && isBeyond(document, path.slice(0, depth), step),
  );
  if (beyond >= 0) {
    problems.push({ place, message: `${dotted(path.slice(0, beyond))} has no place ${String(path[beyond])} yet` });
    return;
  }
  try {
    document.setIn(path, overrideScalar(override.slice(equals + 1), place));
  } catch {
    problems.push({ place, message: `${key} leads through a key that holds a single value` });
  }
}

/** Whether a list would get holes if something were put there: of a great number, more of them than memory holds. */
function isBeyond(document: ReturnType<typeof parse>, path: readonly (string | number)[], place: number): boolean {
  const list = document.hasIn(path) ? document.getIn(path) : undefined;
  return place > (isSeq(list) ? list.items.length : list === undefined ? 0 : place);
}

/** A complaint of the schema in our words; none when the value could not be read anyway. */
function explain(issue: z.core.$ZodIssue, reading: Reading): Problem[] {
  const { path } = issue;
  if (reading.failed.some((failed) => isPrefix(failed, path) || isPrefix(path, failed))) return [];
  if (issue.code === 'invalid_union') {
    // The alternative that got further than its own outermost type is the one that was meant.
    const meant = issue.errors.find((issues) => issues.every((inner) => inner.path.length > 0));
    if (meant) return meant.flatMap((inner) => explain({ ...inner, path: [...path, ...inner.path] }, reading));
  }
  const found = valueAt(reading.value, path);
  const message = found === undefined && issue.code !== 'custom' ? 'is required' : complaint(issue, found, path);
  return [{ place: reading.place(path), message: `${dotted(path)} ${message}${becauseEmpty(path, found, reading)}` }];
}

/** `; ${TOKEN} is empty`: compose files turn a variable that is not set into an empty one. */
function becauseEmpty(path: Path, found: unknown, { emptied }: Reading): string {
  const marks = [...emptied].filter(([other]) => isPrefix(path, other)).map(([, mark]) => mark);
  const isMissing = found === undefined || typeof found === 'object';
  return isMissing && marks.length > 0 ? `; ${marks.join(', ')} is empty` : '';
}

function complaint(issue: z.core.$ZodIssue, found: unknown, path: Path): string {
  const shown = show(found, path);
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${TYPE_WORDS[issue.expected] ?? issue.expected}${shown}`;
    case 'invalid_union':
      return `must be ${inWords(shapes(optionAt(path)!))}${shown}`;
    case 'invalid_value': {
      const choices = issue.values.map(String);
      const meant = nearest(String(found), choices);
      return `must be one of ${choices.join(', ')}${shown}${meant ? `; did you mean ${meant}?` : ''}`;
    }
    case 'too_small':
      if (issue.origin === 'array') return 'needs at least one entry';
      return issue.origin === 'string' ? 'must not be empty' : `must be at least ${issue.minimum}${shown}`;
    case 'too_big':
      return `must be at most ${issue.maximum}${issue.origin === 'string' ? ' characters long' : ''}${shown}`;
    default:
      return issue.path.length > 0 && typeof found !== 'object' ? `${issue.message}${shown}` : issue.message;
  }
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  int: 'a whole number',
  number: 'a whole number',
  boolean: 'true or false',
};

/** `, found 12`; silent about secrets and about anything that is not one short value. */
function show(found: unknown, path: Path): string {
  const type = optionAt(path);
  if (typeof found === 'object' || found === undefined || type === null || note(type).secret) return '';
  // Credentials inside an address are refused everywhere, and are secrets all the same.
  return `, found ${JSON.stringify(found)
    .replace(/\/\/.*@/, '//…@')
    .slice(0, 80)}`;
}

/** The declaration a path leads to; null when it leads nowhere. */
function optionAt(path: Path): z.ZodType | null {
  return path.reduce<z.ZodType | null>((type, step) => {
    const members = (type ? shapes(type) : []).map((shape) => {
      if (shape.kind === 'map') return shape.members[String(step)];
      return shape.kind === 'list' ? shape.element : undefined;
    });
    return members.find((member) => member !== undefined) ?? null;
  }, schema);
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, step) => (inner as Record<PropertyKey, unknown> | undefined)?.[step], value);
}

function isPrefix(shorter: Path, longer: Path): boolean {
  return shorter.length <= longer.length && shorter.every((step, index) => step === longer[index]);
}

function words(code: string): string {
  return code.toLowerCase().replaceAll('_', ' ');
}

function refuse(problems: readonly Problem[], untold = 0): never {
  const { compare } = new Intl.Collator('en', { numeric: true });
  const inOrder = [...problems].sort((a, b) => compare(a.place, b.place));
  const lines = inOrder.slice(0, TOLD_MAX).map(({ place, message }) => `${place}: ${message}`);
  const more = problems.length - lines.length + untold;
  if (more > 0) lines.push(`and ${more} more`);
  const lacksAccount = problems.some(({ message }) => LACKS_ACCOUNT.test(message));
  const detail = lacksAccount ? { remedy: `${WHERE_TOKENS_ARE}\n${CODES['config.invalid'].remedy}` } : {};
  throw new PublisherError('config.invalid', lines.join('\n'), detail);
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !(value instanceof Secret)) {
    Object.values(value).forEach(freeze);
    Object.freeze(value);
  }
  return value;
}
