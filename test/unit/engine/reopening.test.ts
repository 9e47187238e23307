// The log can be opened, and nothing can be committed: the account comes back ever more slowly and more loudly, and `run
// --once` ends.
import { expect, test } from 'vitest';
import { createSimulator } from '../../../lab/simulator/index.ts';
import { lineOf } from '../../../src/observe/log.ts';
import { named, type VirtualBench, virtualBench } from '../../support/account.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const MINUTE = 60_000;

interface World {
  readonly clock: VirtualClock;
  readonly log: MemoryLog;
  readonly bench: VirtualBench;
  /** How often the log was opened. */
  readonly opened: () => number;
}

function world(openMs: number): World {
  const clock = new VirtualClock();
  const log = new MemoryLog();
  const simulator = createSimulator({
    timeEntries: 20,
    years: 0.2,
    now: clock.now,
    budgets: { general: null, reports: null },
  });
  const bench = virtualBench(simulator, log, clock, { streams: ['clients'], chance: 1 });
  const { open } = bench.sink;
  let opened = 0;
  bench.sink.open = async (...args) => {
    opened++;
    await clock.sleep(openMs);
    return open(...args);
  };
  return { clock, log, bench, opened: () => opened };
}

test('a log that opens and takes no commit is opened ever more rarely, and said ever more loudly [P9]', async () => {
  const { clock, bench, opened } = world(50);
  bench.sink.fate = () => 'lost';
  const daemon = bench.start();
  await clock.pass(10 * MINUTE);
  expect(opened()).toBeLessThan(60);
  const waits = named(bench.events, 'account.waiting');
  expect(waits.at(-1)).toMatchObject({ attempt: waits.length, retryInMs: 15_000 });
  expect(waits.map((event) => lineOf(event).level)).toEqual(
    [...waits.map((event) => lineOf(event).level)].sort(byLoudness),
  );
  expect(lineOf(waits.at(-1)!).level).toBe('error');
  daemon.stop();
  await clock.pass(MINUTE);
  await daemon.ended;
});

test('that the budgets are stored is no progress when every page fails', async () => {
  const { clock, bench, opened } = world(50);
  const { commit } = bench.sink;
  bench.sink.commit = function (batch) {
    this.fate = () => (batch.rows.size > 1 ? 'lost' : 'acknowledged');
    return commit.call(this, batch);
  };
  const daemon = bench.start();
  await clock.pass(10 * MINUTE);
  expect(opened()).toBeLessThan(60);
  daemon.stop();
  await clock.pass(MINUTE);
  await daemon.ended;
});

test('a commit is progress: the next failure is a first one again', async () => {
  const { clock, log, bench } = world(50);
  bench.sink.fate = () => 'lost';
  const daemon = bench.start();
  await clock.pass(2 * MINUTE);
  bench.sink.fate = () => 'acknowledged';
  await clock.pass(MINUTE);
  expect(log.compacted('clients').size).toBeGreaterThan(0);
  bench.sink.fate = () => 'lost';
  const before = named(bench.events, 'account.waiting').length;
  await clock.pass(2 * MINUTE);
  expect(named(bench.events, 'account.waiting')[before]).toMatchObject({ attempt: 1, failingMs: 0 });
  daemon.stop();
  await clock.pass(MINUTE);
  await daemon.ended;
});

test('an account that opens again says that its rows are in memory, not that none were read', async () => {
  const { clock, bench } = world(50);
  const daemon = bench.start();
  await clock.pass(2 * MINUTE);
  bench.sink.fate = () => 'lost';
  await clock.pass(MINUTE);
  bench.sink.fate = () => 'acknowledged';
  await clock.pass(MINUTE);
  const [first, ...others] = named(bench.events, 'account.opened');
  const { rows } = bench.account.status().streams[0]!;
  expect(first).toMatchObject({ again: false, rows: 0, restoredRows: 0 });
  expect(rows).toBeGreaterThan(0);
  expect(others.at(-1)).toMatchObject({ again: true, rows, restoredRows: 0 });
  daemon.stop();
  await clock.pass(MINUTE);
  await daemon.ended;
});

test('`run --once` ends with the error when nothing was committed for two minutes [P9]', async () => {
  const { clock, bench } = world(5_000);
  bench.sink.fate = () => 'lost';
  const ended = bench.catchUp().then(
    () => null,
    (error) => ({ code: error.code, exitCode: error.exitCode, at: clock.monotonic() }),
  );
  await clock.pass(10 * MINUTE);
  const end = await Promise.race([ended, 'still running']);
  expect(end).toMatchObject({ code: 'kafka.doubt', exitCode: 75 });
  expect((end as { at: number }).at).toBeLessThan(3 * MINUTE);
});

const LEVELS = ['debug', 'info', 'warn', 'error'];

function byLoudness(a: string, b: string): number {
  return LEVELS.indexOf(a) - LEVELS.indexOf(b);
}
