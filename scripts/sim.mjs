// npm run sim -- [--fleet] --seeds 100000 [--from N] [--jobs N] [--story]: as many schedules as a night has room for, one process
// a core; --fleet has several instances share accounts.
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { compileSimulation } from './compiled.mjs';

const { jobs, story, fleet, ...named } = parseArgs({
  options: {
    seeds: { type: 'string', default: '2000' },
    from: { type: 'string', default: '1' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    found: { type: 'string' },
    story: { type: 'boolean', default: false },
    fleet: { type: 'boolean', default: false },
  },
}).values;

const { command, remove } = await compileSimulation(new URL('..', import.meta.url).pathname);
const given = [
  ...Object.entries(named).flatMap(([name, value]) => [`--${name}`, value]),
  ...(story ? ['--story'] : []),
  ...(fleet ? ['--fleet'] : []),
];
try {
  const codes = await Promise.all(Array.from({ length: Number(jobs) }, (_, own) => run(`${own}/${jobs}`)));
  process.exitCode = codes.every((code) => code === 0) ? 0 : 1;
} finally {
  remove();
}

function run(share) {
  const child = spawn(process.execPath, [command, ...given, '--share', share], { stdio: 'inherit' });
  return new Promise((resolve) => child.on('exit', resolve));
}
