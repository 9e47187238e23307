// By which names the HTTP server may be asked for. A browser that was led to our address under a foreign name (DNS rebinding)
// would let that name's pages read the answers.
import { isIP } from 'node:net';

/** Whether a Host header names us: an address, a name without a dot (localhost, a service of compose), or one that is allowed. */
export function isOurHost(header: string | undefined, allowed: readonly string[]): boolean {
  // Only HTTP/1.0 may leave it out, which no browser speaks.
  if (header === undefined) return true;
  const { hostname } = URL.canParse(`http://${header}`) ? new URL(`http://${header}`) : { hostname: 'not.a.name' };
  return isIP(hostname.replace(/^\[|\]$/g, '')) !== 0 || !hostname.includes('.') || allowed.includes(hostname);
}
