// Values that take the place of those in the file: variables such as HARVEST_KAFKA__KAFKA__SASL__USERNAME, and `--set`.
import { type Document, isSeq, Scalar } from 'yaml';
import { dotted, type Path, type Problem } from './problems.ts';

export interface Override {
  readonly path: readonly (string | number)[];
  /** As a value of the file, where `$$` is a dollar sign. */
  readonly text: string;
  readonly place: string;
}

export const VARIABLE_PREFIX = 'HARVEST_KAFKA__';

/** The variable of the option at `path`. */
export function variableOf(path: Path): string {
  return VARIABLE_PREFIX + path.map((step) => String(step).toUpperCase()).join('__');
}

/**
 * The variables that name options; one that is empty says nothing, as compose files leave those that are not set. A value is
 * taken as it is, but for a whole one of `${file:…}`.
 */
export function variables(env: Readonly<Record<string, string | undefined>>): Override[] {
  const { compare } = new Intl.Collator('en', { numeric: true });
  return Object.entries(env)
    .filter(([name, value]) => name.startsWith(VARIABLE_PREFIX) && value !== '')
    .sort(([a], [b]) => compare(a, b))
    .map(([name, value = '']) => ({
      path: pathOf(name.slice(VARIABLE_PREFIX.length).toLowerCase().split('__')),
      text: /^\$\{file:.*\}$/.test(value) ? value : value.replaceAll('$', '$$$$'),
      place: name,
    }));
}

/** The environment without them, for the demo: the brokers and accounts of a daemon do not concern it. */
export function withoutVariables(env: Readonly<Record<string, string | undefined>>) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith(VARIABLE_PREFIX)));
}

/** An argument of `--set`. */
export function setting(argument: string): Override {
  const equals = argument.indexOf('=');
  const key = argument.slice(0, Math.max(equals, 0)).trim();
  return {
    path: key === '' ? [] : pathOf(key.split('.')),
    text: argument.slice(equals + 1),
    place: `--set ${key || '…'}`,
  };
}

/** Puts values into the document, later ones over earlier ones; answers where the paths stand that are not of the file. */
export function override(document: Document, overrides: readonly Override[], problems: Problem[]): Map<string, string> {
  const places = new Map<string, string>();
  for (const { path } of overrides) displaceLogIn(document, path);
  for (const { path, text, place } of overrides) {
    const complain = (message: string) => void problems.push({ place, message });
    const beyond = path.findIndex(
      (step, depth) => typeof step === 'number' && isBeyond(document, path.slice(0, depth), step),
    );
    const made = path.findIndex((_, depth) => !document.hasIn(path.slice(0, depth + 1)));
    if (path.length === 0) complain('must be written key=value, for example topics.prefix=harvest');
    else if (beyond >= 0) complain(`${dotted(path.slice(0, beyond))} has no place ${path[beyond]} yet`);
    else {
      try {
        document.setIn(path, new Scalar(text));
        places.set(dotted(made < 0 ? path : path.slice(0, made + 1)), place);
      } catch {
        complain(`${dotted(path)} leads through a key that holds a single value`);
      }
    }
  }
  return places;
}

/** An account has one log-in: whoever gives it OAuth2 tokens from outside need not have the access token that the file asks for. */
function displaceLogIn(document: Document, path: Path): void {
  const [harvest, accounts, place, key] = path;
  const token = [harvest, accounts, place, 'access_token'];
  if (harvest === 'harvest' && accounts === 'accounts' && key === 'oauth' && document.hasIn(token))
    document.deleteIn(token);
}

/** Whether a list would get holes if something were put there: of a great number, more of them than memory holds. */
function isBeyond(document: Document, path: Path, place: number): boolean {
  const list = document.hasIn(path) ? document.getIn(path) : undefined;
  return place > (isSeq(list) ? list.items.length : list === undefined ? 0 : place);
}

function pathOf(steps: readonly string[]): (string | number)[] {
  return steps.map((step) => (/^\d+$/.test(step) ? Number(step) : step));
}
