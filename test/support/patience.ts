// How long tests wait: as long as anything moves. A busy machine is slow, not broken, so no time here measures speed; they only
// keep a test that hangs from hanging for ever, and are far longer than anything takes.
import { setTimeout as pause } from 'node:timers/promises';

/** Whoever has done nothing for so long hangs. */
const STILL_SECONDS = 240;
/** An event that has not come by then, although everything moves, does not come; the test's own time limit would not say what it was. */
const LONGEST_SECONDS = 720;

/** The time limit of a test, and the least one of those whose length a variable sets. */
export const HANGS_MS = 900_000;

/** For `expect.poll` and `vi.waitFor`. */
export const PATIENTLY = { timeout: STILL_SECONDS * 1000, interval: 100 } as const;

let movedAt = performance.now();

/** Somebody whom a test may wait for has done something: printed, asked, answered. */
export function moved(): void {
  movedAt = performance.now();
}

/** Waits until `condition` holds; fails with `what` when nothing has moved for `stillSeconds`. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  stillSeconds = STILL_SECONDS,
): Promise<void> {
  const began = performance.now();
  while (!(await condition())) {
    const now = performance.now();
    const [still, waited] = [now - Math.max(began, movedAt), now - began].map((ms) => Math.round(ms / 1000));
    if (still! > stillSeconds || waited! > LONGEST_SECONDS)
      throw new Error(`not within ${waited} s, the last ${still} s without a sign of anybody: ${what}`);
    await pause(25);
  }
}

/**
 * How many times longer than alone on its processor a process takes here and now, at least 1. What is promised in seconds is
 * promised on a machine that is there for it.
 */
export function slowness(): number {
  const [began, used] = [performance.now(), process.cpuUsage()];
  const spentMs = () => {
    const { user, system } = process.cpuUsage(used);
    return (user + system) / 1000;
  };
  while (spentMs() < 100);
  return Math.max(1, (performance.now() - began) / spentMs());
}

/** Waits until `probe` gives something. */
export async function eventually<T>(what: string, probe: () => Promise<T | null>): Promise<T> {
  let found: T | null = null;
  await until(what, async () => {
    found = await probe();
    return found !== null;
  });
  return found!;
}
