// Tokens for brokers: when they are got, kept and renewed, and what is said when they cannot be had.
import { inspect } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import type { PublisherError } from '../../../src/base/errors.ts';
import { NO_PROXIES } from '../../../src/base/proxies.ts';
import { Secret } from '../../../src/base/secret.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { issuedForMsk, keptTokens } from '../../../src/kafka/bearer-tokens.ts';
import { translate } from '../../../src/kafka/failures.ts';
import { issuedByEndpoint } from '../../../src/kafka/token-endpoint.ts';
import { kafkaSettings } from '../../../src/settings.ts';
import { startConnectProxy } from '../../support/connect-proxy.ts';
import { CLIENT, startTokenEndpoint } from '../../support/token-endpoint.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const SECRET = new Secret(CLIENT.client_secret);
const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: PublisherError) => error,
  );

test('a token is kept, renewed at four fifths of its life, and good until its end when it cannot be renewed', async () => {
  const clock = new VirtualClock();
  let issued = 0;
  let works = true;
  const tokens = keptTokens(async () => {
    if (!works) throw new Error('down');
    return { token: new Secret(`token ${++issued}`), lifeMs: 1_000_000 };
  }, clock);
  const token = async () => (await tokens.token()).reveal();
  expect(await Promise.all([token(), token()])).toEqual(['token 1', 'token 1']);
  await clock.pass(790_000);
  expect(await token()).toBe('token 1');
  await clock.pass(20_000);
  expect(await token()).toBe('token 2');
  works = false;
  await clock.pass(810_000);
  expect(await token()).toBe('token 2');
  await clock.pass(200_000);
  await expect(token()).rejects.toThrow('down');
  works = true;
  expect(await token()).toBe('token 3');
});

test('a token of a short life is not used in its last half minute: kafkajs would log in without end', async () => {
  const clock = new VirtualClock();
  let issued = 0;
  const tokens = keptTokens(async () => ({ token: new Secret(`token ${++issued}`), lifeMs: 60_000 }), clock);
  await tokens.token();
  await clock.pass(29_000);
  expect((await tokens.token()).reveal()).toBe('token 1');
  await clock.pass(2_000);
  expect((await tokens.token()).reveal()).toBe('token 2');
});

test('the endpoint is asked as Kafka’s own clients ask: client credentials by Basic, and the scope if there is one', async () => {
  const endpoint = await startTokenEndpoint();
  const client = { token_endpoint_url: endpoint.url, client_id: CLIENT.client_id, client_secret: SECRET };
  const { token, lifeMs } = await issuedByEndpoint({ ...client, scope: 'kafka read' }, NO_PROXIES);
  expect(token.reveal().split('.')).toHaveLength(3);
  expect(lifeMs).toBe(3_600_000);
  endpoint.life = null;
  expect(await issuedByEndpoint(client, NO_PROXIES)).toMatchObject({ lifeMs: 0 });
  expect(endpoint.asked).toEqual(['grant_type=client_credentials&scope=kafka+read', 'grant_type=client_credentials']);
});

test('the endpoint is reached through the proxy of the environment', async () => {
  const endpoint = await startTokenEndpoint();
  const proxy = await startConnectProxy({ 'idp.invalid:80': new URL(endpoint.url).host });
  onTestFinished(() => proxy.close());
  const config = loadConfig({
    text: `harvest: { accounts: [{ id: 1, access_token: t }] }
kafka:
  brokers: b:1
  sasl:
    mechanism: oauthbearer
    oauthbearer: { token_endpoint_url: 'http://idp.invalid/oauth2/token', client_id: ${CLIENT.client_id}, client_secret: ${CLIENT.client_secret}, extensions: 'logicalCluster=lkc-1,identityPoolId=pool-1' }
schema_registry: { url: 'http://r' }`,
    env: { HTTP_PROXY: `http://${proxy.address}` },
  });
  const { sasl } = kafkaSettings(config);
  if (sasl?.mechanism !== 'oauthbearer') throw new Error('no tokens');
  expect((await sasl.tokens.token()).reveal()).toMatch(/^ey/);
  expect(sasl.tokens.extensions).toEqual({ logicalCluster: 'lkc-1', identityPoolId: 'pool-1' });
  expect(proxy.asked).toEqual(['idp.invalid:80']);
  // Another connection of the same configuration asks nobody again.
  const other = kafkaSettings(config).sasl;
  expect(other).toEqual(sasl);
});

