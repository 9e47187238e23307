// Addresses: the API's base in its spellings, the address of a request, and which next links may be followed.
// Knows no HTTP; the rule that the token never leaves the base's origin is kept here (promise P6).
import { assert, PublisherError } from '../base/errors.ts';
import type { PageRequest } from '../engine/ports.ts';
import type { StreamDefinition } from '../streams/definition.ts';

/**
 * A configured address as the base to append paths to: no trailing slash, and `/v2` at its end whether or not it was
 * written. Throws `config.invalid` when it is no http or https address.
 */
export function apiBase(configured: string, key = 'harvest.base_url'): URL {
  const base = httpAddress(key, configured);
  if (!base.pathname.endsWith('/v2')) base.pathname = `${base.pathname.replace(/\/$/, '')}/v2`;
  return base;
}

/** Where the API is asked, and where its links say it is: two addresses when a gateway stands in between. */
export interface Bases {
  readonly base: URL;
  readonly publicBase: URL;
}

/** The address of Harvest ID without a trailing slash. Throws `config.invalid`. */
export function idBase(configured: string): URL {
  return httpAddress('harvest.id_base_url', configured);
}

function httpAddress(key: string, configured: string): URL {
  const url = URL.canParse(configured) ? new URL(configured) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new PublisherError('config.invalid', `${key} is not an http or https address: ${configured.slice(0, 200)}`);
  }
  url.search = '';
  url.hash = '';
  url.pathname = url.pathname.replace(/\/+$/, '');
  return url;
}

/** `path` below `base`, which may itself have a path. */
export function below(base: URL, path: string): URL {
  const url = new URL(base);
  url.pathname = `${base.pathname.replace(/\/$/, '')}${path}`;
  return url;
}

/** The address of a page of so many rows: built for a first request, checked for a link. Throws `harvest.foreign_link`. */
export function pageAddress(
  { base, publicBase }: Bases,
  { stream, target }: Pick<PageRequest, 'stream' | 'target'>,
  rows: number,
): URL {
  if ('link' in target) return followable({ base, publicBase }, target.link, base, stream);
  assert(
    (stream.parent !== null) === (target.parent !== undefined),
    `${stream.name} is asked per parent or not at all`,
  );
  const url = below(base, stream.path.replace('{parent}', String(target.parent)));
  const perPage = stream.paging === 'none' ? {} : { per_page: String(rows) };
  url.search = new URLSearchParams({ ...perPage, ...target.query }).toString();
  return url;
}

/**
 * A link of an answer to `asked`, as the address to go to. Both prefixes, `/v2` and `/api/v2`, occur in links of one
 * account, so only the host is compared. Behind a gateway, links name Harvest's own address: what follows it is asked for
 * below `base`, so that the token stays there. Throws `harvest.foreign_link`.
 */
export function followable({ base, publicBase }: Bases, link: string, asked: URL, stream: StreamDefinition): URL {
  const url = URL.canParse(link, asked.href) ? new URL(link, asked) : null;
  const moved = url === null || publicBase.href === base.href ? null : rebased(url, base, publicBase);
  if (moved !== null) return moved;
  if (url === null || !isOurs(url, base)) {
    const where = url === null ? 'an address that cannot be read' : url.origin;
    const message = `${stream.name}: links.next leads to ${where}, not ${base.origin}`;
    throw new PublisherError('harvest.foreign_link', message, { stream: stream.name });
  }
  return url;
}

/** The same path and query below `base`; null when the link does not lead below `publicBase`, or does below `base` as it is. */
function rebased(url: URL, base: URL, publicBase: URL): URL | null {
  if (isOurs(url, base) && rest(url, base) !== null) return null;
  // Only path and query of it are used, so a gateway may have written http where Harvest says https.
  const isPublic = /^https?:$/.test(url.protocol) && url.host === publicBase.host && hasNoLogin(url);
  const path = isPublic ? rest(url, publicBase) : null;
  if (path === null) return null;
  const address = below(base, path);
  address.search = url.search;
  return address;
}

/** The path of `url` behind `base`, whichever of the two prefixes it is written with; null when it is elsewhere. */
function rest({ pathname }: URL, base: URL): string | null {
  const stem = base.pathname.replace(/(\/api)?\/v2$/, '');
  const match = /^(\/api)?\/v2(?=\/|$)/.exec(pathname.slice(stem.length));
  return match !== null && pathname.startsWith(stem) ? pathname.slice(stem.length + match[0].length) : null;
}

/** Not by the origin alone: `blob:https://host/…` has that of the host inside it. Harvest puts no log-in into its links. */
function isOurs(url: URL, base: URL): boolean {
  return url.protocol === base.protocol && url.host === base.host && hasNoLogin(url);
}

function hasNoLogin({ username, password }: URL): boolean {
  return `${username}${password}` === '';
}

/** Whether two addresses ask for the same page: either prefix, any order of the query, page 1 named or implied. */
export function sameRequest(a: string | URL, b: string | URL): boolean {
  return canonical(a) === canonical(b);
}

function canonical(address: string | URL): string {
  const url = new URL(String(address));
  const query = new URLSearchParams(url.search);
  query.delete('ref'); // says only which button made the link
  query.delete('page', '1');
  query.sort();
  return `${url.origin}${url.pathname.replace(/^\/api\/v2\b/, '/v2')}?${query}`;
}
