// A test at its full length: `long-test.mjs <file> [<VARIABLE> <value>]`. The variable tells the test how long; the last
// argument is its value, so that `npm run crash-matrix -- --repeat 3` says it anew.
import { spawnSync } from 'node:child_process';
import { basename } from 'node:path';

const [file, variable] = process.argv.slice(2);
// Those of test/long are no part of the ordinary run.
const which = file.startsWith('test/long/') ? ['--root', 'test/long', basename(file)] : ['--project', 'real', file];
const test = ['vitest', 'run', '--reporter', 'verbose', ...which];
const { status } = spawnSync('npx', test, {
  stdio: 'inherit',
  env: { ...process.env, ...(variable && { [variable]: process.argv.at(-1) }) },
});
process.exitCode = status ?? 1;
