// npm run sim -- --seeds 100000 [--from N] [--jobs N] [--story]: as many schedules as a night has room for, one process a
// core. `--share 0/2` runs every second one alone.
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { compileSimulation } from './compiled.mjs';

const { jobs, share, ...rest } = parseArgs({
  options: {
    seeds: { type: 'string', default: '2000' },
    from: { type: 'string', default: '1' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    share: { type: 'string' },
    found: { type: 'string' },
    story: { type: 'boolean', default: false },
  },
}).values;

const { command, remove } = await compileSimulation(new URL('..', import.meta.url).pathname);
const { story, ...named } = rest;
const given = [
  ...Object.entries(named).flatMap(([name, value]) => [`--${name}`, value]),
  ...(story ? ['--story'] : []),
];
const shares = share === undefined ? Array.from({ length: Number(jobs) }, (_, own) => `${own}/${jobs}`) : [share];
try {
  const codes = await Promise.all(shares.map(run));
  process.exitCode = codes.every((code) => code === 0) ? 0 : 1;
} finally {
  remove();
}

function run(own) {
  const child = spawn(process.execPath, [command, ...given, '--share', own], { stdio: 'inherit' });
  return new Promise((resolve) => child.on('exit', resolve));
}
