// `${NAME}`, `${NAME:-default}`, `${file:/path}` and `$$` inside the scalars of the configuration.

/** Variables and files, which a configuration may take values from. */
export interface Environment {
  readonly env: Readonly<Record<string, string | undefined>>;
  readFile(path: string): Buffer | string;
}

const MARK = /\$\$|\$\{([^}]*)\}/g;
const NAME = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s;

/**
 * The text with its marks replaced. `:-` gives the default for a variable that is unset or empty, as in a shell.
 * A mark that cannot be replaced is reported as the end of a sentence that begins with the key, and the answer is null.
 */
export function substitute(
  text: string,
  fileAllowed: boolean,
  environment: Environment,
  report: (problem: string) => void,
): string | null {
  let sound = true;
  const fail = (problem: string) => {
    sound = false;
    report(problem);
    return '';
  };
  const replaced = text.replace(MARK, (mark: string, inside: string | undefined) => {
    if (inside === undefined) return '$';
    if (inside.startsWith('file:')) {
      const path = inside.slice('file:'.length);
      if (!fileAllowed) return fail(`may not be read from a file: ${mark} is for secrets`);
      try {
        return environment
          .readFile(path)
          .toString()
          .replace(/\r?\n$/, '');
      } catch (thrown) {
        return fail(`cannot be read from ${path} (${unreadableBecause(thrown)})`);
      }
    }
    const [matched, name, fallback] = NAME.exec(inside) ?? [];
    if (matched === undefined) {
      return fail(
        'holds a ${…} that is neither ${NAME}, ${NAME:-default} nor ${file:/path}; write $$ for a dollar sign',
      );
    }
    const value = environment.env[name!];
    if (fallback !== undefined) return value || fallback;
    return value ?? fail(`needs the environment variable ${name}, which is not set`);
  });
  return sound ? replaced : null;
}

/** Why a file cannot be read; never the message, which may quote what was read. */
export function unreadableBecause(thrown: unknown): string {
  const code = (thrown as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? (REASONS[code] ?? code) : 'unreadable';
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  ENOTFILE: 'it is no ordinary file',
  EFBIG: 'it is larger than what belongs here can be',
};
