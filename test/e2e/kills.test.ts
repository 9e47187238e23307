// Crashes of the whole process at random moments. Equality and the absence of false changes are judged by a read_committed
// consumer over everything that was ever visible.
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { seededRandom } from '../../lab/simulator/index.ts';
import { HANGS_MS, slowness } from '../support/patience.ts';
import { finished, publisher } from '../support/publisher.ts';
import { scene } from '../support/scene.ts';
import { viewOf } from '../support/view.ts';

const KILLS = Number(process.env.TEST_KILLS ?? 3);
const SIZE = { timeEntries: 1_000, years: 1 };

test(
  'SIGKILLs during the first sync leave no gap, no repeat and nothing older [P1 P2 P3 P4]',
  async () => {
    const where = await scene(SIZE);
    const random = seededRandom(Number(process.env.TEST_SEED ?? 11));
    let interrupted = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const victim = publisher(where, ['run', '--once']);
      // From the first line on: before it, there is nothing to interrupt. The moment itself is random on purpose.
      await victim.printed(/account\.opened|scan\./);
      await pause(random() * 700);
      victim.process.kill('SIGKILL');
      if ((await victim.ended).code === null) interrupted++;
    }
    expect(interrupted).toBeGreaterThan(KILLS / 2);
    const last = await finished(where, ['run', '--once']);
    expect(last, last.errors).toMatchObject({ code: 0 });
    const view = await viewOf(where);
    expect(view.differences.slice(0, 20)).toEqual([]);
    expect(view.falseChanges).toEqual([]);
  },
  Math.max(HANGS_MS, KILLS * 20_000),
);

test('SIGTERM ends the process cleanly in under ten seconds, with its exit code; the next one goes on', async () => {
  const where = await scene(SIZE);
  const victim = publisher(where, ['run']);
  await victim.printed(/account\.opened/);
  const asked = performance.now();
  victim.process.kill('SIGTERM');
  expect((await victim.ended).code).toBe(143);
  expect(performance.now() - asked).toBeLessThan(10_000 * slowness());
  expect(await finished(where, ['run', '--once'])).toMatchObject({ code: 0 });
  const view = await viewOf(where);
  expect(view.differences.slice(0, 20)).toEqual([]);
  expect(view.falseChanges).toEqual([]);
});
