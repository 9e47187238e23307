// Weather over an account while publishers come and go, and then one question: is everything on the topics what Harvest says?
// One seed here, because the schedules see more for less; `npm run storm` blows as long as anyone likes.
import { expect, test } from 'vitest';
import { seededRandom } from '../../../lab/simulator/index.ts';
import { HANGS_MS } from '../../support/patience.ts';
import { stormOver } from '../../support/storms.ts';

test.each((process.env.TEST_SEEDS ?? '1').split(',').map(Number))(
  'a storm over all streams, with restarts, leaves the topics equal to Harvest (seed %i) [P1 P2 P3 P8]',
  async (seed) => {
    const mutations = Number(process.env.TEST_MUTATIONS ?? 80);
    const verdict = await stormOver({ random: seededRandom(seed), seed, mutations });
    expect(verdict.differences.slice(0, 20)).toEqual([]);
    expect(verdict.falseChanges.slice(0, 20)).toEqual([]);
    expect(verdict.falseDeletions.slice(0, 20)).toEqual([]);
    expect(verdict.early).toEqual([]);
    expect(verdict.mutations).toBe(mutations);
  },
  Math.max(HANGS_MS, Number(process.env.TEST_MUTATIONS ?? 0) * 400),
);
