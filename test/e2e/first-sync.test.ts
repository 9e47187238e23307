// The main job: the built command against the simulator over HTTP, a real broker and a real registry, judged by an
// independent consumer.
import { expect, test } from 'vitest';
import { readCommitted } from '../support/kafka.ts';
import { finished, NO_LIMITS, onlyStreams } from '../support/publisher.ts';
import { scene } from '../support/scene.ts';
import { harvestStreams } from '../support/truth.ts';
import { viewOf } from '../support/view.ts';

test('run --once makes all topics equal to Harvest, field by field; a second run publishes nothing [P1]', async () => {
  const where = await scene();
  const first = await finished(where, ['run', '--once']);
  expect(first, first.errors).toMatchObject({ code: 0 });
  const view = await viewOf(where);
  expect(view.differences.slice(0, 20)).toEqual([]);
  expect(Object.keys(view.rows)).toHaveLength(harvestStreams.length);
  expect(Object.values(view.rows).every((rows) => rows > 0)).toBe(true);
  expect(view.messages.every(({ headers }) => headers.__op === 'r')).toBe(true);

  expect(await finished(where, ['run', '--once'])).toMatchObject({ code: 0 });
  const again = await viewOf(where);
  expect(again.messages).toHaveLength(view.messages.length);
});

const SOME = onlyStreams('tasks', 'time_entries', 'invoices', 'invoice_messages', 'time_tasks');

test('creations, updates and deletions between two runs arrive as such, on three partitions and with text keys too [P1]', async () => {
  const where = await scene({ timeEntries: 200 });
  const settings = { ...where, settings: [...NO_LIMITS, 'topics.partitions=3', 'key.format=string', ...SOME] };
  expect(await finished(settings, ['run', '--once'])).toMatchObject({ code: 0 });
  where.pass(5_000);
  const [entry] = where.simulator.data.time_entries.all();
  const task = where.simulator.data.tasks.create({ name: 'Gardening' });
  where.simulator.data.time_entries.update(entry!.id, { notes: 'on second thought' });
  expect(await finished(settings, ['run', '--once'])).toMatchObject({ code: 0 });

  const changed = (
    await readCommitted(where.bootstrap, [`${where.prefix}.time_entries`, `${where.prefix}.tasks`])
  ).filter(({ headers }) => headers.__op !== 'r');
  expect(changed.map(({ key, headers }) => `${headers.__op} ${key}`).sort()).toEqual([
    `c ${task.id}`,
    `u ${entry!.id}`,
  ]);
  const updatedAt = Date.parse(where.simulator.truth('tasks').find(({ id }) => id === task.id)!.updated_at as string);
  expect(changed.find(({ headers }) => headers.__op === 'c')!.headers.__source_ts_ms).toBe(String(updatedAt));
});
