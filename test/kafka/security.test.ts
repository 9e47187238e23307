// Log-ins and certificates against listeners that ask for them, for the sink and for the built command; what is wrong must be
// said, and how to mend it.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { LAB_USER } from '../../lab/stack/broker-config.ts';
import { systemClock } from '../../src/base/clock.ts';
import { NO_PROXIES } from '../../src/base/proxies.ts';
import { Secret } from '../../src/base/secret.ts';
import { keptTokens } from '../../src/kafka/bearer-tokens.ts';
import { Brokers } from '../../src/kafka/brokers.ts';
import type { KafkaSettings, SaslSettings } from '../../src/kafka/connection.ts';
import { issuedByEndpoint } from '../../src/kafka/token-endpoint.ts';
import { batch, forever, Model, message, openPatiently, sinkOn } from '../support/kafka.ts';
import { FEW_STREAMS, finished } from '../support/publisher.ts';
import { scene } from '../support/scene.ts';
import { ownBroker, temporaryFolder, uniquePrefix } from '../support/stack.ts';
import { CLIENT, startTokenEndpoint } from '../support/token-endpoint.ts';

const login = (mechanism: Exclude<SaslSettings['mechanism'], 'oauthbearer'>, password: string = LAB_USER.password) => ({
  sasl: { mechanism, username: LAB_USER.username, password: new Secret(password) },
});

/** A small account for the built command, and not every stream of it. */
const small = async () => ({ ...(await scene({ timeEntries: 20, years: 1 })), settings: FEW_STREAMS });

/** Opens, commits, and opens again as a new process. */
async function worksWith(bootstrap: string, kafka: Partial<KafkaSettings>): Promise<void> {
  const prefix = uniquePrefix();
  const first = sinkOn(bootstrap, { prefix, kafka });
  await openPatiently(first, new Model());
  await first.commit(batch([message('clients', '1', 'one')], { clients: { cursor: 1 } }));
  await first.close();
  const second = sinkOn(bootstrap, { prefix, kafka });
  const model = new Model();
  const { rows } = await openPatiently(second, model);
  await second.close();
  expect(rows.get('clients')).toEqual({ cursor: 1 });
  expect(model.values).toEqual(new Map([['clients/1', 'one']]));
}

async function failureOf(bootstrap: string, kafka: Partial<KafkaSettings>): Promise<unknown> {
  const sink = sinkOn(bootstrap, { prefix: uniquePrefix(), kafka });
  const failure = await sink.open(new Model(), forever).then(
    () => null,
    (error: unknown) => error,
  );
  await sink.close();
  return failure;
}

test('TLS works with the broker’s authority and is refused without it [P10]', async () => {
  const { bootstrap, tls } = await ownBroker({ listeners: 'tls' });
  await worksWith(bootstrap, { ssl: { ca: tls!.ca } });
  // Node's own switch, which turns every check off that a program does not ask for.
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  onTestFinished(() => void vi.unstubAllEnvs());
  expect(await failureOf(bootstrap, { ssl: true })).toMatchObject({
    code: 'kafka.unauthorised',
    message: expect.stringContaining('certificate'),
  });
  expect(await failureOf(bootstrap, {})).toMatchObject({
    code: 'kafka.unavailable',
    remedy: expect.stringContaining('kafka.ssl'),
  });

  const where = { ...(await small()), bootstrap };
  const caFile = join(await temporaryFolder(), 'ca.pem');
  await writeFile(caFile, tls!.ca);
  const trusting = { ...where, settings: [...FEW_STREAMS, `kafka.ssl.ca_file=${caFile}`] };
  expect(await finished(trusting, ['run', '--once'])).toMatchObject({ code: 0 });
  const stranger = await finished({ ...where, settings: ['kafka.ssl=true'] }, ['check']);
  expect(stranger.code).toBe(77);
  expect(stranger.output).toMatch(/self-signed certificate.*\n {2}Check kafka\.sasl, kafka\.ssl/);
  const plain = await finished(where, ['check']);
  expect(plain.code).toBe(69);
  expect(plain.output).toContain(`kafka.ssl and kafka.sasl do not fit its listener at ${bootstrap}`);
});

test('SASL PLAIN works, and a wrong password is said without it [P10]', async () => {
  const { bootstrap } = await ownBroker({ listeners: 'sasl_plain' });
  await worksWith(bootstrap, login('plain'));
  const failure = await failureOf(bootstrap, login('plain', 'not-the-password'));
  expect(failure).toMatchObject({ code: 'kafka.unauthorised', kind: 'fatal', exitCode: 77 });
  expect(JSON.stringify(failure) + String(failure)).not.toContain('not-the-password');
  expect(await failureOf(bootstrap, login('scram-sha-512'))).toMatchObject({ code: 'kafka.unauthorised' });
});

