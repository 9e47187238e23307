// A network whose only way out is a proxy: Harvest, Harvest ID and the registry are reached through it, as the environment or the
// configuration says, and its password is shown nowhere.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { request } from 'undici';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createSimulator, serve } from '../../lab/simulator/index.ts';
import { systemRandom } from '../../src/base/clock.ts';
import { asPublisherError, type PublisherError } from '../../src/base/errors.ts';
import { openAgent } from '../../src/base/http-agent.ts';
import { Secret } from '../../src/base/secret.ts';
import { describeConfig, loadConfig } from '../../src/config/load.ts';
import { createHarvestSource } from '../../src/harvest-source.ts';
import { createRegistry } from '../../src/registry.ts';
import { CERTIFICATE, KEY } from '../support/certificate.ts';
import { startConnectProxy } from '../support/connect-proxy.ts';
import { clockFrom, EPOCH } from '../support/epoch.ts';
import { startHttpGate } from '../support/http-gate.ts';
import { startRegistryStub } from '../support/registry-stub.ts';
import { temporaryFolder } from '../support/stack.ts';

const TOKEN = 'canary-token';
const HARVEST = 'api.harvest.invalid:8443';
const REGISTRY = 'registry.invalid:8081';
const around = { clock: clockFrom(), random: systemRandom, emit: () => {} };

/** An account and a registry behind a proxy that alone knows where they are; `reach` asks both. */
async function network(logIn?: string) {
  const simulator = createSimulator({ timeEntries: 5, years: 0.1, now: () => EPOCH, token: TOKEN });
  const server = await serve(simulator);
  const registry = await startRegistryStub();
  const here = (url: string) => new URL(url).host;
  const proxy = await startConnectProxy({ [HARVEST]: here(server.url), [REGISTRY]: here(registry.url) }, logIn);
  onTestFinished(async () => void (await Promise.all([proxy.close(), server.close(), registry.close()])));

  const load = (
    env: Readonly<Record<string, string>>,
    overrides: readonly string[] = [],
    hosts = { HARVEST, REGISTRY },
  ) => {
    const text = `harvest: { base_url: 'http://${hosts.HARVEST}/v2', accounts: [{ id: ${simulator.accountId}, access_token: ${TOKEN} }] }
kafka: { brokers: 'b:1' }
schema_registry: { url: 'http://${hosts.REGISTRY}' }`;
    return loadConfig({ text, env, overrides });
  };
  const reach = async (...given: Parameters<typeof load>): Promise<readonly (PublisherError | 'reached')[]> => {
    const config = load(...given);
    const source = createHarvestSource(config, config.harvest.accounts[0]!, around);
    const client = createRegistry(config, around);
    const ends = await Promise.allSettled([source.whoAmI(AbortSignal.timeout(60_000)), client.latest('nothing')]);
    await Promise.all([source.close(), client.close()]);
    return ends.map((end) => (end.status === 'fulfilled' ? 'reached' : asPublisherError(end.reason)));
  };
  const own = { HARVEST: here(server.url), REGISTRY: here(registry.url) };
  return { proxy, load, reach, own, url: `http://${logIn ? `${logIn}@` : ''}${proxy.address}` };
}

test.each(['HTTP_PROXY', 'http_proxy'])(
  '%s is the way to Harvest and to the registry',
  async (name) => {
    const { proxy, reach, url } = await network();
    expect(await reach({ [name]: url })).toEqual(['reached', 'reached']);
    expect(new Set(proxy.asked)).toEqual(new Set([HARVEST, REGISTRY]));
    const without = await reach({});
    expect(without.map((end) => (end as PublisherError).code)).toEqual(['harvest.network', 'registry.unavailable']);
  },
  120_000,
);

