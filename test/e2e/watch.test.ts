// `watch` on real topics: what a person, or a program that takes lines, sees of the changes that a publisher commits.
import { expect, test } from 'vitest';
import { FEW_STREAMS, finished, start, until } from '../support/publisher.ts';
import { type Scene, scene } from '../support/scene.ts';

/** Nothing of Harvest in its environment. */
function watching({ bootstrap, registryUrl, prefix }: Scene, ...words: readonly string[]) {
  const env = { KAFKA_BROKERS: bootstrap, SCHEMA_REGISTRY_URL: registryUrl };
  return start(['watch', ...words, '--set', `topics.prefix=${prefix}`], env);
}

async function stopped(running: ReturnType<typeof start>) {
  running.process.kill('SIGINT');
  return running.ended;
}

test('changes are shown as they are committed, old and new, without a token of Harvest; Ctrl-C ends it', async () => {
  const where = { ...(await scene({ timeEntries: 20, years: 0.2 })), settings: FEW_STREAMS };
  const { data } = where.simulator;
  const client = { ...data.clients.all()[0]! };
  const lines = watching(where, 'clients', 'tasks');
  await until('it says what is not there yet', async () => lines.errors() !== '');
  expect(lines.errors()).toContain(`Not there yet, and waited for: ${where.prefix}.clients, ${where.prefix}.tasks`);

  expect(await finished(where, ['run', '--once'])).toMatchObject({ code: 0 });
  await lines.printed(/read for the first time: .*clients \d+/);

  const objects = watching(where, 'clients', '--json', '--from-beginning');
  await objects.printed(/"op":"r"/);
  where.pass(60_000);
  data.clients.update(client.id, { name: 'Renamed\u001b[2J', is_active: false });
  const made = data.clients.create({ name: 'Brand new' });
  const gone = data.tasks.create({ name: 'Soon gone' });
  expect(await finished(where, ['run', '--once'])).toMatchObject({ code: 0 });
  await lines.printed(/Soon gone/);
  data.tasks.delete(gone.id);
  where.pass(60_000);
  expect(await finished(where, ['run', '--once'])).toMatchObject({ code: 0 });
  await lines.printed(/ - tasks/);

  const said = await stopped(lines);
  expect(said.code).toBe(130);
  const shown = linesOf(said.output).map((line) => line.replace(/ +/g, ' '));
  expect(shown).toContainEqual(
    expect.stringMatching(
      `^\\d\\d:\\d\\d:\\d\\d ~ clients ${client.id} name ${client.name} → Renamed .*, is_active true → false$`,
    ),
  );
  expect(said.output).not.toContain('\u001b');
  expect(shown).toContainEqual(expect.stringMatching(`^\\S+ \\+ clients ${made.id} Brand new$`));
  expect(shown).toContainEqual(expect.stringMatching(`^\\S+ - tasks ${gone.id} Soon gone$`));

  const told = await stopped(objects);
  expect(told.code).toBe(130);
  const changes = linesOf(told.output).map((line) => JSON.parse(line));
  expect(changes.filter(({ op }) => op === 'r')).toHaveLength(data.clients.all().length - 1);
  expect(changes).toContainEqual(expect.objectContaining({ op: 'c', key: { id: made.id }, before: null }));
  expect(changes).toContainEqual({
    account_id: '0',
    stream: 'clients',
    topic: `${where.prefix}.clients`,
    partition: expect.any(Number),
    offset: expect.any(Number),
    at: expect.stringMatching(/Z$/),
    op: 'u',
    key: { id: client.id },
    before: expect.objectContaining({ id: client.id, name: client.name, is_active: true }),
    after: expect.objectContaining({ id: client.id, name: 'Renamed\u001b[2J', is_active: false }),
  });
});

test('a stream that there is none of is refused with the one that was meant', async () => {
  const where = await scene({ timeEntries: 0, years: 0.1 });
  const ended = await watching(where, 'client').ended;
  expect(ended).toMatchObject({ code: 64, errors: expect.stringContaining('did you mean clients?') });
});

function linesOf(output: string): string[] {
  return output.split('\n').filter((line) => line !== '');
}
