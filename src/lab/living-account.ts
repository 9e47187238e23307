// A simulated account that goes on living: changed every so often, and the same account again after a restart. Only the
// times of the changes are kept; the seed makes the same changes of them.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createSimulator, mutate, type Simulator, seededRandom } from './simulator/index.ts';

export interface LivingAccountOptions {
  /** Where the times of the changes are kept. */
  readonly file: string;
  readonly timeEntries: number;
  readonly everyMs: number;
  readonly seed?: number;
}

/** Nine reports a month of history have to fit Harvest's 100 requests in 15 minutes, or the first sweep takes an hour. */
const YEARS = 0.5;

interface Diary {
  readonly seed: number;
  readonly timeEntries: number;
  readonly bornAt: number;
  readonly changes: number[];
}

export interface LivingAccount {
  readonly simulator: Simulator;
  /** Begins to change the account. */
  live(): void;
  close(): Promise<void>;
}

/** Opens the account that `file` tells of, changes replayed, or a new one. */
export async function openLivingAccount(options: LivingAccountOptions): Promise<LivingAccount> {
  const diary = (await readDiary(options.file)) ?? {
    seed: options.seed ?? 1,
    timeEntries: options.timeEntries,
    bornAt: Date.now(),
    changes: [],
  };
  let replayed: number | null = diary.bornAt;
  const simulator = createSimulator({
    seed: diary.seed,
    timeEntries: diary.timeEntries,
    years: YEARS,
    now: () => replayed ?? Date.now(),
  });
  const random = seededRandom(diary.seed);
  for (const time of diary.changes) {
    replayed = time;
    mutate(simulator, random);
  }
  replayed = null;

  let timer: NodeJS.Timeout | null = null;
  const change = () => {
    // The diary holds the very time that the change sees.
    replayed = Date.now();
    diary.changes.push(replayed);
    mutate(simulator, random);
    replayed = null;
  };
  return {
    simulator,
    live: () => {
      timer ??= setInterval(change, options.everyMs);
    },
    close: async () => {
      if (timer) clearInterval(timer);
      await mkdir(dirname(options.file), { recursive: true });
      await writeFile(options.file, JSON.stringify(diary));
    },
  };
}

async function readDiary(file: string): Promise<Diary | null> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Diary;
  } catch {
    return null;
  }
}
