// Every cell of the crash matrix, as often as asked: `npm run crash-matrix -- --repeat 3`. The table, and what is judged, is in
// test/kafka/crash-matrix.test.ts.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { repeat: { type: 'string', default: '1' } } });
const test = ['vitest', 'run', '--project', 'real', '--reporter', 'verbose', 'test/kafka/crash-matrix.test.ts'];
const { status } = spawnSync('npx', test, {
  stdio: 'inherit',
  env: { ...process.env, CRASH_MATRIX_REPEAT: values.repeat },
});
process.exitCode = status ?? 1;
