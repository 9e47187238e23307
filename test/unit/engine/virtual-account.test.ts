// The daemon and its account under one clock that stands still until it is told to go: hours in milliseconds.
import { expect, test } from 'vitest';
import { createSimulator, seededRandom, storm } from '../../../lab/simulator/index.ts';
import type { Transport } from '../../../src/harvest/transport.ts';
import type { StreamDefinition } from '../../../src/streams/definition.ts';
import { inProcess, virtualBench } from '../../support/account.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { evidenceOf, judge, WatchedLog } from '../../support/oracle.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { Witness } from '../../support/witness.ts';

const MINUTE = 60_000;
const NONE = { general: null, reports: null };

test('a quarter of an hour of storm pass without a false change or a false deletion', async () => {
  const clock = new VirtualClock();
  const simulator = createSimulator({ timeEntries: 60, years: 0.2, now: clock.now, budgets: NONE });
  const log = new WatchedLog(simulator);
  const witness = new Witness(simulator);
  const random = seededRandom(1);
  const daemon = virtualBench(simulator, log, clock).start();
  await clock.pass(5 * MINUTE);
  expect((await judge(simulator, evidenceOf(log), { witness })).differences).toEqual([]);
  const before = log.history.length;
  for (let minute = 0; minute < 15; minute += 5) {
    storm(simulator, { random, lateSeconds: 60, count: 16 });
    await clock.pass(5 * MINUTE);
  }
  daemon.stop();
  await clock.pass(MINUTE);
  await daemon.ended;
  expect(log.history.length).toBeGreaterThan(before);
  expect(await judge(simulator, evidenceOf(log), { witness, streams: [] })).toMatchObject({
    falseChanges: [],
    falseDeletions: [],
  });
  expect(log.early).toEqual([]);
});

test('lists are polled in time while the children of all parents are read for the first time [P1]', async () => {
  const clock = new VirtualClock();
  const simulator = createSimulator({ timeEntries: 3_000, years: 3, now: clock.now, budgets: NONE });
  const answer = inProcess(simulator);
  const polls: number[] = [];
  const transport: Transport = async (request, signal) => {
    await clock.sleep(100);
    if (/\/clients\?.*updated_since/.test(request.url)) polls.push(clock.monotonic());
    return answer(request, signal);
  };
  const limits = { general: { requests: 6, perSeconds: 15 }, reports: { requests: 1, perSeconds: 900 } };
  const log = new MemoryLog();
  const daemon = virtualBench(simulator, log, clock, { chance: 0.5, source: { budgets: limits, transport } }).start();
  const isRead = () => ['invoice_messages', 'cost_rates'].every((stream) => log.rows.get(stream)?.complete);
  while (!isRead()) await clock.pass(MINUTE);
  const gaps = polls.slice(1).map((at, place) => (at - polls[place]!) / MINUTE);
  expect(gaps.length).toBeGreaterThan(5);
  expect(Math.max(...gaps)).toBeLessThanOrEqual(5);
  daemon.stop();
  await clock.pass(MINUTE);
  await daemon.ended;
}, 120_000);

test('an account in which nothing happens is stored four times a minute, each list with it; a change at once [P4]', async () => {
  const clock = new VirtualClock();
  const simulator = createSimulator({ timeEntries: 0, years: 0.2, now: clock.now, budgets: NONE });
  const log = new MemoryLog();
  const polls: Readonly<Record<string, number>> = { clients: 5_000, tasks: 7_000, users: 11_000 };
  const lists = Object.keys(polls);
  const intervals = ({ name }: StreamDefinition) => ({
    ...{ pollMs: polls[name]!, countMs: 60 * MINUTE, reconcileMs: 1_440 * MINUTE },
  });
  const bench = virtualBench(simulator, log, clock, { chance: 0.5, streams: lists, intervals });
  const daemon = bench.start();
  while (!lists.every((name) => log.rows.get(name)?.complete)) await clock.pass(1_000);
  const commits: number[] = [];
  bench.sink.fate = () => {
    commits.push(clock.now());
    return 'acknowledged';
  };
  const age = (name: string) => clock.now() - Date.parse(log.rows.get(name)!.scanned_at as string);
  const oldest: number[] = [];
  for (const endsAt = clock.now() + 4 * MINUTE; clock.now() < endsAt; await clock.pass(1_000)) {
    oldest.push(Math.max(...lists.map(age)));
  }
  // Beside those of time, a few for leases of the budget; with one for each poll there would be a hundred.
  expect(commits.length).toBeGreaterThanOrEqual(12);
  expect(commits.length).toBeLessThanOrEqual(24);
  expect(Math.max(...oldest)).toBeLessThanOrEqual(35_000);

  simulator.data.tasks.update(simulator.data.tasks.all()[0]!.id, { name: 'Another' });
  const published = log.topics.get('tasks')!.length;
  await clock.pass(9_000);
  expect(log.topics.get('tasks')).toHaveLength(published + 1);
  daemon.stop();
  await clock.pass(MINUTE);
  await daemon.ended;
  // A clean stop stores what waited.
  expect(Math.max(...lists.map(age))).toBeLessThanOrEqual(MINUTE + 12_000);
});
