import { expect, test } from 'vitest';
import { runSchedule } from '../../support/schedules.ts';

test('probe', async () => {
  const from = Number(process.env.FROM ?? 1),
    count = Number(process.env.SEEDS ?? 20);
  const t0 = performance.now();
  let bad = 0;
  for (let seed = from; seed < from + count; seed++) {
    const v = await runSchedule(seed);
    if (v.broken.length || process.env.STORY) {
      bad++;
      console.log(seed, v.broken.join('\n   '));
      if (process.env.STORY) console.log(v.story.join('\n'));
    }
  }
  console.log('ms each', (performance.now() - t0) / count, 'bad', bad);
}, 3_000_000);
