// Many schedules in a row, as a program of its own: prints each that breaks a promise and how to repeat it, and then exits
// with 1. `npm run sim`, the ordinary run and the mutants all run this one.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runFleetSchedule } from '../fleet-schedules.ts';
import { runSchedule, type ScheduleVerdict } from '../schedules.ts';

const { seeds, from, share, found, story, first, fleet } = parseArgs({
  options: {
    seeds: { type: 'string', default: '2000' },
    from: { type: 'string', default: '1' },
    /** `0/2`: every second schedule, from the first. */
    share: { type: 'string', default: '0/1' },
    /** A file of seeds that run before all others: those that once found something. */
    found: { type: 'string' },
    story: { type: 'boolean', default: false },
    /** The first that breaks a promise ends the run, and is told in one line: of this promise if it breaks that too. */
    first: { type: 'string' },
    /** Schedules of several instances that share accounts. */
    fleet: { type: 'boolean', default: false },
  },
}).values;

const PROGRESS_EVERY = 500;
const SHOWN = 5;

const chosen: number[] = found === undefined ? [] : (JSON.parse(readFileSync(found, 'utf8')) as number[]);
for (let seed = Number(from); seed < Number(from) + Number(seeds); seed++) chosen.push(seed);
const [own, shares] = share.split('/').map(Number) as [number, number];

let done = 0;
for (const [place, seed] of chosen.entries()) {
  if (place % shares !== own) continue;
  const verdict = await (fleet ? runFleetSchedule(seed) : runSchedule(seed));
  done++;
  if (verdict.broken.length > 0) {
    process.exitCode = 1;
    if (first !== undefined) {
      const line = verdict.broken.find((each) => each.startsWith(first)) ?? verdict.broken[0];
      process.stdout.write(`seed ${seed}: ${line}\n`);
      break;
    }
    process.stdout.write(`${told(verdict)}\n`);
  }
  if (done % PROGRESS_EVERY === 0) process.stderr.write(`share ${share}: ${done} schedules\n`);
}

function told({ seed, broken, story: happened }: ScheduleVerdict): string {
  const tail = story ? `\n${happened.join('\n')}` : '';
  const which = fleet ? ' --fleet' : '';
  return `npm run sim --${which} --seeds 1 --from ${seed} --story\n  ${broken.slice(0, SHOWN).join('\n  ')}${tail}`;
}
