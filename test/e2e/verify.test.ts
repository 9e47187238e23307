// `verify` with the built command: what a person or a fault has done to the topics is found, what is only under way is not.
import { expect, test } from 'vitest';
import { differs, type StreamFinding } from '../../src/verify/finding.ts';
import { patientClient } from '../support/clients.ts';
import { daemon } from '../support/daemon.ts';
import { readCommitted } from '../support/kafka.ts';
import { type Ended, finished, NO_LIMITS, publisher, until, type Where } from '../support/publisher.ts';
import { scene } from '../support/scene.ts';
import { harvestStreams } from '../support/truth.ts';

const SMALL = { timeEntries: 60, years: 0.2 };
/** Keys as text, so that a test can write them by hand. */
const TEXT_KEYS = [...NO_LIMITS, 'key.format=string'];

interface VerifyOutput {
  readonly equal: boolean;
  readonly sample: number | null;
  readonly accounts: readonly [{ readonly requests: number; readonly streams: readonly StreamFinding[] }];
}

function answerOf({ output }: Ended): VerifyOutput & { readonly found: string[] } {
  const answer = JSON.parse(output) as VerifyOutput;
  const found = answer.accounts[0].streams
    .filter(differs)
    .flatMap(({ stream, missing, extra, stale }) => [
      ...missing.map((id) => `${stream} missing ${id}`),
      ...extra.map((id) => `${stream} extra ${id}`),
      ...stale.map(({ id, fields }) => `${stream} stale ${id} ${fields}`),
    ]);
  return { ...answer, found };
}

const named = (name: string) => (status: { readonly stream: string }) => status.stream === name;

/** Writes to a topic what nobody should. */
async function produceByHand(where: Where, stream: string, key: string, value: Buffer | null): Promise<void> {
  const producer = patientClient(where.bootstrap).producer();
  await producer.connect();
  await producer.send({ topic: `${where.prefix}.${stream}`, messages: [{ key, value }] });
  await producer.disconnect();
}

test('verify ends with 0 after run --once, and finds a tombstone and an old value by hand and a missed deletion [P1]', async () => {
  const where = { ...(await scene(SMALL)), settings: TEXT_KEYS };
  const { data } = where.simulator;
  const [task] = data.tasks.all();
  const [client] = data.clients.all();
  expect(await finished(where, ['run', '--once'])).toMatchObject({ code: 0 });
  const old = (await readCommitted(where.bootstrap, [`${where.prefix}.clients`])).find(
    ({ key }) => String(key) === String(client!.id),
  )!;
  data.clients.update(client!.id, { address: 'moved away' });
  expect(await finished(where, ['run', '--once'])).toMatchObject({ code: 0 });

  const messages = () => readCommitted(where.bootstrap, [`${where.prefix}.state`, `${where.prefix}.clients`]);
  const before = (await messages()).length;
  const equal = await finished(where, ['verify', '--alone', '--json']);
  expect(equal, equal.errors).toMatchObject({ code: 0, errors: '' });
  expect(answerOf(equal)).toMatchObject({ equal: true, sample: null, found: [] });
  expect(answerOf(equal).accounts[0].streams.map(({ state }) => state)).toEqual(
    Array(harvestStreams.length).fill('compared'),
  );
  expect(await messages()).toHaveLength(before);

  await produceByHand(where, 'tasks', String(task!.id), null);
  await produceByHand(where, 'clients', String(client!.id), old.value);
  const [message] = data.invoice_messages.all();
  data.invoice_messages.delete(message!.id);
  const unequal = await finished(where, ['verify', '--alone', '--json']);
  expect(unequal).toMatchObject({ code: 65, errors: '' });
  expect(answerOf(unequal)).toMatchObject({
    equal: false,
    found: [
      `clients stale ${client!.id} address,updated_at`,
      `tasks missing ${task!.id}`,
      `invoice_messages extra ${message!.id}`,
    ],
  });
  expect(unequal.output).not.toContain('moved away');

  where.simulator.faults.add({ match: { stream: 'contacts' }, do: { kind: 'status', status: 403 } });
  const shown = await finished(where, ['verify', 'clients', 'tasks', 'contacts', '--alone', '--values']);
  expect(shown.code).toBe(65);
  expect(shown.output).toMatch(/^account \d+: about 3 general requests at 1000000 per 1 s\n/);
  expect(shown.output).toMatch(/^stream +compared +missing +extra +stale +moving +refused/m);
  expect(shown.output).toMatch(/^contacts +0 +0 +0 +0 +0 +0 +FORBIDDEN, not compared$/m);
  expect(shown.output).toContain(`tasks: missing on the topic\n  ${task!.id}\n`);
  expect(shown.output).toContain(`address: Harvest "moved away", topic `);
  expect(shown.output).toMatch(/2 of 2 streams differ\.\n$/);
  expect(await finished(where, ['verify', 'contacts', '--alone'])).toMatchObject({ code: 77 });
});

