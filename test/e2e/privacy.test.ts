// Excluded fields with the built command: a mark in every field that is excluded or hashed, and
// everything that leaves the program searched for it.
import { expect, test } from 'vitest';
import { readCommitted } from '../support/kafka.ts';
import { finished, NO_LIMITS, onlyStreams, publisher, until } from '../support/publisher.ts';
import { scene } from '../support/scene.ts';

const STREAMS = ['company', 'clients', 'contacts', 'invoices', 'tasks'];
const SETTINGS = [
  ...NO_LIMITS,
  ...onlyStreams(...STREAMS),
  'log.level=trace',
  'http.listen=127.0.0.1:0',
  'privacy.salt=canary-salt',
  'streams.clients.fields.exclude=statement_key,address',
  'streams.contacts.fields.exclude=email,title',
  'streams.contacts.fields.hash=last_name',
  'streams.invoices.fields.exclude=client_key,line_items.description',
];
const MARKS = [
  'canary-key',
  'canary-address',
  'canary-email',
  'canary-title',
  'canary-name',
  'canary-line',
  'canary-salt',
];
const PAGES = ['/', '/status', '/metrics', '/health/ready', '/health/live'];
const COMMANDS = [
  'check',
  'state show --json',
  'dead-letters list --json',
  'schemas diff --json',
  'verify --alone --values --patience 0',
  'verify --alone --values --patience 0 --json',
];

test('an excluded value is in no topic, log, dead letter, metric, status, page or error, and a hashed one is not to be read [P10]', async () => {
  const where = { ...(await scene({ timeEntries: 60, years: 0.3 })), settings: SETTINGS };
  const { data } = where.simulator;
  for (const { id } of data.clients.all()) {
    data.clients.update(id, { statement_key: 'canary-key', address: 'canary-address' });
  }
  for (const { id } of data.contacts.all()) {
    data.contacts.update(id, { email: 'canary-email', title: 'canary-title', last_name: 'canary-name' });
  }
  for (const { id, line_items } of data.invoices.all()) {
    const items = line_items.map((item) => ({ ...item, description: 'canary-line' }));
    data.invoices.update(id, { client_key: 'canary-key', line_items: items });
  }
  // One record is refused as a whole, one differs from its topic when it is verified.
  const [refused, late] = data.contacts.all();
  data.contacts.update(refused!.id, { first_name: ['canary', 'refused'] as never });

  const running = publisher(where, ['run']);
  const [, address] = await running.printed(/"address":"([^"]+)"/);
  const ready = () => fetch(`${address}/health/ready`).then(({ status }) => status === 200);
  await until('everything is complete', ready);
  const said = new Map<string, string>();
  for (const path of PAGES) said.set(path, await (await fetch(`${address}${path}`)).text());
  running.process.kill('SIGTERM');
  const { code, output, errors } = await running.ended;
  expect(code).toBe(143);
  said.set('run', output + errors);

  data.contacts.update(late!.id, { email: 'canary-email', last_name: 'canary-name', first_name: 'Late' });
  for (const command of COMMANDS) {
    const ended = await finished(where, command.split(' '));
    said.set(command, ended.output + ended.errors);
  }
  const names = [...STREAMS, 'state', 'dead-letters', 'notifications'].map((name) => `${where.prefix}.${name}`);
  const messages = await readCommitted(where.bootstrap, names);
  for (const { topic, key, value, headers } of messages) {
    const words = `${key.toString('latin1')} ${value?.toString('latin1')} ${JSON.stringify(headers)}`;
    said.set(topic, `${said.get(topic) ?? ''}\n${words}`);
  }
  const leaks = [...said].flatMap(([place, words]) =>
    MARKS.filter((mark) => words.includes(mark)).map((mark) => `${place}: ${mark}`),
  );
  expect(leaks).toEqual([]);

  // All that would hold a mark is there: each topic, the dead letter, the difference.
  expect(names.filter((name) => !said.has(name))).toEqual([]);
  expect(said.get('dead-letters list --json')).toContain('"refused"');
  expect(said.get('verify --alone --values --patience 0 --json')).toContain('Late');
  expect(said.get('schemas diff --json')).toContain('registered');
  const letters = messages.filter(({ topic }) => topic.endsWith('.dead-letters'));
  expect(letters.map(({ value }) => JSON.parse(String(value)))).toEqual([
    expect.objectContaining({ id: refused!.id, last_name: expect.stringMatching(/^[0-9a-f]{64}$/) }),
  ]);
  for (const field of ['email', 'title']) expect(JSON.parse(String(letters[0]!.value))).not.toHaveProperty(field);
});

test('a field that is hashed on topics that have it as a number is refused before anything is written, with the remedy [P10]', async () => {
  const where = {
    ...(await scene({ timeEntries: 20, years: 0.2 })),
    settings: [...NO_LIMITS, ...onlyStreams('company', 'tasks')],
  };
  expect(await finished(where, ['run', '--once'])).toMatchObject({ code: 0 });
  const settings = [...where.settings, 'privacy.salt=s', 'streams.tasks.fields.hash=default_hourly_rate'];
  for (const command of ['run --once', 'check', 'schemas diff']) {
    const { code, output, errors } = await finished({ ...where, settings }, command.split(' '));
    expect(code, command).toBe(65);
    const told = 'default_hourly_rate is bytes (decimal) there and string here';
    expect(`${output}${errors}`.replaceAll(/\s+/g, ' '), command).toContain(told);
    if (command === 'run --once') expect(errors).toContain('topics.prefix');
  }
});
