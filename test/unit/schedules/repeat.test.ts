// A seed that cannot be repeated proves nothing.
import { expect, test } from 'vitest';
import { runSchedule } from '../../support/schedules.ts';

test.each([1, 5, 7, 10])('two runs of seed %i give the same history, byte for byte', async (seed) => {
  const first = await runSchedule(seed);
  const second = await runSchedule(seed);
  expect(second.story).toEqual(first.story);
  expect(second.digest).toBe(first.digest);
  expect((await runSchedule(seed + 1)).digest).not.toBe(first.digest);
});
