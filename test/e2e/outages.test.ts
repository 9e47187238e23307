// Something that the daemon needs is down, or hangs: it waits, says so where probes look, goes on by itself, and stops in time.
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { SimulatorOptions } from '../../lab/simulator/index.ts';
import { startBroker } from '../../lab/stack/broker.ts';
import { daemon, isReady, waitsFor } from '../support/daemon.ts';
import { slowness } from '../support/patience.ts';
import { FEW_STREAMS, publisher, until } from '../support/publisher.ts';
import { scene } from '../support/scene.ts';
import { temporaryFolder } from '../support/stack.ts';

/** A small account, and not every stream of it. */
const small = async (options: SimulatorOptions = {}) => ({
  ...(await scene({ timeEntries: 20, years: 1, ...options })),
  settings: FEW_STREAMS,
});

test('a broker that is down at start, dies, and hangs is waited for [P9]', async () => {
  const where = await small();
  const broker = await startBroker({ dataDir: await temporaryFolder() });
  onTestFinished(() => broker.kill());
  await broker.kill();

  const early = publisher({ ...where, bootstrap: broker.bootstrap }, ['run']);
  await early.printed(/"event":"account\.waiting".*ECONNREFUSED/);
  early.process.kill('SIGTERM');
  expect(await early.ended, 'stopped while it waits').toMatchObject({ code: 143, errors: '' });

  const settings = [...FEW_STREAMS, 'streams.tasks.poll_interval_seconds=1'];
  const running = await daemon({ ...where, bootstrap: broker.bootstrap, settings });
  await waitsFor(running, /ECONNREFUSED/);
  await broker.restart();
  await until('ready', isReady(running));

  await broker.kill();
  await change(where);
  await waitsFor(running, /ECONNREFUSED|brokers 127/);
  await broker.restart();
  await until('ready again', isReady(running));

  broker.pause();
  await change(where);
  await pause(1_500 * slowness()); // Long enough for the change to be fetched and its commit to hang.
  const asked = performance.now();
  running.process.kill('SIGTERM');
  expect((await running.ended).code).toBe(143);
  expect(performance.now() - asked).toBeLessThan(10_000 * slowness());
});

/** Something to commit, so that the broker is missed. */
async function change({ simulator, pass }: Awaited<ReturnType<typeof scene>>): Promise<void> {
  pass(2_000);
  simulator.data.tasks.create({ name: `task at ${performance.now()}` });
}

describe('a Harvest that hangs', () => {
  test('does not keep SIGTERM waiting', async () => {
    const where = await small();
    where.simulator.faults.add({ match: { after: 5 }, do: { kind: 'hang' } });
    const running = publisher(where, ['run']);
    await running.printed(/account\.opened/);
    await until('requests hang', () => where.simulator.log.all().length > 5);
    const asked = performance.now();
    running.process.kill('SIGTERM');
    expect((await running.ended).code).toBe(143);
    expect(performance.now() - asked).toBeLessThan(10_000 * slowness());
  });
});

test('the second Ctrl-C ends the process at once, unless it is the echo of the first', async () => {
  const where = await small();
  const broker = await startBroker({ dataDir: await temporaryFolder() });
  onTestFinished(() => broker.kill());
  const running = publisher({ ...where, bootstrap: broker.bootstrap }, ['run']);
  await running.printed(/account\.opened/);
  broker.pause();
  running.process.kill('SIGINT');
  running.process.kill('SIGINT');
  await running.printed(/process\.stopping/);
  // Longer than an echo takes.
  await pause(400);
  expect(running.process.exitCode, 'it still tries to end cleanly').toBeNull();
  const asked = performance.now();
  running.process.kill('SIGINT');
  expect(await running.ended).toMatchObject({
    code: 130,
    errors: 'harvest-kafka: stopped at once; the state is in Kafka and safe\n',
  });
  // It would have gone on trying for eight seconds.
  expect(performance.now() - asked).toBeLessThan(4_000 * slowness());
});
