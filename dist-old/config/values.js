// The kinds of value that options have: what is accepted, what it becomes, and what is said when it is not accepted.
// Messages continue a sentence that begins with the key; none quotes what was found, since it may be a secret.
import { z } from 'zod';
import { Secret } from '../base/secret.js';
/** Attaches the note; call it last, since zod keeps notes per instance. */
export function option(type, description, note = {}) {
    return type.meta({ description, ...note });
}
export const text = () => z.string().min(1);
export const whole = (least, most = Number.MAX_SAFE_INTEGER) => z.int().min(least).max(most);
export const secret = () => text().transform((value) => new Secret(value));
/** `YYYY-MM-DD`, and a day that exists. */
export const date = () => z.iso.date('must be a date written YYYY-MM-DD');
/** A secret that travels in an HTTP header. */
export const token = () => text()
    .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without blanks')
    .transform((value) => new Secret(value));
/** An address without a slash at its end. */
export const url = () => text()
    .refine(isHttpUrl, 'must be an http:// or https:// address without credentials, query or fragment')
    .transform(withoutSlash);
/** A list, or one text with commas: what an environment variable can carry. */
export const list = (accepts, must) => z
    .union([z.string(), z.array(z.string())])
    .transform((given) => (typeof given === 'string' ? given.split(',') : given).map((entry) => entry.trim()))
    .refine((entries) => entries.every(accepts), must);
/** Addresses of one kind of server. */
export const urls = (must) => list(isHttpUrl, must).transform((given) => given.map(withoutSlash));
/** `host:port` or `[ipv6]:port` as both its parts, `off` as null. */
export const listenAddress = () => z
    .string()
    .refine((given) => given === 'off' || hostAndPort(given) !== null, 'must be host:port, [ipv6]:port or off')
    .transform(hostAndPort);
function hostAndPort(given) {
    const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]+)):(\d{1,5})$/.exec(given);
    if (match === null)
        return null;
    const port = Number(match[3]);
    return port <= 65_535 ? { host: (match[1] ?? match[2]), port } : null;
}
function isHttpUrl(given) {
    if (!URL.canParse(given))
        return false;
    const { protocol, username, password, search, hash } = new URL(given);
    return /^https?:$/.test(protocol) && `${username}${password}${search}${hash}` === '';
}
function withoutSlash(address) {
    return address.replace(/\/+$/, '');
}
