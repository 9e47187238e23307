// Half of the schedules; the other half runs beside it.
import { test } from 'vitest';
import { expectSchedules } from '../../support/sim/runs.ts';

test(
  'no schedule of faults, crashes and rivals breaks a promise (every other seed, from the first)',
  () => expectSchedules(0, 2),
  2 ** 31 - 1,
);
