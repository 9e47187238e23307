// A simulated account that goes on living: changed every so often, and the same account again after a restart. Only the
// times of the changes are kept; the seed makes the same changes of them. Each is noted before it is made, because a closed
// terminal kills: an account that forgot its changes would look as if a hundred records had been deleted.
import { appendFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createSimulator, mutate, type Simulator, seededRandom } from '../simulator/index.ts';

export interface LivingAccountOptions {
  /** Where the times of the changes are kept. */
  readonly file: string;
  readonly timeEntries: number;
  readonly everyMs: number;
  readonly seed?: number;
  readonly accountId?: number;
}

/** Nine reports a month of history have to fit Harvest's 100 requests in 15 minutes, or the snapshot takes an hour. */
const YEARS = 0.5;

/** The file: a line of JSON for the birth, then a line for each change with its time. */
interface Birth {
  readonly seed: number;
  readonly timeEntries: number;
  readonly bornAt: number;
}

export interface LivingAccount {
  readonly simulator: Simulator;
  /** Begins to change the account. */
  live(): void;
  close(): Promise<void>;
}

/** Opens the account that `file` tells of, changes replayed, or a new one. */
export async function openLivingAccount(options: LivingAccountOptions): Promise<LivingAccount> {
  const { birth, changes } = (await readDiary(options.file)) ?? (await beginDiary(options));
  let replayed: number | null = birth.bornAt;
  const simulator = createSimulator({
    seed: birth.seed,
    timeEntries: birth.timeEntries,
    years: YEARS,
    ...(options.accountId !== undefined && { accountId: options.accountId }),
    now: () => replayed ?? Date.now(),
  });
  const random = seededRandom(birth.seed);
  for (const time of changes) {
    replayed = time;
    mutate(simulator, random);
  }
  replayed = null;

  let timer: NodeJS.Timeout | null = null;
  const change = () => {
    // The diary holds the very time that the change sees.
    replayed = Date.now();
    appendFileSync(options.file, `${replayed}\n`);
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
    },
  };
}

interface Diary {
  readonly birth: Birth;
  readonly changes: readonly number[];
}

async function beginDiary({ file, seed = 1, timeEntries }: LivingAccountOptions): Promise<Diary> {
  const birth = { seed, timeEntries, bornAt: Date.now() };
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(birth)}\n`);
  return { birth, changes: [] };
}

/** Null when there is none. What follows the last end of a line was not made. */
async function readDiary(file: string): Promise<Diary | null> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return null;
  const [birth, ...changes] = text.split('\n').slice(0, -1);
  return { birth: JSON.parse(birth!), changes: changes.map(Number) };
}
