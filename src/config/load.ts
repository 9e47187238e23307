// From a file, the environment and `--set` to one frozen Config, or to every problem at once, each with its place.
// The keys are declared in options.ts; document.ts walks a document.
import { type Document, LineCounter, parseDocument } from 'yaml';
import { PublisherError } from '../base/errors.ts';
import { packagePath } from '../base/package-root.ts';
import { Secret } from '../base/secret.ts';
import { appendAccounts } from './accounts-file.ts';
import { complain } from './complaints.ts';
import { Reading } from './document.ts';
import { fieldTroubles } from './field-names.ts';
import { readOrdinaryFile } from './files.ts';
import { type Config, configOf, schema } from './options.ts';
import { override, setting, variables } from './overrides.ts';
import { type Problem, refuse, TOLD_MAX } from './problems.ts';
import { proxyProblems } from './proxies.ts';
import { type Environment, unreadableBecause } from './substitute.ts';
import { tlsTroubles } from './tls.ts';

export interface ConfigSource extends Partial<Environment> {
  /** Path of the YAML file; the one shipped with the package when neither it nor `text` is given. */
  readonly file?: string;
  /** The YAML itself, instead of a file. */
  readonly text?: string;
  /** `a.b=c`, list entries by number: `harvest.accounts.0.id=123`. They win over the file and over variables. */
  readonly overrides?: readonly string[];
}

const SIZE_MAX_BYTES = 1_000_000;
const NAME_OF_TEXT = 'configuration';
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
  const given = override(document, [...variables(environment.env), ...(source.overrides ?? []).map(setting)], problems);
  for (const [path, place] of appendAccounts(document, environment, problems)) given.set(path, place);
  const reading = new Reading({ document, file, lines, given, environment });
  const result = schema.safeParse(reading.value, { reportInput: true });
  const issues = result.error?.issues ?? [];
  for (const issue of issues.slice(0, TOLD_MAX)) complain(issue, reading);
  problems.push(...reading.problems, ...proxyProblems(environment.env));
  if (problems.length > 0 || !result.success) refuse(problems, Math.max(issues.length - TOLD_MAX, 0));
  const config = configOf(reading.value as object, environment.env);
  const troubles = [...tlsTroubles(config, environment.readFile), ...fieldTroubles(config)];
  for (const { path, message } of troubles) reading.complain(path, message);
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

function words(code: string): string {
  return code.toLowerCase().replaceAll('_', ' ');
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !(value instanceof Secret)) {
    Object.values(value).forEach(freeze);
    Object.freeze(value);
  }
  return value;
}