test('SASL SCRAM works in both strengths, and a wrong password or mechanism is refused and not shown', async () => {
  const { bootstrap } = await ownBroker({ listeners: 'sasl_scram' });
  await worksWith(bootstrap, login('scram-sha-256'));
  await worksWith(bootstrap, login('scram-sha-512'));
  expect(await failureOf(bootstrap, login('scram-sha-256', 'wrong'))).toMatchObject({ code: 'kafka.unauthorised' });

  const where = { ...(await small()), bootstrap };
  const settings = (mechanism: string, password: string) => [
    ...FEW_STREAMS,
    'log.level=trace',
    `kafka.sasl.mechanism=${mechanism}`,
    `kafka.sasl.username=${LAB_USER.username}`,
    `kafka.sasl.password=${password}`,
  ];
  const right = await finished({ ...where, settings: settings('scram-sha-256', LAB_USER.password) }, ['run', '--once']);
  expect(right.code, right.errors).toBe(0);
  expect(right.output + right.errors).not.toContain(LAB_USER.password);
  for (const mechanism of ['scram-sha-256', 'plain']) {
    const wrong = await finished({ ...where, settings: settings(mechanism, 'canary-password') }, ['run']);
    expect(wrong.code).toBe(77);
    expect(wrong.errors).toContain('Check kafka.sasl');
    expect(wrong.output + wrong.errors).not.toContain('canary-password');
  }
});

/** kafkajs logs in anew ten seconds before the end of a session. */
const SESSION_MS = 12_000;

test('SASL OAUTHBEARER works, and a session that the broker bounds is renewed before its end without a commit in doubt, or a question of many unanswered [P2]', async () => {
  const endpoint = await startTokenEndpoint();
  endpoint.life = 60;
  const { bootstrap } = await ownBroker({
    listeners: 'sasl_oauthbearer',
    properties: { 'listener.name.client.oauthbearer.connections.max.reauth.ms': String(SESSION_MS) },
  });
  const client = {
    token_endpoint_url: endpoint.url,
    client_id: CLIENT.client_id,
    client_secret: new Secret(CLIENT.client_secret),
  };
  const kept = keptTokens(() => issuedByEndpoint(client, NO_PROXIES), systemClock);
  let logIns = 0;
  const token = () => {
    logIns++;
    return kept.token();
  };
  const tokens = { ...kept, token };
  const kafka = { sasl: { mechanism: 'oauthbearer', tokens } } as const;
  const brokers = new Brokers({ brokers: [bootstrap], compression: 'none', ...kafka }, systemClock);
  onTestFinished(() => brokers.close());
  const sink = sinkOn(bootstrap, { prefix: uniquePrefix(), kafka, brokers });
  await openPatiently(sink, new Model());
  const opened = { at: systemClock.monotonic(), logIns };
  // As many accounts of a process do, over the one connection that they share.
  const isOver = () => systemClock.monotonic() >= opened.at + 1.5 * SESSION_MS;
  const askAgainAndAgain = async () => {
    for (; !isOver(); )
      await brokers.ask(async ({ brokerPool }) => (await brokerPool.findConnectedBroker()).metadata());
  };
  const asking = Promise.all(Array.from({ length: 8 }, askAgainAndAgain));
  // A session that nobody renewed would be cut off, and the commit of that moment be in doubt.
  for (let cursor = 0; !isOver(); cursor++) {
    await sink.commit(batch([message('clients', '1', `value ${cursor}`)], { clients: { cursor } }));
  }
  await asking;
  await sink.close();
  expect(logIns).toBeGreaterThan(opened.logIns);
  expect(endpoint.issued).toBeLessThan(logIns);

  const where = { ...(await small()), bootstrap };
  const settings = (...own: string[]) => [
    ...FEW_STREAMS,
    'log.level=trace',
    'kafka.sasl.mechanism=oauthbearer',
    `kafka.sasl.oauthbearer.token_endpoint_url=${endpoint.url}`,
    `kafka.sasl.oauthbearer.client_id=${CLIENT.client_id}`,
    `kafka.sasl.oauthbearer.client_secret=${CLIENT.client_secret}`,
    ...own,
  ];
  const right = await finished({ ...where, settings: settings() }, ['run', '--once']);
  expect(right.code, right.errors).toBe(0);
  expect(right.output + right.errors).not.toMatch(/canary-client-secret|eyJ/);
  const wrong = await finished({ ...where, settings: settings('kafka.sasl.oauthbearer.client_secret=canary-wrong') }, [
    'run',
  ]);
  expect(wrong.code).toBe(77);
  expect(wrong.errors).toMatch(/answered 401: invalid_client[\s\S]*Check client_id, client_secret and scope/);
  expect(wrong.output + wrong.errors).not.toContain('canary-wrong');
  endpoint.failure = { status: 503, body: '' };
  const away = await finished({ ...where, settings: settings() }, ['check']);
  expect(away.code).toBe(69);
  expect(away.output).toContain(`the token endpoint ${endpoint.url}: answered 503`);
});