test('only the configuration reads the environment: what undici would find there is not used', async () => {
  const { proxy, reach, url, own } = await network();
  for (const name of ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY']) vi.stubEnv(name, url);
  onTestFinished(() => void vi.unstubAllEnvs());
  expect(await reach({}, [], own)).toEqual(['reached', 'reached']);
  expect(await reach({ HTTP_PROXY: url, NO_PROXY: 'elsewhere' }, ['harvest.proxy_url=off'], own)).toEqual([
    'reached',
    'reached',
  ]);
  expect(proxy.asked).toEqual([]);
});

test('a proxy without its scheme is taken, as elsewhere', async () => {
  const { proxy, reach } = await network();
  expect(await reach({ HTTP_PROXY: proxy.address })).toEqual(['reached', 'reached']);
});

test('NO_PROXY, and off in the configuration, go there directly; this machine is never asked for through a proxy', async () => {
  const { proxy, reach, url, own } = await network();
  expect(await reach({ HTTP_PROXY: url }, [], own)).toEqual(['reached', 'reached']);
  expect(proxy.asked).toEqual([]);
  const unreached = async (...given: Parameters<typeof reach>) => {
    const ends = await reach(...given);
    return ends.map((end) => (end === 'reached' ? end : end.code));
  };
  expect(await unreached({ HTTP_PROXY: url, NO_PROXY: '.harvest.invalid, registry.invalid' })).toEqual([
    'harvest.network',
    'registry.unavailable',
  ]);
  expect(await unreached({ HTTP_PROXY: url, NO_PROXY: '*' })).toEqual(['harvest.network', 'registry.unavailable']);
  expect(proxy.asked).toEqual([]);
  expect(await unreached({ HTTP_PROXY: url }, ['harvest.proxy_url=off'])).toEqual(['harvest.network', 'reached']);
  expect(new Set(proxy.asked)).toEqual(new Set([REGISTRY]));
}, 120_000);

test('proxy_url wins over the environment, and leads to this machine too', async () => {
  const { proxy, reach, url, own } = await network();
  const env = { HTTP_PROXY: 'http://127.0.0.1:1', NO_PROXY: '*' };
  const keys = [`harvest.proxy_url=${url}`, `schema_registry.proxy_url=${url}`];
  expect(await reach(env, keys)).toEqual(['reached', 'reached']);
  expect(await reach(env, keys, own)).toEqual(['reached', 'reached']);
  expect(new Set(proxy.asked)).toEqual(new Set([HARVEST, REGISTRY, own.HARVEST, own.REGISTRY]));
});

test('HTTPS_PROXY leads to https addresses and HTTP_PROXY to http ones; where only one is named it leads to https too', () => {
  const proxies = (env: Readonly<Record<string, string>>) => {
    const text = `harvest: { accounts: [{ id: 1, access_token: t }] }
kafka: { brokers: 'b:1' }
schema_registry: { url: 'http://r' }`;
    const { http, https } = loadConfig({ text, env }).harvest.proxies;
    return [http?.reveal(), https?.reveal()];
  };
  expect(proxies({ HTTPS_PROXY: 'http://s:1', HTTP_PROXY: 'http://p:2' })).toEqual(['http://p:2', 'http://s:1']);
  expect(proxies({ HTTPS_PROXY: 'http://s:1' })).toEqual([undefined, 'http://s:1']);
  expect(proxies({ HTTP_PROXY: 'http://p:2' })).toEqual(['http://p:2', 'http://p:2']);
});

test('a proxy that asks for a log-in gets it, and the password is shown nowhere [P10]', async () => {
  const { load, reach, url, proxy } = await network('user:canary-password');
  expect(await reach({ HTTP_PROXY: url })).toEqual(['reached', 'reached']);
  const wrong = url.replace('canary-password', 'canary-wrong');
  const refused = await reach({}, [`harvest.proxy_url=${wrong}`, `schema_registry.proxy_url=${wrong}`]);
  expect(refused).toEqual([
    expect.objectContaining({
      code: 'harvest.network',
      message: expect.stringMatching(/users\/me: the proxy answered 407$/),
      remedy: expect.stringContaining('harvest.proxy_url'),
    }),
    expect.objectContaining({
      code: 'registry.unavailable',
      message: expect.stringMatching(/the proxy answered 407$/),
      remedy: expect.stringContaining('schema_registry.proxy_url'),
    }),
  ]);
  proxy.refuse = 503;
  const unwilling = await reach({ HTTP_PROXY: url });
  const config = load({ HTTP_PROXY: url, HTTPS_PROXY: url }, [`harvest.proxy_url=${url}`]);
  const printed = [refused, unwilling, config].map((each) => inspect(each, { depth: 9, showHidden: true }));
  printed.push(JSON.stringify(describeConfig(config)));
  for (const text of printed) expect(text).not.toMatch(/canary-(password|wrong)|Y2FuYXJ5/);
}, 120_000);

test('behind the proxy the certificate of Harvest itself is looked at, by the name that was asked for [P10]', async () => {
  const simulator = createSimulator({ timeEntries: 5, years: 0.1, now: () => EPOCH, token: TOKEN });
  const server = await serve(simulator);
  const gate = await startHttpGate(server.url, { cert: CERTIFICATE, key: KEY });
  const secure = { 'harvest-kafka-test:443': new URL(gate.url).host, 'other.invalid:443': new URL(gate.url).host };
  const proxy = await startConnectProxy(secure);
  onTestFinished(async () => void (await Promise.all([proxy.close(), gate.close(), server.close()])));
  const ask = async (host: string, ca?: string) => {
    const text = `harvest: { base_url: 'https://${host}/v2', accounts: [{ id: ${simulator.accountId}, access_token: ${TOKEN} }] }
kafka: { brokers: 'b:1' }
schema_registry: { url: 'http://r' }`;
    const config = loadConfig({
      text,
      env: { HTTPS_PROXY: proxy.address },
      overrides: ca ? [`harvest.ca_file=${ca}`] : [],
    });
    const source = createHarvestSource(config, config.harvest.accounts[0]!, around);
    onTestFinished(() => source.close());
    return source.whoAmI(AbortSignal.timeout(60_000)).catch((error: PublisherError) => error);
  };
  const ca = join(await temporaryFolder(), 'ca.pem');
  await writeFile(ca, CERTIFICATE);
  expect(await ask('harvest-kafka-test', ca)).toMatchObject({ first_name: expect.any(String) });
  for (const stranger of [await ask('harvest-kafka-test'), await ask('other.invalid', ca)]) {
    expect(stranger).toMatchObject({ code: 'harvest.network', remedy: expect.stringContaining('harvest.ca_file') });
  }
});

test('a proxy that takes the connection and never answers is given up like a server that cannot be reached', async () => {
  const { proxy, url } = await network();
  proxy.refuse = 'hang';
  const secret = new Secret(url);
  const agent = openAgent({ connectMs: 100, proxies: { http: secret, https: secret, except: '' } });
  onTestFinished(() => agent.destroy());
  await expect(request(`http://${HARVEST}`, { dispatcher: agent })).rejects.toThrow('Headers Timeout');
});

test('a proxy that hangs up in place of an answer is told, and not asked without end', async () => {
  const { proxy, reach, url } = await network();
  proxy.refuse = 'hang up';
  expect(await reach({ HTTP_PROXY: url })).toEqual([
    expect.objectContaining({ code: 'harvest.network', message: expect.stringContaining('the proxy hung up') }),
    expect.objectContaining({ code: 'registry.unavailable', message: expect.stringContaining('the proxy hung up') }),
  ]);
  // Once by Harvest's client, three times by the registry's.
  expect(proxy.asked.length).toBeLessThan(10);
});

test.each([
  'ftp://canary-password:x@proxy:1',
  'http://proxy:1/path?canary-password',
  'http://u:canary-password%@proxy:1',
  'canary-password',
])('%s is no proxy: refused without a word of it, whoever names it [P10]', async (value) => {
  const { load } = await network();
  const said = (run: () => unknown) => {
    try {
      run();
    } catch (thrown) {
      return (thrown as Error).message;
    }
    return 'accepted';
  };
  const key = said(() => load({}, [`harvest.proxy_url=${value}`]));
  expect(key).toMatch(/^--set harvest\.proxy_url: harvest\.proxy_url must be http:\/\/host:port .*, or off$/);
  expect(key).not.toContain('canary-password');
  const variable = said(() => load({ HTTPS_PROXY: value }));
  // Without a scheme it is a host, as elsewhere.
  if (value.includes('://')) expect(variable).toMatch(/^HTTPS_PROXY: must be http:\/\/host:port/);
  expect(variable).not.toContain('canary-password');
});
