// The way out over HTTP: keep-alive connections, certificates that are always verified, and proxies where they are wanted.
import { type Agent, type Dispatcher, EnvHttpProxyAgent, Pool } from 'undici';
import { NO_PROXIES, type Proxies } from './proxies.ts';

interface AgentOptions
  extends Pick<Agent.Options, 'connections' | 'headersTimeout' | 'bodyTimeout' | 'maxResponseSize'> {
  readonly connectMs: number;
  /** PEM text of the certificate authority to trust instead of the system's. */
  readonly ca?: string | undefined;
  readonly proxies?: Proxies | undefined;
}

export function openAgent({ connectMs, ca, proxies = NO_PROXIES, ...limits }: AgentOptions): Dispatcher {
  // Said, because an environment variable of Node would switch it off otherwise.
  const connect = { timeout: connectMs, rejectUnauthorized: true, ...(ca === undefined ? {} : { ca }) };
  return new EnvHttpProxyAgent({
    ...limits,
    connect,
    requestTls: connect,
    proxyTls: connect,
    // A proxy that takes the connection and never answers is given up as one that cannot be reached.
    clientFactory: (proxy: URL, options: object) => openToProxy(proxy, { ...options, headersTimeout: connectMs }),
    // Empty, not left out: undici would read the environment.
    httpProxy: proxies.http?.reveal() ?? '',
    httpsProxy: proxies.https?.reveal() ?? '',
    noProxy: proxies.except,
  });
}

/** undici asks a proxy that hangs up in place of an answer again at once and without end, unless its failure is told as another. */
function openToProxy(proxy: URL, options: Pool.Options): Pool {
  const pool = new Pool(proxy, options);
  const connect = pool.connect.bind(pool) as (params: Dispatcher.ConnectOptions) => Promise<Dispatcher.ConnectData>;
  const connectOnce = (params: Dispatcher.ConnectOptions) =>
    connect(params).catch((thrown: NodeJS.ErrnoException) => {
      if (thrown.code !== 'UND_ERR_SOCKET' && thrown.code !== 'UND_ERR_INFO') throw thrown;
      throw Object.assign(new Error(`the proxy hung up (${thrown.message})`), { code: 'ECONNRESET' });
    });
  return Object.assign(pool, { connect: connectOnce });
}

/** The status with which a proxy refused to connect us; null when the failure is another. */
export function proxyRefusal(thrown: unknown): number | null {
  // undici tells it in the message alone.
  const [, status] = /^Proxy response \((\d+)\)/.exec((thrown as Error | null)?.message ?? '') ?? [];
  return status === undefined ? null : Number(status);
}
