// Problems of a configuration: each with its place, all of them told together.
import { CODES, PublisherError } from '../base/errors.ts';

export type Path = readonly PropertyKey[];

export interface Problem {
  /** `file:line:column`, `--set a.b`, or the name of a variable. */
  readonly place: string;
  readonly message: string;
}

/** A template that went wrong has the same problem a thousand times: so many are worth reading. */
export const TOLD_MAX = 200;

/** The problem of somebody who has no token yet, who is told where tokens are. */
const LACKS_ACCOUNT =
  /^harvest\.accounts(\.\d+\.(id|access_token))? (needs the environment variable|is required)|\$\{HARVEST_ACC\w+\} is empty/;
const WHERE_TOKENS_ARE =
  'Tokens are made at https://id.getharvest.com/developers, which shows the account id beside each.';

/** `harvest.accounts.0.id`: as `--set` takes it. */
export function dotted(path: Path): string {
  return path.map(String).join('.');
}

export function isPrefix(shorter: Path, longer: Path): boolean {
  return shorter.length <= longer.length && shorter.every((step, index) => step === longer[index]);
}

/** Throws `config.invalid` with a line for each problem; `untold` more of them are only counted. */
export function refuse(problems: readonly Problem[], untold = 0): never {
  const { compare } = new Intl.Collator('en', { numeric: true });
  const inOrder = [...problems].sort((a, b) => compare(a.place, b.place));
  const lines = inOrder.slice(0, TOLD_MAX).map(({ place, message }) => `${place}: ${message}`);
  const more = problems.length - lines.length + untold;
  if (more > 0) lines.push(`and ${more} more`);
  const lacksAccount = problems.some(({ message }) => LACKS_ACCOUNT.test(message));
  const detail = lacksAccount ? { remedy: `${WHERE_TOKENS_ARE}\n${CODES['config.invalid'].remedy}` } : {};
  throw new PublisherError('config.invalid', lines.join('\n'), detail);
}
