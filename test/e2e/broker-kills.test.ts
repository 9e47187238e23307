// The broker dies while the publisher runs: no manual step, nothing lost, nothing twice.
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { seededRandom } from '../../lab/simulator/index.ts';
import { publisher } from '../support/publisher.ts';
import { scene } from '../support/scene.ts';
import { ownBroker } from '../support/stack.ts';
import { viewOf } from '../support/view.ts';

test('three SIGKILLs of the broker during the first sync lose and repeat nothing [P1 P2 P3 P4]', async () => {
  const broker = await ownBroker();
  const where = { ...(await scene({ timeEntries: 1_000 })), bootstrap: broker.bootstrap };
  const random = seededRandom(Number(process.env.TEST_SEED ?? 5));
  const running = publisher(where, ['run', '--once']);
  await running.printed(/account\.opened/);
  for (let kill = 0; kill < 3 && running.process.exitCode === null; kill++) {
    await pause(random() * 800);
    await broker.kill();
    await broker.restart();
  }
  const end = await running.ended;
  expect(end, end.errors + end.output.slice(-2_000)).toMatchObject({ code: 0 });
  expect(end.output).toContain('account.waiting');
  const view = await viewOf(where);
  expect(view.differences.slice(0, 20)).toEqual([]);
  expect(view.falseChanges).toEqual([]);
});
