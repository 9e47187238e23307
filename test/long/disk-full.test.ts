// `npm run disk-full`: the broker's disk runs full, during the first sync and while the daemon follows. What the broker does,
// what the daemon says, and that all goes on by itself once there is space and the broker runs. Takes root and a minute.
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { calm, seededRandom, storm } from '../../src/lab/simulator/index.ts';
import { catalog } from '../../src/streams/catalog.ts';
import { daemon } from '../support/daemon.ts';
import { NO_LIMITS, until } from '../support/publisher.ts';
import { scene } from '../support/scene.ts';
import { smallDisk } from '../support/small-disk.ts';
import { ownBroker } from '../support/stack.ts';
import { viewOf } from '../support/view.ts';
import { Witness } from '../support/witness.ts';

const KB = 1024;
const SETTINGS = [
  ...NO_LIMITS,
  ...catalog.flatMap(({ name }) => [
    `streams.${name}.poll_interval_seconds=1`,
    `streams.${name}.tally_interval_seconds=2`,
    `streams.${name}.census_interval_seconds=10`,
  ]),
];

test('a full disk at the broker: the daemon says so, waits, and goes on when there is space', {
  timeout: 600_000,
}, async () => {
  const disk = await smallDisk(128);
  const broker = await ownBroker({ dataDir: disk.folder });
  const where = {
    ...(await scene({ timeEntries: 5_000, years: 1, ticking: true })),
    bootstrap: broker.bootstrap,
    settings: SETTINGS,
  };
  const { simulator } = where;
  const witness = new Witness(simulator);
  const random = seededRandom(5);

  await disk.fill(1_500 * KB);
  const running = await daemon(where);
  await expect(broker.died, 'during the first sync').rejects.toThrow();
  say('the broker, first sync:', ...broker.logTail(12));
  await saysWhatIsWrong();
  await disk.free();
  await broker.restart();
  await until('ready', async () => (await running.readiness()).ready, 120);

  await disk.fill(100 * KB);
  const died = broker.died.catch(() => 'died');
  while ((await Promise.race([died, pause(200)])) !== 'died') storm(simulator, { random, count: 5 });
  say('the broker, later:', ...broker.logTail(12));
  await saysWhatIsWrong();
  await disk.free();
  await broker.restart();
  calm(simulator);
  await until('all topics equal', async () => (await viewOf(where, { witness })).differences.length === 0, 120);

  const view = await viewOf(where, { witness });
  expect(view.falseChanges).toEqual([]);
  expect(view.falseDeletions).toEqual([]);

  async function saysWhatIsWrong(): Promise<void> {
    await until('waiting', async () => (await running.accounts())[0]!.phase === 'waiting', 60);
    const { status, reasons } = await running.readiness();
    say(
      'the daemon:',
      JSON.stringify({ status, reasons }),
      ...running
        .output()
        .split('\n')
        .filter((line) => /waiting|doubt/.test(line))
        .slice(-5),
    );
  }
});

function say(...lines: string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}
