// P7 on the real broker: a bad record, one that is too large for its topic, and one that is too large for any topic stop
// nothing; of the first two nothing is lost, of the third it is said what is missing.
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { readCommitted } from '../support/kafka.ts';
import { finished } from '../support/publisher.ts';
import { scene } from '../support/scene.ts';
import { viewOf } from '../support/view.ts';

/** Of a record that no topic takes, in letters that do not compress. */
const HUGE = Number(process.env.TEST_RECORD_BYTES ?? 12_000_000);

test('a record that cannot be published arrives whole on the dead letters, once, with the header names that Connect gives [P7]', async () => {
  const where = await scene({ timeEntries: 50, years: 0.2 });
  const { data } = where.simulator;
  const [task] = data.tasks.all();
  const [project, other] = data.projects.all();
  const notes = 'x'.repeat(2_000_000);
  data.tasks.update(task!.id, { billable_by_default: 'perhaps' as never });
  data.projects.update(project!.id, { notes });
  data.projects.update(other!.id, { notes: randomBytes(0.75 * HUGE).toString('base64') });
  for (const _ of ['first', 'again']) expect(await finished(where, ['run', '--once'])).toMatchObject({ code: 0 });

  const letters = await readCommitted(where.bootstrap, [`${where.prefix}.dead-letters`]);
  const byKey = new Map(letters.map((letter) => [String(letter.key), letter]));
  expect(letters).toHaveLength(3);
  expect(JSON.parse(String(byKey.get(String(project!.id))!.value))).toMatchObject({ id: project!.id, notes });
  expect(byKey.get(String(task!.id))!.headers).toMatchObject({
    '__connect.errors.topic': `${where.prefix}.tasks`,
    '__connect.errors.stage': 'VALUE_CONVERTER',
    '__connect.errors.exception.message': expect.stringContaining('boolean'),
  });
  expect(byKey.get(String(other!.id))).toMatchObject({
    value: null,
    headers: {
      '__connect.errors.topic': `${where.prefix}.projects`,
      '__connect.errors.exception.message': expect.stringContaining('its topic takes'),
      __omitted: expect.stringMatching(/^a record of \d+ bytes: a letter takes \d+$/),
    },
  });
  const listed = await finished(where, ['dead-letters', 'list', 'projects', '--json']);
  expect(
    JSON.parse(listed.output).map(({ id, record }: { id: string; record: unknown }) => [id, record === null]),
  ).toEqual(
    expect.arrayContaining([
      [String(project!.id), false],
      [String(other!.id), true],
    ]),
  );
  const { differences } = await viewOf(where);
  const missing = [`tasks ${task!.id}`, `projects ${project!.id}`, `projects ${other!.id}`];
  expect(differences.toSorted()).toEqual(missing.map((row) => `${row}: in Harvest, but not on the topic`).toSorted());
});
