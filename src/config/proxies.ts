// Proxies: named by a key of the configuration, or by HTTPS_PROXY, HTTP_PROXY and NO_PROXY as everywhere.
import { NO_PROXIES, type Proxies } from '../base/proxies.ts';
import { Secret } from '../base/secret.ts';
import type { Problem } from './problems.ts';
import type { Environment } from './substitute.ts';
import { isProxyAddress, MUST_BE_PROXY, OFF } from './values.ts';

/** A proxy is no way to this machine itself. */
const LOOPBACK = 'localhost,127.0.0.1,[::1]';

/** The proxies of one section: those of its `proxy_url`, which wins also for this machine, or of the environment. */
export function proxiesOf(url: Secret | undefined, env: Environment['env']): Proxies {
  if (url?.reveal() === OFF) return NO_PROXIES;
  if (url !== undefined) return { http: url, https: url, except: '' };
  const http = secretOf(variable(env, 'HTTP_PROXY'));
  const https = secretOf(variable(env, 'HTTPS_PROXY')) ?? http;
  const except = variable(env, 'NO_PROXY') ?? '';
  return { http, https, except: except === '*' ? except : `${LOOPBACK},${except}` };
}

/** Proxies of the environment that are no addresses. */
export function proxyProblems(env: Environment['env']): Problem[] {
  return ['HTTP_PROXY', 'HTTPS_PROXY']
    .filter((name) => !isProxyAddress(variable(env, name) ?? OFF))
    .map((place) => ({ place, message: MUST_BE_PROXY }));
}

/** The value of a variable, whose older name is in lower case; an address may lack its scheme. */
function variable(env: Environment['env'], name: string): string | null {
  const value = (env[name.toLowerCase()] || env[name])?.trim();
  if (!value) return null;
  return name === 'NO_PROXY' || value.includes('://') ? value : `http://${value}`;
}

function secretOf(value: string | null): Secret | null {
  return value === null ? null : new Secret(value);
}
