// A disk of a few megabytes, which takes root: a file system of its own in memory, to be filled and emptied at will.
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { run } from '../../lab/stack/process.ts';
import { temporaryFolder } from './stack.ts';

const PIECE = Buffer.alloc(64 * 1024, 1);

export interface SmallDisk {
  readonly folder: string;
  /** Takes all the space but `leftBytes`. */
  fill(leftBytes: number): Promise<void>;
  /** Gives that space back. */
  free(): Promise<void>;
}

/** Gone when the test is over, and so must be what writes to it. */
export async function smallDisk(mb: number): Promise<SmallDisk> {
  const folder = await temporaryFolder();
  const { code, output } = await run('mount', ['-t', 'tmpfs', '-o', `size=${mb}m`, 'tmpfs', folder]);
  if (code !== 0) throw new Error(`a disk cannot be mounted (takes root): ${output}`);
  onTestFinished(async () => {
    await run('umount', ['--lazy', folder]);
  });
  const ballast = join(folder, 'ballast');
  return {
    folder,
    fill: async (leftBytes) => {
      const file = await open(ballast, 'a');
      let written = (await file.stat()).size;
      try {
        for (;;) written += (await file.write(PIECE)).bytesWritten;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        await file.truncate(Math.max(0, written - leftBytes));
      } finally {
        await file.close();
      }
    },
    free: () => rm(ballast, { force: true }),
  };
}
