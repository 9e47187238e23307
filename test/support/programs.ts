// Programs of the machine that some tests need and that npm cannot install: Debian's packages prometheus, chromium and kcat.
// Tests that need one are left out where it is missing; `.ci/run` installs the first two.
import { spawnSync } from 'node:child_process';

type Program = 'promtool' | 'prometheus' | 'chromium' | 'systemd-analyze' | 'kcat';

/** Where it lies; null where it is not installed. */
export function placeOf(program: Program): string | null {
  const { status, stdout } = spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : null;
}

export function has(program: Program): boolean {
  return placeOf(program) !== null;
}

/** Runs promtool; resolves with what it said and whether it was content. */
export function promtool(
  args: readonly string[],
  input = '',
): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { input, encoding: 'utf8' });
  return { status, said: stdout + stderr };
}
