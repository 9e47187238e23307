// `npm run disk-full`: the broker's disk runs full, during the first sync and while the daemon follows. The broker stops; the
// daemon says where and what to do, waits, and goes on by itself once there is space and the broker runs. Takes root and
// a few minutes.
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { calm, seededRandom, storm } from '../../lab/simulator/index.ts';
import type { Broker } from '../../lab/stack/broker.ts';
import { catalog } from '../../src/streams/catalog.ts';
import { daemon, type RunningDaemon } from '../support/daemon.ts';
import { NO_LIMITS, until } from '../support/publisher.ts';
import { scene } from '../support/scene.ts';
import { smallDisk } from '../support/small-disk.ts';
import { ownBroker } from '../support/stack.ts';
import { viewOf } from '../support/view.ts';
import { Witness } from '../support/witness.ts';

const DISK_MB = 128;
/** Less than the first sync takes, and less than a few changes do. */
const LEFT_FOR_THE_SYNC = 1_500 * 1024;
const LEFT_FOR_CHANGES = 100 * 1024;

const every = (key: string, seconds: number) => catalog.map(({ name }) => `streams.${name}.${key}=${seconds}`);
const SETTINGS = [
  ...NO_LIMITS,
  'deletes.hold_percent=100',
  'deletes.hold_at_least=1000000',
  ...every('poll_interval_seconds', 2),
  ...every('count_interval_seconds', 5),
  ...every('reconcile_interval_seconds', 20),
];

test('a full disk at the broker: the daemon says what is wrong, waits, and goes on when there is space [P9]', {
  timeout: 900_000,
}, async () => {
  const disk = await smallDisk(DISK_MB);
  const broker = await ownBroker({ dataDir: disk.folder });
  const account = await scene({ timeEntries: 5_000, years: 1, ticking: true });
  const where = { ...account, bootstrap: broker.bootstrap, settings: SETTINGS };
  const witness = new Witness(where.simulator);
  const random = seededRandom(5);

  await disk.fill(LEFT_FOR_THE_SYNC);
  const running = await daemon(where);
  await broker.died.catch(() => {});
  await saysWhatIsWrong(broker, running);
  await disk.free();
  await broker.restart();
  await until('ready', async () => (await running.readiness()).ready, 300);

  await disk.fill(LEFT_FOR_CHANGES);
  const died = broker.died.catch(() => 'died');
  while ((await Promise.race([died, pause(200)])) !== 'died') storm(where.simulator, { random, count: 5 });
  await saysWhatIsWrong(broker, running);
  await disk.free();
  await broker.restart();
  calm(where.simulator);
  const equal = async () => {
    await pause(5_000);
    return (await viewOf(where, { witness })).differences.length === 0;
  };
  await until('all topics equal', equal, 300);

  const { falseChanges, falseDeletions } = await viewOf(where, { witness });
  expect([falseChanges, falseDeletions]).toEqual([[], []]);
});

/** The broker its log, the daemon whoever asks it. */
async function saysWhatIsWrong(broker: Broker, running: RunningDaemon): Promise<void> {
  const log = broker.logTail(2_000).join('\n');
  expect(log).toContain('No space left on device');
  expect(log).toContain('Shutdown broker because all log dirs');
  // The last answer of a broker that dies may be any error; whoever tries again finds nobody there.
  await until('the daemon says what to do', async () => {
    const { status, reasons } = await running.readiness();
    return (
      status === 503 && reasons.some(({ state, remedy }) => state === 'waiting' && /disk is full/.test(remedy ?? ''))
    );
  });
  expect(running.output()).toMatch(
    new RegExp(`"event":"account.waiting".*"code":"kafka.unavailable".*brokers ${broker.bootstrap}.*its disk is full`),
  );
}
