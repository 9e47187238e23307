// Which proxies requests go through. Apart from the agent that goes there, so that whoever only reads a configuration loads no HTTP.
import type { Secret } from './secret.ts';

/** The proxies that requests go through; their addresses may hold a password. */
export interface Proxies {
  /** For http:// addresses, and for https:// ones; null goes there without one. */
  readonly http: Secret | null;
  readonly https: Secret | null;
  /** Hosts that are asked without a proxy, as NO_PROXY names them. */
  readonly except: string;
}

export const NO_PROXIES: Proxies = { http: null, https: null, except: '' };
