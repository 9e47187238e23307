// From a file, the environment and `--set` to one frozen Config, or to every problem at once, each with its place.
// The keys are declared in options.ts; document.ts walks a document.
import { type Document, isSeq, LineCounter, parseDocument, Scalar } from 'yaml';
import { CODES, PublisherError } from '../base/errors.ts';
import { packagePath } from '../base/package-root.ts';
import { Secret } from '../base/secret.ts';
import { complain } from './complaints.ts';
import { dotted, type Problem, Reading } from './document.ts';
import { readOrdinaryFile } from './files.ts';
import { type Config, configOf, schema } from './options.ts';
import { type Environment, unreadableBecause } from './substitute.ts';
import { tlsTroubles } from './tls.ts';

export interface ConfigSource extends Partial<Environment> {
  /** Path of the YAML file; the one shipped with the package when neither it nor `text` is given. */
  readonly file?: string;
  /** The YAML itself, instead of a file. */
  readonly text?: string;
  /** `a.b=c`, list entries by number: `harvest.accounts.0.id=123`. They win over the file. */
  readonly overrides?: readonly string[];
}

/** The problem of somebody who has no token yet, who is told where tokens are. */
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
  const environment = { env: source.env ?? process.env, readFile: source.readFile ?? readOrdinaryFile };
  const file = source.file ?? (source.text === undefined ? SHIPPED_FILE : NAME_OF_TEXT);
  const text = source.text ?? readText(file, environment);
  if (Buffer.byteLength(text) > SIZE_MAX_BYTES) refuse([{ place: file, message: 'is larger than a configuration' }]);

  const problems: Problem[] = [];
  const lines = new LineCounter();
  const document = parse(text, file, lines, problems);
  const given = new Map<string, string>();
  for (const override of source.overrides ?? []) apply(document, override, given, problems);
  const reading = new Reading({ document, file, lines, given, environment });
  const result = schema.safeParse(reading.value, { reportInput: true });
  const issues = result.error?.issues ?? [];
  for (const issue of issues.slice(0, TOLD_MAX)) complain(issue, reading);
  problems.push(...reading.problems);
  if (problems.length > 0 || !result.success) refuse(problems, Math.max(issues.length - TOLD_MAX, 0));
  const config = configOf(reading.value as object);
  for (const { path, message } of tlsTroubles(config, environment.readFile)) reading.complain(path, message);
  if (reading.problems.length > 0) refuse(reading.problems);
  return freeze(config);
}

/** The effective configuration as plain JSON, secrets as `[redacted]`. */
export function describeConfig(config: Config): unknown {
  return JSON.parse(JSON.stringify(config));
}

function readText(file: string, environment: Environment): string {
  try {
    return environment.readFile(file).toString();
  } catch (thrown) {
    return refuse([{ place: file, message: `cannot be read (${unreadableBecause(thrown)})` }]);
  }
}

function parse(text: string, file: string, lines: LineCounter, problems: Problem[]): Document {
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

/** Puts the value of `override` into the document, and the place it came from into `given`. */
function apply(document: Document, override: string, given: Map<string, string>, problems: Problem[]): void {
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
    problems.push({ place, message: `${dotted(path.slice(0, beyond))} has no place ${path[beyond]} yet` });
    return;
  }
  const made = path.findIndex((_, depth) => !document.hasIn(path.slice(0, depth + 1)));
  try {
    document.setIn(path, new Scalar(override.slice(equals + 1)));
    given.set(dotted(made < 0 ? path : path.slice(0, made + 1)), place);
  } catch {
    problems.push({ place, message: `${key} leads through a key that holds a single value` });
  }
}

/** Whether a list would get holes if something were put there: of a great number, more of them than memory holds. */
function isBeyond(document: Document, path: readonly (string | number)[], place: number): boolean {
  const list = document.hasIn(path) ? document.getIn(path) : undefined;
  return place > (isSeq(list) ? list.items.length : list === undefined ? 0 : place);
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
