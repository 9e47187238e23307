// Promise P10 for every secret there is: a mark in each, and everything that leaves the program searched for it: what it
// prints, serves, publishes and says when something fails, also when whoever it asks throws its words back at it.
import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { LAB_USER } from '../../lab/stack/broker-config.ts';
import { CERTIFICATE, KEY } from '../support/certificate.ts';
import { startCollector } from '../support/collector.ts';
import { startConnectProxy } from '../support/connect-proxy.ts';
import { FEW_STREAMS, start, until } from '../support/publisher.ts';
import { startRegistryStub } from '../support/registry-stub.ts';
import { scene } from '../support/scene.ts';
import { plantings, type Settings, secretKeys } from '../support/secret-keys.ts';
import { ownBroker } from '../support/stack.ts';

const COMMANDS = [
  'check',
  'plan',
  'streams',
  'state show',
  'state show clients',
  'state reset clients --dry-run',
  'dead-letters list',
  'verify tasks',
  'reconcile clients',
  'release clients',
  'pause clients',
  'resume clients',
  'schemas diff',
  'schemas register',
  'sink ddl',
  'sink connector --jdbc-url jdbc:postgresql://nobody:5432/sink',
  'fleet',
  'move 1 --to nobody',
  'take 1',
];
/** They end when they are stopped. */
const LASTING = ['watch clients --from-beginning', 'login --port 0 --no-browser'];
/** They load no configuration, or not the user's. */
const OTHERS = ['run', 'spec', 'version', 'demo', 'completion', 'help'];

/** Of the broker it is the lab's own password, so that it opens the door. */
const markOf = (path: string) =>
  path === 'kafka.sasl.password' ? LAB_USER.password : `canary-${path.replaceAll(/\W|_/g, '-')}`;

/** How a secret may show: as it is, in hexadecimal, and in base64 wherever in the encoded text it begins. */
function traces(secret: string): string[] {
  const inBase64 = [0, 1, 2].map((before) =>
    Buffer.from(`${'x'.repeat(before)}${secret}`)
      .toString('base64')
      .slice(before && 4, -4),
  );
  return [secret, Buffer.from(secret).toString('hex'), ...inBase64];
}

interface Said {
  readonly where: string;
  readonly words: string;
}

const leaks = (said: readonly Said[], secrets: readonly string[]): string[] =>
  said.flatMap(({ where, words }) =>
    secrets
      .filter((secret) => traces(secret).some((trace) => words.includes(trace)))
      .map((secret) => `${where}: ${secret}`),
  );

// An empty file, so that the settings are all there is.
const folder = mkdtempSync(join(tmpdir(), 'harvest-kafka-canary-'));
const empty = join(folder, 'empty.yaml');
writeFileSync(empty, '');
afterAll(() => rmSync(folder, { recursive: true }));

const args = (settings: Settings) => [
  ...['--config', empty],
  ...Object.entries(settings).flatMap((pair) => ['--set', pair.join('=')]),
];

async function ended(command: string, settings: Settings): Promise<Said & { code: number | null }> {
  const { code, output, errors } = await start([...command.split(' '), ...args(settings)]).ended;
  return { where: `${command} (${code})`, words: output + errors, code };
}

/** The words of a command until it has told its person what to do, and then is stopped. */
async function stopped(command: string, settings: Settings): Promise<Said> {
  const running = start([...command.split(' '), ...args(settings)]);
  await until(`${command} says what it does`, () => running.errors() !== '');
  running.process.kill('SIGINT');
  const { code, output, errors } = await running.ended;
  return { where: `${command} (${code})`, words: output + errors };
}

