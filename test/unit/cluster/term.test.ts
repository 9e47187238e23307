// Terms only grow, also over a group that is forgotten; between tenures of one group they decide.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextTerm } from '../../../src/cluster/term.ts';
import { compareRanks, type Rank } from '../../../src/kafka/rank.ts';

test('whatever members know, and however often the group is forgotten, at most two rounds begin below the last signature [P5]', () => {
  // Each step: how many of the members survive it, and whether the group's own generation begins anew.
  const step = fc.record({ survivors: fc.integer({ min: 0, max: 3 }), reads: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      let signed = 0;
      let known = [0, 0, 0];
      let below = 0;
      for (const { survivors, reads } of steps) {
        // Who starts anew knows nothing; whoever was refused has read the signature.
        known = known.map((term, at) => (at < survivors ? term : 0));
        if (below > 0 && reads) known[0] = Math.max(known[0]!, signed);
        const term = nextTerm(known);
        if (term < signed) {
          below = reads ? below + 1 : 1;
          known[0] = Math.max(known[0]!, signed);
        } else {
          below = 0;
          signed = term;
          known = known.map(() => term);
        }
        expect(below).toBeLessThanOrEqual(2);
      }
    }),
  );
});

const rank = (term: number, generation: number, group = 'g'): Rank => ({ group, member: 'm', term, generation });

test('of two members of one group the greater term is the newer, of one term the greater generation', () => {
  expect(compareRanks(rank(6, 1), rank(5, 9))).toBeGreaterThan(0);
  expect(compareRanks(rank(5, 3), rank(5, 4))).toBeLessThan(0);
  expect(compareRanks(rank(5, 3), rank(5, 3))).toBe(0);
});

test('members of different groups, and instances without one, are left to the log', () => {
  expect(compareRanks(rank(6, 1), rank(5, 1, 'another'))).toBe(0);
  expect(compareRanks(rank(6, 1), {})).toBe(0);
  expect(compareRanks(null, rank(6, 1))).toBe(0);
  expect(compareRanks({}, {})).toBe(0);
});
