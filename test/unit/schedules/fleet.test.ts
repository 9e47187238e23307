// Schedules of several instances that share accounts, in processes of their own: see scripts/compiled.mjs.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { runFleetSchedule } from '../../support/fleet-schedules.ts';
import { HANGS_MS } from '../../support/patience.ts';

const SCHEDULES = 50;
const SIM = fileURLToPath(new URL('../../../scripts/sim.mjs', import.meta.url));

test('whatever happens to instances, their threads and their coordinator, no account loses a promise by it [P1 P2 P3 P5 P6 P8 P11 P12]', {
  timeout: 2 * HANGS_MS,
}, async () => {
  const { code, stdout, stderr } = await promisify(execFile)(process.execPath, [
    SIM,
    '--fleet',
    '--seeds',
    String(SCHEDULES),
  ]).then(
    (ended) => ({ code: 0, ...ended }),
    (failed: { code: number; stdout: string; stderr: string }) => failed,
  );
  expect({ code, stdout }, stderr).toEqual({ code: 0, stdout: '' });
});

test('two runs of a seed give the same history of the fleet, byte for byte', async () => {
  const first = await runFleetSchedule(3);
  const second = await runFleetSchedule(3);
  expect(second.story).toEqual(first.story);
  expect(second.digest).toBe(first.digest);
});
