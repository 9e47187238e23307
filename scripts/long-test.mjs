// A test at its full length: `long-test.mjs <file> <VARIABLE> <value>`. The variable tells the test how long; a number behind
// the npm script takes the value's place, as in `npm run crash-matrix -- 3`.
import { spawnSync } from 'node:child_process';

const [file, variable, usual, asked] = process.argv.slice(2);
const test = ['vitest', 'run', '--project', 'real', '--reporter', 'verbose', file];
const { status } = spawnSync('npx', test, { stdio: 'inherit', env: { ...process.env, [variable]: asked ?? usual } });
process.exitCode = status ?? 1;
