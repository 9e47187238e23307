import { copyFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type LivingAccount, openLivingAccount } from '../../../lab/demo/living-account.ts';

/** Every row of every noun. */
function rowsOf({ simulator }: LivingAccount): unknown {
  return Object.entries(simulator.data as unknown as Record<string, { all?: () => unknown }>)
    .filter(([, noun]) => typeof noun?.all === 'function')
    .map(([name, noun]) => [name, structuredClone(noun.all!())]);
}

test('an account whose process was killed is the same account, changes included, at the next start', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'harvest-kafka-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const options = { file: join(folder, 'account.json'), timeEntries: 100, everyMs: 1 };
  const first = await openLivingAccount(options);
  const { gone } = first.simulator.data;
  first.live();
  await expect.poll(() => gone.length).toBeGreaterThan(20);
  // A kill leaves behind what is in the file at that moment.
  const file = join(folder, 'left-behind.json');
  copyFileSync(options.file, file);
  const before = rowsOf(first);
  await first.close();
  const second = await openLivingAccount({ ...options, file });
  expect(rowsOf(second)).toEqual(before);
});
