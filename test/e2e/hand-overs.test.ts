// Two instances of one account, again and again: the newer goes on, the older exits 79, and nobody sees a seam. Fifty in a row
// with TEST_HAND_OVERS=50.
import { expect, test } from 'vitest';
import { calm, seededRandom, storm } from '../../lab/simulator/index.ts';
import { catalog } from '../../src/streams/catalog.ts';
import { HANGS_MS } from '../support/patience.ts';
import { finished, NO_LIMITS, publisher } from '../support/publisher.ts';
import { scene } from '../support/scene.ts';
import { viewOf } from '../support/view.ts';

const HAND_OVERS = Number(process.env.TEST_HAND_OVERS ?? 2);
const GENEROUS = ['deletes.hold_percent=100', 'deletes.hold_at_least=100000'];

test(
  'hand-overs in a row lose nothing and double nothing; every older one exits 79, woken ones too [P5]',
  async () => {
    const random = seededRandom(4);
    const plain = await scene({ timeEntries: 300, years: 1 });
    const where = { ...plain, settings: [...NO_LIMITS, ...GENEROUS] };
    let owner = publisher(where, ['run']);
    await owner.printed(/account\.opened/);
    for (let round = 0; round < HAND_OVERS; round++) {
      storm(where.simulator, { random, count: 5, lateSeconds: 30 });
      where.pass(1_000);
      // Every other time the older one is asleep while it is replaced, and wakes up to find out.
      const sleeps = round % 2 === 1;
      if (sleeps) owner.process.kill('SIGSTOP');
      const successor = publisher(where, ['run']);
      await successor.printed(/account\.opened/);
      if (sleeps) owner.process.kill('SIGCONT');
      expect(await owner.ended).toMatchObject({ code: 79, errors: expect.stringContaining('Another instance') });
      owner = successor;
    }
    owner.process.kill('SIGTERM');
    await owner.ended;
    calm(where.simulator);
    const once = {
      ...where,
      settings: [
        ...where.settings,
        ...catalog.map(({ name }) => `streams.${name}.reconcile_interval_seconds=1`),
        ...catalog.map(({ name }) => `streams.${name}.poll_interval_seconds=1`),
      ],
    };
    for (let pass = 0; pass < 2; pass++) {
      const last = await finished(once, ['run', '--once']);
      expect(last, last.errors).toMatchObject({ code: 0 });
    }
    const view = await viewOf(where);
    expect(view.falseChanges).toEqual([]);
    expect(view.falseDeletions).toEqual([]);
    expect(view.differences.slice(0, 20)).toEqual([]);
  },
  Math.max(HANGS_MS, HAND_OVERS * 20_000),
);