/** Answers whatever it is asked with this status and with everything that it was told, as some proxies do. */
async function echo(status: number): Promise<string> {
  const server = createServer(async (request, response) => {
    const said = `${JSON.stringify(request.headers)} ${await text(request)}`;
    const body = { message: said, error: said, error_description: said, error_code: status, messages: [said] };
    response.writeHead(status, { hint: request.headers.authorization ?? '' }).end(JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('every command is looked at for secrets', async () => {
  const { output } = await start(['--help']).ended;
  const listed = [...output.split('Commands:')[1]!.matchAll(/^ {2}([a-z-]+)/gm)].map((match) => match[1]!);
  expect(listed.toSorted()).toEqual(
    [...new Set([...COMMANDS, ...LASTING, ...OTHERS].map((each) => each.split(' ')[0]!))].toSorted(),
  );
});

const PASSPHRASE = 'kafka.ssl.key_passphrase';
/** Of a mechanism that this broker does not know; where it is used, test/kafka/security.test.ts looks for it. */
const CLIENT_SECRET = 'kafka.sasl.oauthbearer.client_secret';

/** Opens the collector of traces; the packages of OpenTelemetry read it from the environment. */
const COLLECTOR_KEY = 'canary-collector-key';

test('no secret of the configuration is in anything that is printed, served, published or said of failures [P10]', async () => {
  const oauth = {
    clientId: 'a-client',
    clientSecret: markOf('harvest.accounts.0.oauth.client_secret'),
    refreshToken: markOf('harvest.accounts.0.oauth.refresh_token'),
    rotate: true,
  };
  const account = await scene({ timeEntries: 20, years: 0.3, token: markOf('harvest.accounts.0.access_token'), oauth });
  const { simulator, server } = account;
  simulator.faults.add({ match: { stream: 'contacts' }, do: { kind: 'status', status: 403 } });
  simulator.data.tasks.update(simulator.data.tasks.all()[0]!.id, { billable_by_default: 'perhaps' as never });
  const broker = await ownBroker({ listeners: 'sasl_scram' });
  const registry = await startRegistryStub();
  onTestFinished(() => registry.close());
  const collector = await startCollector();
  const proxy = await startConnectProxy();
  onTestFinished(() => proxy.close());
  const ways = secretKeys.filter((path) => path.endsWith('.proxy_url'));
  /** The mark of a proxy is its password. */
  const plantedAt = (path: string) =>
    ways.includes(path) ? `http://user:${markOf(path)}@${proxy.address}` : markOf(path);

  const base: Settings = {
    'harvest.base_url': `${server.url}/v2`,
    'harvest.id_base_url': server.url,
    'harvest.accounts.0.id': String(simulator.accountId),
    'kafka.brokers': broker.bootstrap,
    'kafka.sasl.mechanism': 'scram-sha-256',
    'kafka.sasl.username': LAB_USER.username,
    'kafka.sasl.password': LAB_USER.password,
    'schema_registry.url': registry.url,
    'tracing.otlp_endpoint': collector.url,
    'log.level': 'trace',
    'http.listen': '127.0.0.1:0',
    ...Object.fromEntries(FEW_STREAMS.map((setting) => setting.split('=') as [string, string])),
  };
  const known: Settings = {
    'harvest.accounts.0.id': String(simulator.accountId),
    'harvest.accounts.0.oauth.client_id': oauth.clientId,
    'harvest.accounts.0.oauth.token_file': join(folder, 'token.json'),
    'kafka.sasl.mechanism': 'scram-sha-256',
    'kafka.sasl.username': LAB_USER.username,
    'schema_registry.url': registry.url,
  };
  const usable = secretKeys.filter((path) => path !== CLIENT_SECRET);
  const planted = plantings(base, (path, secret) => (secret ? plantedAt(path) : known[path]), usable);
  const marks = secretKeys.map(markOf);
  expect(usable.filter((path) => !planted.some((settings) => settings[path] === plantedAt(path)))).toEqual([]);

  const said: Said[] = [];
  for (const [index, settings] of planted.entries()) {
    // The broker speaks no TLS: that secret has a place of its own below.
    const { [PASSPHRASE]: _, ...rest } = settings;
    const own = { ...rest, 'topics.prefix': `p${index}` };
    const running = start(['run', ...args(own)], { OTEL_EXPORTER_OTLP_HEADERS: `api-key=${COLLECTOR_KEY}` });
    const [, address] = await running.printed(/"address":"([^"]+)"/);
    await until('everything else is complete', async () => {
      const { reasons } = (await (await fetch(`${address}/health/ready`)).json()) as { reasons: { stream?: string }[] };
      return reasons.length === 1 && reasons[0]!.stream === 'contacts';
    });
    for (const path of ['/', '/status', '/metrics', '/health/ready', '/health/live']) {
      said.push({ where: path, words: await (await fetch(`${address}${path}`)).text() });
    }
    running.process.kill('SIGTERM');
    const { code, output, errors } = await running.ended;
    said.push({ where: `run (${code})`, words: output + errors });
    said.push(...(await Promise.all(COMMANDS.map((each) => ended(index === 0 ? each : `${each} --json`, own)))));
    said.push(...(await Promise.all(LASTING.map((each) => stopped(each, own)))));

    // Nothing of it works: other doors, and secrets in the wrong places.
    for (const status of [401, 409]) {
      const url = await echo(status);
      const elsewhere = { ...own, 'harvest.base_url': url, 'harvest.id_base_url': url, 'schema_registry.url': url };
      const failed = ['check --json', status === 401 ? 'run --once' : 'schemas register'].map((each) =>
        ended(each, elsewhere),
      );
      for (const end of await Promise.all(failed)) {
        expect(end.code, end.where).toBeGreaterThan(0);
        said.push(end);
      }
    }
    const misplaced = (wrong: (path: string) => string) =>
      ended('check', { ...own, ...Object.fromEntries(secretKeys.map((path) => [wrong(path), markOf(path)])) });
    said.push(
      ...(await Promise.all([
        ended('check', { ...own, 'kafka.sasl.mechanism': 'plain' }),
        misplaced((path) => `${path}.inner`),
        misplaced((path) => `${path}x`),
      ])),
    );
  }
  const tls = { 'kafka.ssl.cert_file': join(folder, 'cert.pem'), 'kafka.ssl.key_file': join(folder, 'key.pem') };
  await writeFile(tls['kafka.ssl.cert_file'], CERTIFICATE);
  const key = createPrivateKey(KEY);
  for (const passphrase of [markOf(PASSPHRASE), 'another']) {
    const pem = key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase });
    await writeFile(tls['kafka.ssl.key_file'], pem);
    const end = await ended('check', { ...planted[0]!, ...tls, [PASSPHRASE]: markOf(PASSPHRASE) });
    expect(end.words).toContain(passphrase === 'another' ? 'does not open kafka.ssl.key_file' : 'kafka.ssl');
    said.push(end);
  }
  const { 'kafka.sasl.username': _user, 'kafka.sasl.password': _password, ...others } = base;
  const bearer = { ...others, 'kafka.sasl.mechanism': 'oauthbearer', 'kafka.sasl.oauthbearer.client_id': 'a-client' };
  const refused = await ended('check --json', {
    ...{ ...bearer, 'harvest.accounts.0.access_token': markOf('harvest.accounts.0.access_token') },
    'kafka.sasl.oauthbearer.token_endpoint_url': await echo(401),
    [CLIENT_SECRET]: markOf(CLIENT_SECRET),
  });
  expect(refused.words).toContain('Check kafka.sasl');
  said.push(refused);
  said.push(await ended('spec', base), await ended('version', planted[0]!));

  // Topics as the broker keeps them, whatever they are called.
  for (const topic of (await readdir(join(broker.dataDir, 'log'))).filter((name) => /^p\d/.test(name))) {
    for (const file of (await readdir(join(broker.dataDir, 'log', topic))).filter((name) => name.endsWith('.log'))) {
      said.push({
        where: `${topic}/${file}`,
        words: await readFile(join(broker.dataDir, 'log', topic, file), 'latin1'),
      });
    }
  }

  said.push({ where: 'the collector of traces', words: collector.bodies.join('\n') });
  expect(collector.headers['api-key']).toBe(COLLECTOR_KEY);

  expect(leaks(said, [...marks, COLLECTOR_KEY, 'simulated-access-', 'simulated-refresh-'])).toEqual([]);
  // The places that would hold a leaked mark are there, and each mark was in use.
  const everything = said.map(({ words }) => words).join('\n');
  const expected = [
    '"event":"request.finished"',
    '"resourceSpans"',
    'FORBIDDEN',
    '[redacted]',
    'perhaps',
    'answered 401',
  ];
  expect(expected.filter((trace) => !everything.includes(trace))).toEqual([]);
  const sent = [...registry.authorizations].map((header) => header?.replace(/^Basic (.*)$/, (_, pair) => atob(pair)));
  for (const path of ways) expect(proxy.logIns).toContain(`user:${markOf(path)}`);
  for (const path of usable.filter((path) => path.startsWith('schema_registry.') && !ways.includes(path))) {
    expect(
      sent.some((header) => header?.includes(markOf(path))),
      path,
    ).toBe(true);
  }
});
