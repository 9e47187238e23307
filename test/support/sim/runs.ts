// Many schedules in a row: the seeds that once found something, then as many others as the run is given.
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { runSchedule, type ScheduleVerdict } from '../schedules.ts';

/** In the ordinary run; `SIM_SEEDS` and `SIM_FROM` give others. */
const ORDINARY = 500;
const PROGRESS_EVERY = 500;

/** Seeds that found something, always run first. What a seed means changes with what schedules draw. */
export const foundSeeds: readonly number[] = JSON.parse(
  readFileSync(new URL('found-seeds.json', import.meta.url), 'utf8'),
) as number[];

/** Runs every `shares`-th schedule, beginning with `share`, and expects no broken promise; says how to repeat one that has. */
export async function expectSchedules(share: number, shares: number): Promise<void> {
  const count = Number(process.env.SIM_SEEDS || ORDINARY);
  const from = Number(process.env.SIM_FROM || 1);
  const seeds = process.env.SIM_FROM ? [] : [...foundSeeds];
  for (let seed = from; seed < from + count; seed++) seeds.push(seed);
  const broken: string[] = [];
  for (const [done, seed] of seeds.entries()) {
    if (done % shares !== share) continue;
    const verdict = await runSchedule(seed);
    if (verdict.broken.length > 0) broken.push(told(verdict));
    if (count > ORDINARY && done > 0 && done % PROGRESS_EVERY < shares)
      process.stderr.write(
        `${done} of ${seeds.length} schedules, ${broken.length} with broken promises\n${broken.join('\n')}\n`,
      );
  }
  expect(broken).toEqual([]);
}

function told({ seed, broken, story }: ScheduleVerdict): string {
  const tail = process.env.SIM_STORY ? `\n${story.join('\n')}` : '';
  return `npm run sim -- --seeds 1 --from ${seed}\n  ${broken.slice(0, 5).join('\n  ')}${tail}`;
}