test.each([
  [
    401,
    '{"error":"invalid_client","error_description":"canary-client-secret"}',
    'kafka.unauthorised',
    'invalid_client',
  ],
  [403, 'canary-client-secret', 'kafka.unauthorised', 'no error word in the answer'],
  [503, 'canary-client-secret', 'kafka.unavailable', 'answered 503'],
  [429, '{}', 'kafka.unavailable', 'answered 429'],
  [200, '{"access_token":7}', 'kafka.unavailable', 'no access_token in the answer'],
  [200, 'canary-client-secret', 'kafka.unavailable', 'no access_token in the answer'],
] as const)(
  'an endpoint that answers %i %s is told as %s, without the secret [P10]',
  async (status, body, code, said) => {
    const endpoint = await startTokenEndpoint();
    endpoint.failure = { status, body };
    const client = { token_endpoint_url: endpoint.url, client_id: CLIENT.client_id, client_secret: SECRET };
    const error = await failureOf(issuedByEndpoint(client, NO_PROXIES));
    expect(error).toMatchObject({ code, message: expect.stringContaining(said) });
    expect(error!.remedy).toContain('kafka.sasl.oauthbearer');
    expect(inspect(error, { depth: 5 })).not.toContain(CLIENT.client_secret);
    // kafkajs wraps what a log-in throws.
    const wrapped = Object.assign(new Error('wrapped'), { name: 'KafkaJSNumberOfRetriesExceeded', cause: error });
    expect(translate(wrapped, 'opening', { brokers: 'b:1', prefix: 'p' })).toBe(error);
  },
);

test('an endpoint that nobody answers at is told with its address, and waited for', async () => {
  const client = { token_endpoint_url: 'http://127.0.0.1:1/token', client_id: 'c', client_secret: SECRET };
  const error = await failureOf(issuedByEndpoint(client, NO_PROXIES));
  expect(error).toMatchObject({
    code: 'kafka.unavailable',
    message: expect.stringContaining('http://127.0.0.1:1/token'),
  });
});

test('without the signer of AWS, aws_msk_iam is refused with the command that installs it', async () => {
  const error = await failureOf(issuedForMsk('eu-central-1', new VirtualClock(), 'no-such-signer'));
  expect(error).toMatchObject({
    code: 'config.invalid',
    exitCode: 78,
    message: 'kafka.sasl.aws_msk_iam needs the package no-such-signer, which is not here',
    remedy: expect.stringContaining('npm install no-such-signer'),
  });
});

const sasl = (lines: Readonly<Record<string, string>>) => () =>
  loadConfig({
    text: "harvest: { accounts: [{ id: 1, access_token: t }] }\nkafka: { brokers: 'b:1' }\nschema_registry: { url: 'http://r' }",
    env: {},
    overrides: Object.entries(lines).map(([key, value]) => `kafka.sasl.${key}=${value}`),
  });
const ENDPOINT = {
  'oauthbearer.token_endpoint_url': 'http://idp/token',
  'oauthbearer.client_id': 'c',
  'oauthbearer.client_secret': 's',
};
const USER = { username: 'u', password: 'p' };

test.each([
  [{ mechanism: 'oauthbearer', ...ENDPOINT }],
  [{ mechanism: 'oauthbearer', 'aws_msk_iam.region': 'eu-central-1' }],
  [{ mechanism: 'plain', ...USER }],
])('the log-in %o is taken', (lines) => {
  expect(sasl(lines)).not.toThrow();
});

test.each([
  [{ mechanism: 'oauthbearer' }, 'kafka.sasl needs either oauthbearer or aws_msk_iam for its tokens'],
  [
    { mechanism: 'oauthbearer', ...ENDPOINT, 'aws_msk_iam.region': 'x' },
    'kafka.sasl needs either oauthbearer or aws_msk_iam for its tokens',
  ],
  [{ mechanism: 'oauthbearer', ...ENDPOINT, ...USER }, 'kafka.sasl has a user, which oauthbearer does not take'],
  [{ mechanism: 'plain', ...USER, ...ENDPOINT }, 'kafka.sasl has tokens, which need mechanism: oauthbearer'],
  [{ mechanism: 'plain', username: 'u' }, 'kafka.sasl.password is required'],
  [{ mechanism: 'oauthbearer', 'oauthbearer.client_id': 'c' }, 'kafka.sasl.oauthbearer.client_secret is required'],
])('the log-in %o is refused: %s', (lines, message) => {
  expect(sasl(lines)).toThrow(message);
});
