// The simulation as plain JavaScript: in vitest's module runner, where every import is looked up at every use, schedules
// take half as long again.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const OPTIONS = { noEmit: false, noCheck: true, rewriteRelativeImportExtensions: true };

/** Compiles what schedules are made of, unchecked; `command` is the file to run. The directory is to be removed. */
export async function compileSimulation(root) {
  const directory = mkdtempSync(join(tmpdir(), 'simulation-'));
  const out = join(directory, 'out');
  mkdirSync(out);
  for (const name of ['node_modules', 'avro', 'package.json']) symlinkSync(join(root, name), join(out, name));
  const config = join(directory, 'tsconfig.json');
  const compilerOptions = { ...OPTIONS, rootDir: root, outDir: out, typeRoots: [join(root, 'node_modules/@types')] };
  const files = [join(root, 'test/support/sim/command.ts')];
  writeFileSync(config, JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions, include: [], files }));
  try {
    await execute('npx', ['tsc', '-p', config], { cwd: root });
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw new Error(`the simulation does not compile: ${error.stdout ?? error}`);
  }
  const remove = () => rmSync(directory, { recursive: true, force: true });
  return { command: join(out, 'test/support/sim/command.js'), remove };
}
