// P7 on the real broker: one bad record and one that is too large stop nothing, and nothing of them is lost.
import { expect, test } from 'vitest';
import { readTopics } from '../support/consumer.ts';
import { finished } from '../support/publisher.ts';
import { scene } from '../support/scene.ts';
import { viewOf } from '../support/view.ts';

test('what cannot be published arrives whole on the dead letters, once, with the names that Connect gives', async () => {
  const where = await scene({ timeEntries: 50, years: 0.2 });
  const { data } = where.simulator;
  const [task] = data.tasks.all();
  const [project] = data.projects.all();
  const notes = 'x'.repeat(2_000_000);
  data.tasks.update(task!.id, { billable_by_default: 'perhaps' as never });
  data.projects.update(project!.id, { notes });
  for (const _ of ['first', 'again']) expect(await finished(where, ['run', '--once'])).toMatchObject({ code: 0 });

  const letters = await readTopics(where.bootstrap, [`${where.prefix}.dead-letters`]);
  const byKey = new Map(letters.map((letter) => [String(letter.key), letter]));
  expect(letters).toHaveLength(2);
  expect(JSON.parse(String(byKey.get(String(project!.id))!.value))).toMatchObject({ id: project!.id, notes });
  expect(byKey.get(String(task!.id))!.headers).toMatchObject({
    '__connect.errors.topic': `${where.prefix}.tasks`,
    '__connect.errors.stage': 'VALUE_CONVERTER',
    '__connect.errors.exception.message': expect.stringContaining('boolean'),
  });
  const { differences } = await viewOf(where);
  expect(differences).toEqual(
    [`tasks ${task!.id}: in Harvest, but not on the topic`, `projects ${project!.id}: in Harvest, but not on the topic`]
      .sort()
      .reverse(),
  );
});
