// A simulated account that goes on living: changed every so often, and the same account again after a restart. Only the
// times of the changes are kept; the seed makes the same changes of them.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createSimulator, mutate, seededRandom } from './simulator/index.js';
/** Nine reports a month of history have to fit Harvest's 100 requests in 15 minutes, or the first sweep takes an hour. */
const YEARS = 0.5;
/** Opens the account that `file` tells of, changes replayed, or a new one. */
export async function openLivingAccount(options) {
    const diary = (await readDiary(options.file)) ?? {
        seed: options.seed ?? 1,
        timeEntries: options.timeEntries,
        bornAt: Date.now(),
        changes: [],
    };
    let replayed = diary.bornAt;
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
    let timer = null;
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
            if (timer)
                clearInterval(timer);
            await mkdir(dirname(options.file), { recursive: true });
            await writeFile(options.file, JSON.stringify(diary));
        },
    };
}
async function readDiary(file) {
    try {
        return JSON.parse(await readFile(file, 'utf8'));
    }
    catch {
        return null;
    }
}
