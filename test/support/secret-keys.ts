// Every secret that the configuration can hold, read off its declaration, and configurations that hold them: a secret that
// is declared tomorrow is planted tomorrow.
import { alternatives, type Declared, declared } from '../../src/config/declared.ts';
import { loadConfig } from '../../src/config/load.ts';

interface Key {
  /** As `--set` takes it; lists at their first place. */
  readonly path: string;
  readonly secret: boolean;
  readonly optional: boolean;
  readonly example: unknown;
}

/** Settings as `--set` takes them, without the dashes. */
export type Settings = Readonly<Record<string, string>>;

const leaves: readonly Key[] = leavesOf(declared, '', false);

export const secretKeys: readonly string[] = leaves.filter(({ secret }) => secret).map(({ path }) => path);

/**
 * As few configurations as hold every secret of `paths` once; `values` says what stands where it matters, examples elsewhere.
 */
export function plantings(
  base: Settings,
  values: (path: string, secret: boolean) => string | undefined,
  paths: readonly string[] = secretKeys,
): Settings[] {
  const planted: Settings[] = [];
  for (const path of paths) {
    if (planted.some((settings) => path in settings)) continue;
    const tries = [...planted, base].flatMap((settings) =>
      companions(path).map((keys) => ({
        ...settings,
        ...Object.fromEntries(keys.map((key) => [key.path, values(key.path, key.secret) ?? String(key.example)])),
      })),
    );
    const accepted = tries.find(isAccepted);
    if (accepted === undefined) throw new Error(`no configuration takes ${path}`);
    const grown = planted.findIndex((settings) =>
      Object.keys(settings).every((key) => accepted[key] === settings[key]),
    );
    if (grown < 0) planted.push(accepted);
    else planted[grown] = accepted;
  }
  return planted;
}

/** Keys that may have to stand beside a secret: the other required keys of its section, or those and its optional plain ones. */
function companions(path: string): Key[][] {
  const section = path.slice(0, path.lastIndexOf('.') + 1);
  const beside = leaves.filter((key) => key.path.startsWith(section) && !key.path.slice(section.length).includes('.'));
  const isNeeded = (key: Key) => key.path === path || !key.optional;
  return [beside.filter(isNeeded), beside.filter((key) => isNeeded(key) || !key.secret)];
}

function isAccepted(settings: Settings): boolean {
  try {
    loadConfig({ text: '', env: {}, overrides: Object.entries(settings).map((pair) => pair.join('=')) });
    return true;
  } catch {
    return false;
  }
}

function leavesOf(option: Declared, path: string, required: boolean): Key[] {
  return alternatives(option).flatMap(({ properties, required: needed, items }): Key[] => {
    const below = path === '' ? '' : `${path}.`;
    if (properties) {
      return Object.entries(properties).flatMap(([name, member]) =>
        leavesOf(member, `${below}${name}`, needed?.includes(name) ?? false),
      );
    }
    if (items) return leavesOf(items, `${below}0`, true);
    return [{ path, secret: option.secret === true, optional: !required, example: option.example }];
  });
}
