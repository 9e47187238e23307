// Where a mutant is made and hunted: a copy of the sources, spoilt for one hunt after the other.
import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify, stripVTControlCharacters } from 'node:util';
import { compileSimulation } from './compiled.mjs';
import { spoilt } from './mutants-table.mjs';

const execute = promisify(execFile);
/** Copied, because mutants change them or tools look beside them; the rest of the project is only linked. */
const COPIED = ['src', 'lab', 'test', 'package.json', 'tsconfig.json', 'vitest.config.ts'];
const LEFT_OUT = ['.git', 'dist', 'coverage'];
/** A mutant may make a walk endless: that is found too. */
const LIMIT_MS = 600_000;
/** Schedules of the fleet draw from more that may happen, so that it takes more of them to see one thing. */
const FLEET_TIMES = 5;
const LONGEST_LINE = 160;

export class Workshop {
  #copy = mkdtempSync(join(tmpdir(), 'mutants-'));

  constructor(root) {
    for (const name of readdirSync(root)) {
      if (COPIED.includes(name)) cpSync(join(root, name), join(this.#copy, name), { recursive: true });
      else if (!LEFT_OUT.includes(name)) symlinkSync(join(root, name), join(this.#copy, name));
    }
  }

  /** The test that finds the mutant, in one line; null when nothing does. */
  async hunt({ promise, edits, shelf }, seeds) {
    const read = (file) => readFileSync(join(this.#copy, file), 'utf8');
    const changed = spoilt(edits, read);
    const honest = new Map([...changed.keys()].map((file) => [file, read(file)]));
    this.#write(changed);
    try {
      if (shelf === null) return await this.#runSchedules([], seeds, promise);
      if (shelf[0] === 'fleet') return await this.#runSchedules(['--fleet'], FLEET_TIMES * seeds, promise);
      return await this.#runTest(...shelf);
    } finally {
      this.#write(honest);
    }
  }

  close() {
    rmSync(this.#copy, { recursive: true, force: true });
  }

  #write(files) {
    for (const [file, text] of files) writeFileSync(join(this.#copy, file), text);
  }

  async #runSchedules(options, seeds, promise) {
    const { command, remove } = await compileSimulation(this.#copy);
    try {
      const given = [...options, '--seeds', String(seeds), '--first', promise];
      return await this.#run(process.execPath, [command, ...given]);
    } finally {
      remove();
    }
  }

  /** The first test of the file that fails. */
  async #runTest(project, file, title) {
    const report = join(this.#copy, 'report.json');
    rmSync(report, { force: true });
    const options = ['--bail', '1', '--maxWorkers', '1', '--reporter', 'json', '--outputFile', report];
    // A mutant that makes a test hang is found as well, and sooner than an honest one would be given up.
    options.push('--testTimeout', '120000');
    const said = await this.#run('npx', ['vitest', 'run', '--project', project, file, '-t', title, ...options]);
    // A run that had to be ended leaves no report.
    if (said !== null && !existsSync(report)) return oneLine(`${file}: ${said}`);
    const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
    const ran = testResults
      .flatMap(({ assertionResults }) => assertionResults)
      .filter(({ status }) => status !== 'skipped');
    const failed = ran.find(({ status }) => status === 'failed');
    if (failed) return oneLine(`${file}: ${failed.title}: ${failed.failureMessages[0]}`);
    const broken = testResults.find(({ status }) => status === 'failed');
    if (broken) return oneLine(`${file}: ${broken.message}`);
    if (ran.length === 0) throw new Error(`${file} holds no test ${title}`);
    return null;
  }

  /** The last line that a failing command says; null when it does not fail. */
  async #run(command, given) {
    try {
      await execute(command, given, { cwd: this.#copy, timeout: LIMIT_MS, maxBuffer: 1 << 28 });
      return null;
    } catch ({ stdout, stderr, killed }) {
      if (killed) return `no end after ${LIMIT_MS / 60_000} minutes`;
      // An engine that a mutant has broken may also fail in the harness: then that says how.
      return oneLine((stdout || stderr).trim().split('\n').at(-1));
    }
  }
}

function oneLine(text) {
  const line = stripVTControlCharacters(text).split('\n')[0].trim();
  return line.length <= LONGEST_LINE ? line : `${line.slice(0, LONGEST_LINE - 1)}…`;
}
