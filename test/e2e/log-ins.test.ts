// The built command against brokers that ask who comes, and with tokens that renew themselves.
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LAB_USER } from '../../src/lab/broker-config.ts';
import type { SimulatorOptions } from '../../src/lab/simulator/index.ts';
import { OAUTH, oauthConfig } from '../support/oauth.ts';
import { FEW_STREAMS, finished, start } from '../support/publisher.ts';
import { scene } from '../support/scene.ts';
import { ownBroker, temporaryFolder } from '../support/stack.ts';

/** A small account, and not every stream of it. */
const small = async (options: SimulatorOptions = {}) => ({
  ...(await scene({ timeEntries: 20, years: 1, ...options })),
  settings: FEW_STREAMS,
});

test('TLS: with the authority everything works, without it the certificate is named', async () => {
  const broker = await ownBroker({ listeners: 'tls' });
  const where = { ...(await small()), bootstrap: broker.bootstrap };
  const caFile = join(await temporaryFolder(), 'ca.pem');
  await writeFile(caFile, broker.tls!.ca);
  const trusting = { ...where, settings: [...FEW_STREAMS, `kafka.ssl.ca_file=${caFile}`] };
  expect(await finished(trusting, ['run', '--once'])).toMatchObject({ code: 0 });

  const stranger = await finished({ ...where, settings: ['kafka.ssl=true'] }, ['check']);
  expect(stranger.code).toBe(77);
  expect(stranger.output).toMatch(/self-signed certificate.*\n {2}Check kafka\.sasl, kafka\.ssl/);
  const plain = await finished(where, ['check']);
  expect(plain.code).toBe(69);
  expect(plain.output).toContain(`kafka.ssl and kafka.sasl do not fit its listener at ${broker.bootstrap}`);
});

test('SCRAM: the password is accepted, a wrong one or a wrong mechanism is told, and neither is shown', async () => {
  const broker = await ownBroker({ listeners: 'sasl_scram' });
  const where = { ...(await small()), bootstrap: broker.bootstrap };
  const login = (mechanism: string, password: string) => [
    ...FEW_STREAMS,
    'log.level=trace',
    `kafka.sasl.mechanism=${mechanism}`,
    `kafka.sasl.username=${LAB_USER.username}`,
    `kafka.sasl.password=${password}`,
  ];
  const right = await finished({ ...where, settings: login('scram-sha-256', LAB_USER.password) }, ['run', '--once']);
  expect(right.code, right.errors).toBe(0);
  expect(right.output + right.errors).not.toContain(LAB_USER.password);
  for (const mechanism of ['scram-sha-256', 'plain']) {
    const wrong = await finished({ ...where, settings: login(mechanism, 'canary-password') }, ['run']);
    expect(wrong.code).toBe(77);
    expect(wrong.errors).toContain('Check kafka.sasl');
    expect(wrong.output + wrong.errors).not.toContain('canary-password');
  }
});

test('a log-in at a listener that wants none is told as that, not as a doubt about commits', async () => {
  const where = await small();
  const settings = ['mechanism=plain', 'username=u', 'password=p'].map((part) => `kafka.sasl.${part}`);
  const end = await finished({ ...where, settings }, ['check']);
  expect(end.code).toBe(77);
  expect(end.output).toContain('Check kafka.sasl');
});

test('OAuth: tokens are renewed, kept in a file of ours alone, and shown nowhere', async () => {
  const where = await small({ oauth: OAUTH });
  const { config, tokenFile } = await oauthConfig(where);
  const run = () => start(['run', '--once', '--config', config, ...FEW_STREAMS.flatMap((one) => ['--set', one])]).ended;
  const kept: string[] = [];
  for (const end of [await run(), await run()]) {
    expect(end.code, end.errors).toBe(0);
    expect(end.output + end.errors).not.toMatch(/canary-(secret|refresh)|simulated-(access|refresh)/);
  }
  kept.push(await readFile(tokenFile, 'utf8'));
  expect((await stat(tokenFile)).mode & 0o777).toBe(0o600);
  expect(await run()).toMatchObject({ code: 0 });
  kept.push(await readFile(tokenFile, 'utf8'));
  expect(kept[1]).not.toBe(kept[0]);
});
