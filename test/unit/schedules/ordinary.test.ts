// As many schedules as the ordinary run has time for, in processes of their own: see scripts/compiled.mjs.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { HANGS_MS } from '../../support/patience.ts';

/** Besides the seeds that once found something, which run first. What a seed means changes with what schedules draw. */
const ORDINARY = 150;
const FOUND = fileURLToPath(new URL('../../support/sim/found-seeds.json', import.meta.url));
const SIM = fileURLToPath(new URL('../../../scripts/sim.mjs', import.meta.url));

test('no schedule of faults, crashes and rivals breaks a promise [P1 P2 P3 P4 P5 P6 P7 P8 P9 P10]', {
  timeout: 4 * HANGS_MS,
}, async () => {
  const given = ['--seeds', String(ORDINARY), '--found', FOUND];
  const { code, stdout, stderr } = await promisify(execFile)(process.execPath, [SIM, ...given]).then(
    (ended) => ({ code: 0, ...ended }),
    (failed: { code: number; stdout: string; stderr: string }) => failed,
  );
  expect({ code, stdout }, stderr).toEqual({ code: 0, stdout: '' });
});
