// The schedules of the ordinary run, in a process of their own: see scripts/compiled.mjs.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'vitest';

/** Besides the seeds that once found something, which always run first. What a seed means changes with what schedules draw. */
const ORDINARY = 500;
const FOUND = fileURLToPath(new URL('found-seeds.json', import.meta.url));
const SIM = fileURLToPath(new URL('../../../scripts/sim.mjs', import.meta.url));

/** Runs every `shares`-th schedule, beginning with `share`, and expects no broken promise; says how to repeat one that has. */
export async function expectSchedules(share: number, shares: number): Promise<void> {
  const given = ['--seeds', String(ORDINARY), '--found', FOUND, '--share', `${share}/${shares}`];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [SIM, ...given]).catch(
    (failed: { stdout: string; stderr: string }) => failed,
  );
  expect(stdout + stderr).toBe('');
}
