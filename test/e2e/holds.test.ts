// Rows that vanish by the hundred beside a running daemon: held until a person releases them, or until they are back.
import { expect, test } from 'vitest';
import { Dice, removeRows, seededRandom } from '../../lab/simulator/index.ts';
import { dataTopic } from '../../src/kafka/topics.ts';
import { daemon } from '../support/daemon.ts';
import { readCommitted } from '../support/kafka.ts';
import { finished, NO_LIMITS, until } from '../support/publisher.ts';
import { scene } from '../support/scene.ts';
import { streams } from '../support/truth.ts';

const OFTEN = ['time_entries', 'expenses', 'clients'].flatMap((name) => [
  `streams.${name}.poll_interval_seconds=1`,
  `streams.${name}.count_interval_seconds=1`,
]);

test('rows that vanish by the hundred are held: deletions until they are released, a role change until it is taken back [P8]', async () => {
  const where = { ...(await scene({ timeEntries: 300, years: 0.3 })), settings: [...NO_LIMITS, ...OFTEN] };
  const { simulator } = where;
  const tombstones = async (names: readonly string[]) => {
    const topics = names.map((name) => dataTopic(where.prefix, name));
    return (await readCommitted(where.bootstrap, topics)).filter(({ value }) => value === null).length;
  };
  // Report rows leave with their entries, in their own time.
  const everywhere = () => tombstones(streams.filter(({ kind }) => kind !== 'report').map(({ name }) => name));
  const running = await daemon(where);
  const statusOf = async (name: string) => (await running.accounts())[0]?.streams.find(({ stream }) => stream === name);
  const untilIn = (state: string, name: string) =>
    until(`${name} ${state}`, async () => (await statusOf(name))?.state === state);
  await until('everything is complete', async () => (await running.readiness()).ready);

  const gone = removeRows(simulator.data, { stream: 'time_entries', share: 0.3 }, new Dice(seededRandom(30)));
  expect(gone.length).toBeGreaterThan(80);
  await untilIn('HELD', 'time_entries');
  expect(await statusOf('time_entries')).toMatchObject({
    reason: expect.stringContaining(`${gone.length} of 300 rows are missing at Harvest at once`),
    remedy: expect.stringContaining('harvest-kafka release'),
  });
  expect((await finished(where, ['state', 'show'])).output).toMatch(/^time_entries +HELD/m);
  expect(await tombstones(['time_entries'])).toBe(0);

  const released = await finished(where, ['release', 'time_entries', '--wait', '30']);
  expect(released).toMatchObject({ code: 0, output: expect.stringMatching(/\nTaken\.\n$/) });
  await untilIn('RUNNING', 'time_entries');
  await until('all tombstones', async () => (await tombstones(['time_entries'])) === gone.length);
  const before = await everywhere();

  // Lists this small miss fewer rows than are held by their number: each hidden one answers for itself, whenever it is asked for.
  simulator.settings.hiddenRecord = 'forbidden';
  simulator.settings.role = 'member';
  await untilIn('HELD', 'time_entries');
  await untilIn('HELD', 'expenses');
  await untilIn('FORBIDDEN', 'clients');
  simulator.settings.role = 'administrator';
  await untilIn('RUNNING', 'time_entries');
  running.process.kill('SIGTERM');
  await running.ended;
  // A forbidden stream is asked for again at every start.
  expect(await finished(where, ['run', '--once'])).toMatchObject({ code: 0 });
  expect(await finished(where, ['verify', '--alone'])).toMatchObject({ code: 0 });
  expect(await everywhere()).toBe(before);
});
