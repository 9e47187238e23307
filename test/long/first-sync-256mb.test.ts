// `npm run first-sync-256mb`: an account of 200,000 time entries and everything else in proportion, published by a process that
// the kernel gives 256 MB. Takes root and several minutes.
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Dice, removeRows, seededRandom } from '../../lab/simulator/index.ts';
import { catalog } from '../../src/streams/catalog.ts';
import { memoryLimit } from '../support/memory-limit.ts';
import { NO_LIMITS, publisher, type Where } from '../support/publisher.ts';
import { scene } from '../support/scene.ts';
import { viewOf } from '../support/view.ts';
import { memoryOf } from '../support/vitals.ts';

const TIME_ENTRIES = Number(process.env.SYNC_TIME_ENTRIES ?? 200_000);
const CONTAINER_MB = 256;
/** Below the hold of five per cent. */
const DELETED = TIME_ENTRIES / 100;

/** The image's option, which is a share there, as Node 20 can read it. `SYNC_NODE_OPTIONS` says something else; empty, nothing. */
const HALF_IS_HEAP = process.allowedNodeEnvironmentFlags.has('--max-old-space-size-percentage')
  ? '--max-old-space-size-percentage=50'
  : `--max-old-space-size=${CONTAINER_MB / 2}`;

const CENSUS = catalog.map(({ name }) => `streams.${name}.reconcile_interval_seconds=1`);

test(`${TIME_ENTRIES} time entries, and all other streams, in ${CONTAINER_MB} MB [P1]`, {
  timeout: 3_600_000,
}, async () => {
  const limit = await memoryLimit(CONTAINER_MB);
  const where: Where = {
    ...(await scene({ timeEntries: TIME_ENTRIES })),
    settings: NO_LIMITS,
    launcher: limit.launcher,
    env: { NODE_OPTIONS: process.env.SYNC_NODE_OPTIONS ?? HALF_IS_HEAP },
  };
  const { simulator } = where;
  say(`Node ${process.version}, NODE_OPTIONS=${where.env!.NODE_OPTIONS}`);
  say('| run | seconds | peak RSS MB | charged MB | requests |', '|---|---:|---:|---:|---:|');

  await within('first sync');
  await within('started again');
  removeRows(simulator.data, { stream: 'time_entries', count: DELETED }, new Dice(seededRandom(5)));
  await within(`started again, ${DELETED} deleted, reconciliation of all streams`, CENSUS);

  // A record that had been published twice would be a false change.
  const last = await viewOf(where);
  expect(last.differences.slice(0, 20)).toEqual([]);
  expect(last.falseDeletions.slice(0, 20)).toEqual([]);
  expect(last.falseChanges.slice(0, 20)).toEqual([]);
  say(
    `rows: ${Object.values(last.rows).reduce((sum, rows) => sum + rows, 0)}, of time entries ${last.rows.time_entries}`,
  );

  /** Runs until everything is read that is due, and says what that took. */
  async function within(name: string, settings: readonly string[] = []): Promise<void> {
    const begun = performance.now();
    simulator.log.clear();
    const running = publisher({ ...where, settings: [...NO_LIMITS, ...settings] }, ['run', '--once']);
    let peakMb = 0;
    const watch = (async () => {
      while (running.process.exitCode === null && running.process.signalCode === null) {
        peakMb = Math.max(peakMb, await memoryOf(running.process.pid!, 'VmHWM').catch(() => 0));
        await pause(100);
      }
    })();
    const end = await running.ended;
    await watch;
    const seconds = ((performance.now() - begun) / 1000).toFixed(0);
    say(
      `| ${[name, seconds, peakMb.toFixed(0), (await limit.peakMb()).toFixed(0), simulator.log.all().length].join(' | ')} |`,
    );
    expect(end, end.errors.slice(-2_000)).toMatchObject({ code: 0 });
    expect(await limit.kills(), 'ended by the kernel').toBe(0);
  }
});

function say(...lines: string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}
