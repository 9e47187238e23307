// A token that is refused later: the account stays up, says so, asks again every minute and goes on by itself.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createSimulator } from '../../../lab/simulator/index.ts';
import { Secret } from '../../../src/base/secret.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { credentialOf } from '../../../src/harvest-source.ts';
import { lineOf } from '../../../src/observe/log.ts';
import { headline, readiness } from '../../../src/observe/readiness.ts';
import { type benchAccount, named, viewDifferences, virtualBench } from '../../support/account.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const MINUTE = 60_000;
const STREAMS = ['company', 'clients', 'tasks'];

function world(options: Parameters<typeof benchAccount>[2] = {}) {
  const clock = new VirtualClock();
  const log = new MemoryLog();
  const budgets = { general: null, reports: null };
  const simulator = createSimulator({ timeEntries: 20, years: 0.2, now: clock.now, budgets });
  const bench = virtualBench(simulator, log, clock, { streams: STREAMS, chance: 1, ...options });
  const requests = () => simulator.log.all().length;
  return { clock, log, simulator, bench, requests };
}

test('a token that is refused later leaves the account up: it is not ready, says why, and asks once a minute [P9]', async () => {
  const { clock, bench, simulator, requests } = world();
  const daemon = bench.start();
  await clock.pass(5 * MINUTE);
  expect(readiness([bench.account.status()]).ready).toBe(true);

  simulator.faults.add({ do: { kind: 'revoke-tokens' } });
  await clock.pass(2 * MINUTE);
  const before = requests();
  await clock.pass(60 * MINUTE);
  expect(requests() - before).toBe(60);
  const status = bench.account.status();
  expect(status).toMatchObject({ phase: 'waiting', reason: expect.stringContaining('answered 401') });
  expect(readiness([status])).toMatchObject({ ready: false, reasons: [{ state: 'waiting' }] });
  expect(headline(status)).toContain('answered 401');
  const waits = named(bench.events, 'account.waiting');
  expect(waits.at(-1)).toMatchObject({ code: 'harvest.unauthorised', retryInMs: MINUTE });
  expect(lineOf(waits.at(-1)!).level).toBe('error');
  daemon.stop();
  await clock.pass(MINUTE);
  await daemon.ended;
});

test('an account whose token is taken again goes on by itself within a minute, and nothing is missing [P9]', async () => {
  const { clock, log, bench, simulator } = world();
  const daemon = bench.start();
  await clock.pass(5 * MINUTE);
  const restore = simulator.faults.add({ do: { kind: 'revoke-tokens' } });
  await clock.pass(30 * MINUTE);
  simulator.data.clients.create({ name: 'made meanwhile' });
  restore();
  simulator.tokens.accept(simulator.token);
  await clock.pass(2 * MINUTE);
  expect(bench.account.status().phase).toBe('running');
  expect(named(bench.events, 'token.accepted')).toHaveLength(1);
  expect(await viewDifferences(simulator, log, STREAMS)).toEqual([]);
  daemon.stop();
  await clock.pass(MINUTE);
  await daemon.ended;
});

test('a log that is lost and opened again meanwhile wakes nothing: the account still stands still', async () => {
  const { clock, bench, simulator, requests } = world();
  const daemon = bench.start();
  await clock.pass(5 * MINUTE);
  simulator.faults.add({ do: { kind: 'revoke-tokens' } });
  await clock.pass(2 * MINUTE);
  bench.account.onLeaseLow();
  bench.sink.fate = () => 'reply lost';
  bench.account.onLeaseLow();
  await clock.pass(MINUTE);
  bench.sink.fate = () => 'acknowledged';
  expect(named(bench.events, 'commit.doubted').length).toBeGreaterThan(0);
  const before = requests();
  await clock.pass(30 * MINUTE);
  expect(requests() - before).toBeLessThanOrEqual(31);
  expect(bench.account.status().phase).toBe('waiting');
  daemon.stop();
  await clock.pass(MINUTE);
  await daemon.ended;
});

