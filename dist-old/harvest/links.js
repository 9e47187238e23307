// Addresses: the API's base in its spellings, the address of a request, and which next links may be followed.
// Knows no HTTP; the rule that the token never leaves the base's origin is kept here (promise P6).
import { assert, PublisherError } from '../base/errors.js';
/**
 * A configured address as the base to append paths to: no trailing slash, and `/v2` at its end whether or not it was
 * written. Throws `config.invalid` when it is no http or https address.
 */
export function apiBase(configured) {
    const base = httpAddress('harvest.base_url', configured);
    if (!base.pathname.endsWith('/v2'))
        base.pathname = `${base.pathname.replace(/\/$/, '')}/v2`;
    return base;
}
/** The address of Harvest ID without a trailing slash. Throws `config.invalid`. */
export function idBase(configured) {
    return httpAddress('harvest.id_base_url', configured);
}
function httpAddress(key, configured) {
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
export function below(base, path) {
    const url = new URL(base);
    url.pathname = `${base.pathname.replace(/\/$/, '')}${path}`;
    return url;
}
/** The address of a page of so many rows: built for a first request, checked for a link. Throws `harvest.foreign_link`. */
export function pageAddress(base, { stream, target }, rows) {
    if ('link' in target)
        return followable(base, target.link, base, stream);
    assert((stream.parent !== null) === (target.parent !== undefined), `${stream.name} is asked per parent or not at all`);
    const url = below(base, stream.path.replace('{parent}', String(target.parent)));
    const perPage = stream.paging === 'none' ? {} : { per_page: String(rows) };
    url.search = new URLSearchParams({ ...perPage, ...target.query }).toString();
    return url;
}
/**
 * A link of an answer to `asked`, as the address to go to. Both prefixes, `/v2` and `/api/v2`, occur in links of one
 * account, so only the host is compared. Throws `harvest.foreign_link`.
 */
export function followable(base, link, asked, stream) {
    const url = URL.canParse(link, asked.href) ? new URL(link, asked) : null;
    if (url === null || !isOurs(url, base)) {
        const where = url === null ? 'an address that cannot be read' : url.origin;
        throw new PublisherError('harvest.foreign_link', `${stream.name}: links.next leads to ${where}, not ${base.origin}`, {
            stream: stream.name,
        });
    }
    return url;
}
/** Not by the origin alone: `blob:https://host/…` has that of the host inside it. Harvest puts no log-in into its links. */
function isOurs(url, base) {
    return url.protocol === base.protocol && url.host === base.host && `${url.username}${url.password}` === '';
}
/** Whether two addresses ask for the same page: either prefix, any order of the query, page 1 named or implied. */
export function sameRequest(a, b) {
    return canonical(a) === canonical(b);
}
function canonical(address) {
    const url = new URL(String(address));
    const query = new URLSearchParams(url.search);
    query.delete('ref'); // says only which button made the link
    query.delete('page', '1');
    query.sort();
    return `${url.origin}${url.pathname.replace(/^\/api\/v2\b/, '/v2')}?${query}`;
}
