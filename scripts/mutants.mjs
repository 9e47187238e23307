// npm run mutants [-- --seeds 300] [-- --only NAME]: breaks each promise on purpose in a copy of the sources, and shows which
// seed of the simulation finds it. Exits with 1 when a mutant survives. Takes a few minutes.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MUTANTS } from './mutants-table.mjs';

const root = new URL('..', import.meta.url).pathname;
const { seeds, only } = parseArgs({
  options: { seeds: { type: 'string', default: '400' }, only: { type: 'string' } },
}).values;

const copy = mkdtempSync(join(tmpdir(), 'mutants-'));
for (const part of ['src', 'test/support', 'package.json', 'tsconfig.json'])
  cpSync(join(root, part), join(copy, part), { recursive: true });
for (const part of ['node_modules', 'avro']) symlinkSync(join(root, part), join(copy, part));
for (const part of ['node_modules', 'avro', 'package.json'])
  symlinkSync(join(root, part), ensured(join(copy, 'out'), part));
writeFileSync(join(copy, 'hunt.mjs'), hunter());
writeFileSync(
  join(copy, 'tsconfig.build.json'),
  JSON.stringify({
    extends: './tsconfig.json',
    compilerOptions: {
      noEmit: false,
      noCheck: true,
      rewriteRelativeImportExtensions: true,
      rootDir: '.',
      outDir: 'out',
    },
    include: ['src', 'test/support'],
  }),
);

let survivors = 0;
try {
  cpSync(
    join(root, 'test/support/sim/found-seeds.json'),
    join(ensured(join(copy, 'out/test/support/sim'), 'found-seeds.json')),
  );
  for (const mutant of [{ name: 'none', edits: [] }, ...MUTANTS]) {
    if (only && !mutant.name.includes(only)) continue;
    const originals = mutant.edits.map(([file]) => [file, readFileSync(join(copy, file), 'utf8')]);
    for (const [file, from, to] of mutant.edits) {
      const text = readFileSync(join(copy, file), 'utf8');
      if (!text.includes(from)) process.stderr.write(`${mutant.name}: ${file} does not hold ${from}\n`);
      writeFileSync(
        join(copy, file),
        text.replaceAll(from, () => to),
      );
    }
    execFileSync('npx', ['tsc', '-p', 'tsconfig.build.json'], { cwd: copy });
    const { stdout, stderr } = spawnSync(process.execPath, ['hunt.mjs', mutant.name === 'none' ? '60' : seeds], {
      cwd: copy,
      encoding: 'utf8',
    });
    const found = stdout.trim() || stderr.trim().split('\n').slice(-1)[0] || '';
    const isFound = found !== '' && found !== 'survived';
    if (isFound === (mutant.name === 'none')) survivors++;
    process.stdout.write(`| ${mutant.promise ?? '-'} | ${mutant.name} | ${found} |\n`);
    for (const [file, text] of originals.reverse()) writeFileSync(join(copy, file), text);
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
process.exitCode = survivors > 0 ? 1 : 0;

function ensured(directory, name) {
  execFileSync('mkdir', ['-p', directory]);
  return join(directory, name);
}

/** Runs schedules until one breaks a promise, and prints it. */
function hunter() {
  return `const { runSchedule } = await import('./out/test/support/schedules.js');
for (let seed = 1; seed <= Number(process.argv[2]); seed++) {
  const { broken } = await runSchedule(seed);
  if (broken.length > 0) { console.log('seed ' + seed + ': ' + broken[0].slice(0, 110)); process.exit(0); }
}
console.log('survived');`;
}
