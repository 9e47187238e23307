// npm run sim -- --seeds 100000 [--from N] [--story]: as many schedules as a night has room for, one process a core.
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';

const options = { seeds: { type: 'string', default: '2000' }, from: { type: 'string' }, story: { type: 'boolean' } };
const { seeds, from, story } = parseArgs({ options }).values;
const env = { ...process.env, SIM_SEEDS: seeds, SIM_FROM: from ?? '1', ...(story && { SIM_STORY: '1' }) };
const files = ['test/unit/schedules/even.test.ts', 'test/unit/schedules/odd.test.ts'];
const run = spawn('npx', ['vitest', 'run', '--project', 'unit', ...files], { stdio: 'inherit', env });
run.on('exit', (code) => {
  process.exitCode = code ?? 1;
});
