import { expect, test } from 'vitest';
import { runSchedule } from '../../support/schedules.ts';

test('no schedule breaks a promise', async () => {
  const from = Number(process.env.SIM_FROM ?? 1);
  const broken: string[] = [];
  for (let seed = from; seed < from + Number(process.env.SIM_SEEDS ?? 20); seed++) {
    const verdict = await runSchedule(seed);
    broken.push(...verdict.broken.map((what) => `seed ${seed}: ${what}`));
  }
  expect(broken).toEqual([]);
}, 600_000);
