// The built daemon, a real broker and a storm: killed and stopped at random while everything changes, then judged by an
// independent consumer. `npm run storm` makes ten thousand changes.
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { calm, seededRandom, storm } from '../../lab/simulator/index.ts';
import { catalog } from '../../src/streams/catalog.ts';
import { HANGS_MS } from '../support/patience.ts';
import { finished, NO_LIMITS, publisher } from '../support/publisher.ts';
import { scene } from '../support/scene.ts';
import { viewOf } from '../support/view.ts';
import { Witness } from '../support/witness.ts';

const MUTATIONS = Number(process.env.TEST_MUTATIONS ?? 150);
const SEED = Number(process.env.TEST_SEED ?? 5);
/** One process lives for about so many changes. */
const MUTATIONS_PER_LIFE = MUTATIONS / 4;

const DERIVED = catalog.filter(({ kind }) => kind === 'derived').map(({ name }) => `streams.${name}.enabled=true`);
const every = (key: string, seconds: number) => catalog.map(({ name }) => `streams.${name}.${key}=${seconds}`);

test(
  'a storm while the daemon runs and is restarted at random leaves all 32 topics and the derived ones equal, with nothing false [P1 P2 P3 P8]',
  async () => {
    const random = seededRandom(SEED);
    const place = await scene({ timeEntries: 400, years: 1, ticking: true, seed: SEED });
    const where = { ...place, settings: DERIVED };
    const witness = new Witness(where.simulator);
    const held = ['deletes.hold_percent=100', 'deletes.hold_at_least=1000000'];
    const fast = [
      ...NO_LIMITS,
      ...DERIVED,
      ...held,
      ...every('poll_interval_seconds', 1),
      ...every('count_interval_seconds', 2),
    ];
    const living = { ...where, settings: [...fast, ...every('reconcile_interval_seconds', 20)] };

    let made = 0;
    let lives = 0;
    while (made < MUTATIONS) {
      const life = publisher(living, ['run']);
      await life.printed(/account\.opened/);
      lives++;
      const end = made + Math.ceil(MUTATIONS_PER_LIFE * (0.5 + random()));
      while (made < Math.min(end, MUTATIONS)) {
        const count = Math.min(MUTATIONS - made, 1 + Math.floor(random() * 10));
        made += storm(where.simulator, { random, count, lateSeconds: 60 }).length;
        // Believable life: the daemon is somewhere else each time.
        await pause(random() * 200);
      }
      life.process.kill(random() < 0.6 ? 'SIGKILL' : 'SIGTERM');
      await life.ended;
    }
    calm(where.simulator);
    const once = { ...where, settings: [...fast, ...every('reconcile_interval_seconds', 1)] };
    for (let pass = 0; pass < 2; pass++) {
      const last = await finished(once, ['run', '--once']);
      expect(last, last.errors).toMatchObject({ code: 0 });
    }
    const view = await viewOf(where, { witness });
    expect(view.differences.slice(0, 20)).toEqual([]);
    expect(view.falseChanges.slice(0, 20)).toEqual([]);
    expect(view.falseDeletions.slice(0, 20)).toEqual([]);
    expect(made).toBe(MUTATIONS);
    expect(lives).toBeGreaterThan(2);
  },
  Math.max(HANGS_MS, MUTATIONS * 400),
);