test('a token that is refused at the first request of a process ends the account, unless others are there to go on', async () => {
  const { clock, bench, simulator } = world();
  simulator.faults.add({ do: { kind: 'revoke-tokens' } });
  const ended = bench.account.run(new AbortController().signal).catch((error) => error);
  await clock.pass(MINUTE);
  expect(await ended).toMatchObject({ code: 'harvest.unauthorised', exitCode: 77 });

  const other = world();
  other.simulator.faults.add({ do: { kind: 'revoke-tokens' } });
  const stop = new AbortController();
  const running = other.bench.account.run(stop.signal, { mayWait: () => true });
  await other.clock.pass(10 * MINUTE);
  expect(other.bench.account.status().phase).toBe('waiting');
  stop.abort();
  await other.clock.pass(MINUTE);
  await running;
});

test('with run --once a refused token ends the process with 77, later too [P9]', async () => {
  const { clock, bench, simulator } = world();
  simulator.faults.add({ match: { after: 2 }, do: { kind: 'revoke-tokens' } });
  const ended = bench.catchUp().catch((error) => error);
  await clock.pass(10 * MINUTE);
  expect(await ended).toMatchObject({ code: 'harvest.unauthorised', exitCode: 77 });
});

test('a token that is replaced in its file is read anew, and is used from then on', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'harvest-kafka-token-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'token');
  await writeFile(file, 'first-token\n');
  const text = `harvest: { accounts: [{ id: 1, access_token: '\${file:${file}}' }] }
kafka: { brokers: 'b:1' }
schema_registry: { url: 'http://r' }`;
  const present = () => credentialOf(loadConfig({ text, env: {} }).harvest.accounts[0]!);
  const { clock, log, bench, simulator, requests } = world({
    source: { credential: present(), reread: present },
  });
  simulator.tokens.accept('first-token');
  const daemon = bench.start();
  await clock.pass(5 * MINUTE);
  expect(bench.account.status().phase).toBe('running');

  const restore = simulator.faults.add({ do: { kind: 'revoke-tokens' } });
  await clock.pass(5 * MINUTE);
  expect(bench.account.status().phase).toBe('waiting');
  restore();
  simulator.tokens.accept('second-token');
  await writeFile(file, 'second-token\n');
  await clock.pass(2 * MINUTE);
  expect(bench.account.status().phase).toBe('running');
  simulator.data.clients.create({ name: 'seen with the second token' });
  await clock.pass(2 * MINUTE);
  expect(await viewDifferences(simulator, log, STREAMS)).toEqual([]);

  // A rotation that Harvest takes at once costs one refused request and no standstill.
  simulator.tokens.revokeAllAccess();
  simulator.tokens.accept('third-token');
  await writeFile(file, 'third-token\n');
  const before = { waits: named(bench.events, 'account.waiting').length, asked: requests() };
  await clock.pass(5 * MINUTE);
  expect(named(bench.events, 'account.waiting')).toHaveLength(before.waits);
  expect(requests()).toBeGreaterThan(before.asked);
  daemon.stop();
  await clock.pass(MINUTE);
  await daemon.ended;
});

test('a configuration that cannot be read any more changes nothing: the token in use is asked with again', async () => {
  let isReadable = true;
  const credential = { accessToken: new Secret('only-token') };
  const { clock, bench, simulator } = world({
    source: { credential, reread: () => (isReadable ? credential : null) },
  });
  simulator.tokens.accept('only-token');
  const daemon = bench.start();
  await clock.pass(5 * MINUTE);
  isReadable = false;
  simulator.tokens.revokeAllAccess();
  await clock.pass(5 * MINUTE);
  expect(bench.account.status().phase).toBe('waiting');
  simulator.tokens.accept('only-token');
  await clock.pass(2 * MINUTE);
  expect(bench.account.status().phase).toBe('running');
  daemon.stop();
  await clock.pass(MINUTE);
  await daemon.ended;
});
