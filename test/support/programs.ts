// Programs of the machine that some tests need and that npm cannot install: Debian's packages prometheus and chromium.
// Tests that need one are left out where it is missing; `.ci/run` installs them first.
import { spawnSync } from 'node:child_process';

export function has(program: 'promtool' | 'prometheus' | 'chromium' | 'systemd-analyze'): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
}

/** Runs promtool; resolves with what it said and whether it was content. */
export function promtool(
  args: readonly string[],
  input = '',
): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { input, encoding: 'utf8' });
  return { status, said: stdout + stderr };
}