test('a verify that is stopped shows what it has compared, and says that this is not all [P9]', async () => {
  const where = { ...(await scene(SMALL)), settings: NO_LIMITS };
  expect(await finished(where, ['run', '--once', '--only', 'clients,tasks'])).toMatchObject({ code: 0 });
  const { data, faults } = where.simulator;
  const { id } = data.clients.create({ name: 'nobody has published it' });
  faults.add({ match: { stream: 'tasks' }, do: { kind: 'hang' } });
  const stop = async (json: readonly string[]) => {
    where.simulator.log.clear();
    const running = publisher(where, ['verify', 'clients', 'tasks', '--alone', ...json]);
    await until('the tasks are asked for', () => where.simulator.log.all().some(({ stream }) => stream === 'tasks'));
    running.process.kill('SIGINT');
    return running.ended;
  };
  const stopped = await stop(['--json']);
  expect(stopped, stopped.errors).toMatchObject({ code: 130, errors: '' });
  expect(JSON.parse(stopped.output)).toMatchObject({ equal: null, partial: true });
  expect(answerOf(stopped).found).toEqual([`clients missing ${id}`]);
  const shown = await stop([]);
  expect(shown).toMatchObject({ code: 130, errors: '' });
  expect(shown.output).toContain(`clients: missing on the topic\n  ${id}\n`);
  expect(shown.output).toMatch(/Stopped: 0 of 2 streams were compared, 0 of them differ\.\n$/);
});

test('beside a running daemon, a change in the middle of verify is no difference; a sample says that it is one', async () => {
  const where = { ...(await scene(SMALL)), settings: [...NO_LIMITS, 'streams.clients.poll_interval_seconds=1'] };
  const { data, faults } = where.simulator;
  const [client] = data.clients.all();
  let created = 0;
  const running = await daemon(where);
  const isComplete = async () => (await running.accounts())[0]?.streams.find(named('clients'))?.complete === true;
  await until('the clients are published', isComplete);

  // The daemon asks with updated_since: this is the page of verify, which has read the topic before.
  let asked = 0;
  faults.add({
    match: { path: '/clients\\?per_page=2000$' },
    do: {
      kind: 'before',
      run: () => {
        if (asked++ > 0) return;
        data.clients.update(client!.id, { address: 'moved in the middle' });
        created = data.clients.create({ name: 'A new one' }).id;
      },
    },
  });
  const args = ['verify', 'clients', '--requests', '1000', '--patience', '5', '--json'];
  const during = await finished(where, args);
  expect(during, during.errors).toMatchObject({ code: 0 });
  expect(asked).toBeGreaterThan(0);
  expect(answerOf(during).accounts[0].streams).toMatchObject([{ stream: 'clients', moving: 0, state: 'compared' }]);
  expect(running.process.exitCode).toBeNull();
  running.process.kill('SIGTERM');
  expect((await running.ended).code).toBe(143);

  data.clients.delete(created);
  const sample = await finished(where, ['verify', 'clients', '--alone', '--sample', '2']);
  expect(sample.code).toBe(65);
  expect(sample.output).toContain('This was a sample of at most 2 rows a stream, not all of them.');
  expect(sample.output).toMatch(/clients: Harvest counts \d+ rows, the topic \d+/);
});
