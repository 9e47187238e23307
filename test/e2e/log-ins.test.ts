// The built command where nobody asked for a log-in, and with tokens that renew themselves. Brokers that ask who comes:
// test/kafka/security.test.ts.
import { readFile, stat } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { SimulatorOptions } from '../../lab/simulator/index.ts';
import { decide } from '../support/consent.ts';
import { OAUTH, oauthConfig } from '../support/oauth.ts';
import { FEW_STREAMS, finished, start, until } from '../support/publisher.ts';
import { scene } from '../support/scene.ts';

/** A small account, and not every stream of it. */
const small = async (options: SimulatorOptions = {}) => ({
  ...(await scene({ timeEntries: 20, years: 1, ...options })),
  settings: FEW_STREAMS,
});

test('a log-in at a listener that wants none is told as that, not as a doubt about commits', async () => {
  const where = await small();
  const settings = ['mechanism=plain', 'username=u', 'password=p'].map((part) => `kafka.sasl.${part}`);
  const end = await finished({ ...where, settings }, ['check']);
  expect(end.code).toBe(77);
  expect(end.output).toContain('Check kafka.sasl');
});

test('OAuth: tokens are renewed, kept in a file of ours alone, and shown nowhere [P10]', async () => {
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

test('before the first log-in `run` names the command; after it, the tokens are there, and Ctrl-C ends a second one', async () => {
  const where = await small({ oauth: OAUTH });
  const { config } = await oauthConfig(where, { withoutToken: true });
  const settings = FEW_STREAMS.flatMap((one) => ['--set', one]);
  const run = () => start(['run', '--once', '--config', config, ...settings]).ended;
  const early = await run();
  expect(early).toMatchObject({ code: 78, errors: expect.stringContaining('harvest-kafka login gets one') });

  const login = () => start(['login', '--config', config, '--port', '0', '--no-browser']);
  const address = async (running: ReturnType<typeof start>) => {
    await until('it prints the address', async () => /^ {2}http\S+authorize\S+$/m.test(running.errors()));
    return /^ {2}(http\S+authorize\S+)$/m.exec(running.errors())![1]!;
  };
  const first = login();
  expect((await fetch(await decide(await address(first), 'authorize'))).status).toBe(200);
  const end = await first.ended;
  expect(end).toMatchObject({ code: 0, output: expect.stringContaining(String(where.simulator.accountId)) });
  expect(end.output + end.errors).not.toMatch(/canary-secret|simulated-(access|refresh|code)/);
  expect(await run()).toMatchObject({ code: 0 });

  const second = login();
  await address(second);
  second.process.kill('SIGINT');
  expect(await second.ended).toMatchObject({ code: 130 });
});
