// npm run mutants [-- --seeds 400] [--only NAME,NAME] [--jobs 2] [--write]: breaks each promise on purpose in a copy of the
// sources and shows what finds it: a seed of the simulation, or the test that the mutant names. Exits with 1 when a mutant
// survives, when a text to be changed is not there, and when anything is found without a mutant. Half an hour.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MUTANTS, spoilt } from './mutants-table.mjs';
import { Workshop } from './mutants-workshop.mjs';

const root = new URL('..', import.meta.url).pathname;
/** Without a mutant so many schedules must pass. */
const CONTROL_SEEDS = 60;
const RELIABILITY = join(root, 'docs/RELIABILITY.md');
const { seeds, only, jobs, write } = parseArgs({
  options: {
    seeds: { type: 'string', default: '400' },
    only: { type: 'string' },
    jobs: { type: 'string', default: '2' },
    write: { type: 'boolean' },
  },
}).values;

const names = only?.split(',');
const chosen = MUTANTS.filter(({ name }) => names?.some((part) => name.includes(part)) ?? true);
// A text that is not there would pass for a mutant that survives: all of them before the first one runs.
for (const { edits } of chosen) spoilt(edits, (file) => readFileSync(join(root, file), 'utf8'));
// Without a mutant, each shelf must be silent.
const shelves = new Map(chosen.map(({ shelf }) => [String(shelf), shelf]));
const controls = [...shelves.values()].map((shelf) => ({ promise: '-', name: 'none', edits: [], shelf }));

const results = [];
const queue = [...controls, ...chosen];
const total = queue.length;
await Promise.all(Array.from({ length: Number(jobs) }, work));
const wrong = results.filter(({ mutant, found }) => (found === null) !== (mutant.name === 'none'));
if (wrong.length > 0) {
  const names = wrong.map(({ mutant, found }) => (found === null ? mutant.name : `without a mutant: ${found}`));
  process.stdout.write(`NOT as it should be:\n  ${names.join('\n  ')}\n`);
  process.exitCode = 1;
} else if (write && !only) writeTable();

async function work() {
  const workshop = new Workshop(root);
  try {
    for (let mutant = queue.shift(); mutant; mutant = queue.shift()) {
      const startedAt = Date.now();
      const found = await workshop.hunt(mutant, mutant.name === 'none' ? CONTROL_SEEDS : Number(seeds));
      results.push({ mutant, found });
      const seconds = Math.round((Date.now() - startedAt) / 1000);
      const place = `${results.length}/${total}`;
      process.stdout.write(`${place} ${mutant.promise} ${mutant.name}: ${found ?? 'nothing found'} (${seconds} s)\n`);
    }
  } finally {
    workshop.close();
  }
}

/** Puts what was found between the two marks in docs/RELIABILITY.md. */
function writeTable() {
  const found = new Map(results.map((result) => [result.mutant, result.found]));
  const rows = MUTANTS.map((mutant) => `| ${mutant.promise} | ${mutant.name} | ${inCell(found.get(mutant))} |`);
  const table = ['| promise | what was broken | what found it |', '|---|---|---|', ...rows].join('\n');
  const text = readFileSync(RELIABILITY, 'utf8');
  const [begin, end] = ['<!-- mutants -->\n', '\n<!-- /mutants -->'];
  const [from, to] = [text.indexOf(begin) + begin.length, text.indexOf(end)];
  writeFileSync(RELIABILITY, text.slice(0, from) + table + text.slice(to));
}

function inCell(text) {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
