// The kinds of value that options have: what is accepted, what it becomes, and what is said when it is not accepted.
// Messages continue a sentence that begins with the key; none quotes what was found, since it may be a secret.
import { z } from 'zod';
import { Secret } from '../base/secret.ts';

/** Things an option says about itself beyond its type, default and description. */
export interface OptionNote {
  readonly unit?: 'seconds' | 'milliseconds' | 'requests' | 'percent' | 'rows' | 'accounts';
  /** Its value is never shown. */
  readonly secret?: boolean;
  /** `${file:…}` may stand here; secrets always allow it. */
  readonly from_file?: boolean;
  /** The value is the path of a file that must be readable at start. */
  readonly reads_file?: boolean;
  /** Shown in the reference where there is no default. */
  readonly example?: unknown;
  /** Written out in the reference although it may be left out. */
  readonly usual?: boolean;
}

declare module 'zod' {
  interface GlobalMeta extends OptionNote {}
}

/** A map of options that may be left out: what is missing in it is named key by key. */
export const section = <T extends z.ZodRawShape>(description: string, members: T) =>
  z
    .strictObject(members)
    .prefault({} as never)
    .describe(description);

/** A text without what editors, `echo` and spreadsheets leave in it unseen: in a secret that would look like a wrong one. */
export const text = () =>
  z
    .string()
    .min(1)
    .superRefine((given, context) => {
      const message = unseen(given);
      if (message !== null) context.addIssue({ code: 'custom', message, continue: false });
    });

export const whole = (least: number, most = Number.MAX_SAFE_INTEGER) => z.int().min(least).max(most);

/** An interval of at most a year: beyond what dates can hold it would stop what it is meant to slow down. */
export const seconds = (least: number) => whole(least, 366 * 86_400).meta({ unit: 'seconds' });

export const secret = (example: string) => concealed(text(), example);

/** A secret that travels in an HTTP header. */
export const token = (example: string) =>
  concealed(text().regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without blanks'), example);

const concealed = (type: z.ZodString, example: string) =>
  type.transform((value) => new Secret(value)).meta({ secret: true, example });

export const pemFile = (example: string) => text().optional().meta({ reads_file: true, example });

/** `YYYY-MM-DD`, and a day that exists. */
export const date = () => z.iso.date('must be a date written YYYY-MM-DD');

/** An address without a slash at its end. */
export const url = () => httpUrl().transform(withoutSlash);

export const OFF = 'off';
export const MUST_BE_PROXY =
  'must be http://host:port or https://host:port, with user:password@ where it asks for a log-in';

/** The address of a proxy, which may hold a password, or `off`. */
export const proxy = () =>
  concealed(text().refine(isProxyAddress, `${MUST_BE_PROXY}, or off`), 'http://proxy.example.com:3128');

/** An address that is asked as it is. */
export const httpUrl = () =>
  text().refine(isHttpUrl, 'must be an http:// or https:// address without credentials, query or fragment');

/** `name=value` pairs, a list or one text with commas. */
export const pairs = () =>
  list((entry) => /^[A-Za-z]+=\P{Cc}+$/u.test(entry), 'must be name=value, or several of them').transform((given) =>
    Object.fromEntries(given.map((entry) => [entry.split('=', 1)[0]!, entry.slice(entry.indexOf('=') + 1)])),
  );

/** A list, or one text with commas: what an environment variable can carry. */
export const list = (accepts: (entry: string) => boolean, must: string) =>
  z
    .union([z.string(), z.array(z.string())])
    .transform((given) => (typeof given === 'string' ? given.split(',') : given).map((entry) => entry.trim()))
    .refine((entries) => entries.every(accepts), must);

/** Addresses of one kind of server. */
export const urls = (must: string) => list(isHttpUrl, must).transform((given) => given.map(withoutSlash));

/** `host:port` or `[ipv6]:port` as both its parts, `off` as null. */
export const listenAddress = () =>
  z
    .string()
    .refine((given) => given === 'off' || hostAndPort(given) !== null, 'must be host:port, [ipv6]:port or off')
    .transform(hostAndPort);

function unseen(given: string): string | null {
  if (given.startsWith('\uFEFF')) return 'begins with a byte order mark, which some editors write: save it without';
  if (/[\r\n]$/.test(given)) return 'ends with a line break, as echo writes one: use printf, or echo -n';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are looked for
  return /[\0-\x1f\x7f-\x9f\uFEFF]/.test(given) ? 'holds a control character (a line break, a tab …)' : null;
}

function hostAndPort(given: string): { host: string; port: number } | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]+)):(\d{1,5})$/.exec(given);
  if (match === null) return null;
  const port = Number(match[3]);
  return port <= 65_535 ? { host: (match[1] ?? match[2])!, port } : null;
}

function isHttpUrl(given: string): boolean {
  if (!URL.canParse(given)) return false;
  const { protocol, username, password, search, hash } = new URL(given);
  return /^https?:$/.test(protocol) && `${username}${password}${search}${hash}` === '';
}

export function isProxyAddress(given: string): boolean {
  if (given === OFF) return true;
  if (!URL.canParse(given)) return false;
  const { protocol, pathname, username, password, search, hash } = new URL(given);
  return /^https?:$/.test(protocol) && pathname === '/' && `${search}${hash}` === '' && isEncoded(username + password);
}

function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function withoutSlash(address: string): string {
  return address.replace(/\/+$/, '');
}
