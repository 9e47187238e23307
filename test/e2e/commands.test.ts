// Failures before or besides the work, as users meet them: exit code, what and where, and what to do about it.
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { SimulatorOptions } from '../../lab/simulator/index.ts';
import { adminOf } from '../support/clients.ts';
import { daemon, waitsFor } from '../support/daemon.ts';
import { makeTopic } from '../support/kafka.ts';
import { environment, FEW, FEW_STREAMS, finished, start, until, type Where } from '../support/publisher.ts';
import { scene } from '../support/scene.ts';
import { temporaryFolder } from '../support/stack.ts';
import { harvestStreams } from '../support/truth.ts';

/** A small account, and not every stream of it. */
const small = async (options: SimulatorOptions = {}) => ({
  ...(await scene({ timeEntries: 20, years: 1, ...options })),
  settings: FEW_STREAMS,
});

describe('the command line', () => {
  test.each([
    [['nosuch'], "harvest-kafka: unknown command 'nosuch'\n  See harvest-kafka --help.\n"],
    [['run', '--nosuch'], "harvest-kafka: unknown option '--nosuch'\n  See harvest-kafka --help.\n"],
    [['streams', '--set'], "option '-s, --set <key=value>' argument missing"],
    [
      ['state', 'show', 'client'],
      'there is no stream named client; did you mean clients?\n  The streams are company, ',
    ],
    [[], 'Usage: harvest-kafka'],
  ])('%j is answered with 64 and what was meant', async (args, said) => {
    const end = await start(args, CONFIGURED).ended;
    expect(end).toMatchObject({ code: 64, output: '' });
    expect(end.errors).toContain(said);
  });

  test('failures are JSON too when that is asked for', async () => {
    for (const [args, code] of [
      [['nosuch', '--json'], 64],
      [['state', 'show', 'nosuch', '--json'], 64],
      [['run', '--json', '--set', 'nosuch.key=1'], 78],
    ] as const) {
      const end = await start(args, CONFIGURED).ended;
      expect(end).toMatchObject({ code, errors: '' });
      expect(JSON.parse(end.output)).toEqual({
        error: {
          code: expect.any(String),
          message: expect.stringContaining('nosuch'),
          remedy: expect.stringMatching(/./),
          exit_code: code,
        },
      });
    }
  });

  test('a reader that has seen enough is no failure', async () => {
    const running = start(['spec'], CONFIGURED);
    running.process.stdout!.destroy();
    expect(await running.ended).toMatchObject({ code: 0, errors: '' });
  });
});

describe('the configuration', () => {
  test('all problems are told at once, with line and nearest key, in the order of the file', async () => {
    const file = join(await temporaryFolder(), 'wrong.yaml');
    const text = `harvest:
  acounts: []
  accounts:
    - id: 1
      access_token: \${file:/nosuch/token}
kafka: { brokers: 'b:1', ssl: { ca_file: /nosuch/ca.pem } }
schema_registry: { url: 'http://r' }
streams: { client: { enabled: false } }
`;
    await writeFile(file, text);
    const end = await start(['run', '--config', file]).ended;
    expect(end).toMatchObject({ code: 78, output: '' });
    expect(end.errors.replaceAll(file, 'FILE').split('\n')).toEqual([
      'harvest-kafka: FILE:2:3: harvest.acounts is not a key; did you mean harvest.accounts?',
      'FILE:5:21: harvest.accounts.0.access_token cannot be read from /nosuch/token (there is no such file)',
      'FILE:6:42: kafka.ssl.ca_file names a file that cannot be read: /nosuch/ca.pem (there is no such file)',
      'FILE:8:12: streams.client is not a key; did you mean streams.clients?',
      '  Correct what is shown; config/reference.yaml lists every key.',
      '',
    ]);
  });

  test('a file that is not there, and a variable that is not set or empty', async () => {
    expect(await start(['check', '--config', '/nosuch.yaml']).ended).toMatchObject({
      code: 78,
      errors: expect.stringContaining('/nosuch.yaml: cannot be read (there is no such file)'),
    });
    const { HARVEST_ACCESS_TOKEN: _, ...rest } = CONFIGURED;
    expect(await start(['run'], rest).ended).toMatchObject({
      code: 78,
      errors: expect.stringContaining('needs the environment variable HARVEST_ACCESS_TOKEN, which is not set'),
    });
    expect(await start(['run'], { ...rest, HARVEST_ACCESS_TOKEN: '' }).ended).toMatchObject({
      code: 78,
      errors: expect.stringContaining('needs either access_token or oauth; ${HARVEST_ACCESS_TOKEN} is empty'),
    });
  });
});

test('every command answers in JSON', async () => {
  const where = await small();
  expect(await finished(where, ['run', '--once'])).toMatchObject({ code: 0 });
  const commands = [
    'check',
    'plan',
    'streams',
    'state show',
    'state show clients',
    'schemas diff',
    'schemas register',
    'spec',
  ];
  const answers = await Promise.all(
    [...commands, 'version'].map((command) => finished(where, [...command.split(' '), '--json'])),
  );
  expect(answers.map(({ code, errors }) => ({ code, errors }))).toEqual(answers.map(() => ({ code: 0, errors: '' })));
  const [checked, planned, streams, state] = answers.map(({ output }) => JSON.parse(output));
  expect(checked).toMatchObject({ next: 'harvest-kafka verify (with the same --set)' });
  const general = planned[0].budgets.general.requests;
  expect(checked.planned).toMatchObject([{ account_id: planned[0].account_id, general: { requests: general } }]);
  expect(streams).toHaveLength(harvestStreams.length);
  expect(state).toContainEqual(expect.objectContaining({ stream: 'clients', complete: true, state: 'RUNNING' }));
});

test('state show says when nothing is stored yet', async () => {
  const where = await small();
  expect(await finished(where, ['state', 'show'])).toMatchObject({ code: 0, output: 'Nothing is stored yet.\n' });
});

describe('an account of which something is refused', () => {
  test('shows it in check, status and readiness, and goes on with the rest [P9]', async () => {
    const where = await small();
    const { faults, data } = where.simulator;
    faults.add({ match: { stream: 'contacts' }, do: { kind: 'status', status: 403 } });
    faults.add({ match: { stream: 'roles' }, do: { kind: 'status', status: 404 } });
    Object.assign(data.company, { expense_feature: false });

    const check = await finished(where, ['check']);
    expect(check.code).toBe(77);
    expect(check.output).toMatch(/^polls +while the account lives +ok +a change is seen within /m);
    expect(check.output).toMatch(/^stream +expenses +FEATURE_OFF +the company has this module switched off/m);
    expect(check.output).toMatch(
      /^stream contacts: FORBIDDEN\n {2}GET .*\/contacts.* answered 403: .*\n {2}This stream can be read by: .*streams\.contacts\.enabled: false\.$/m,
    );
    expect(check.output).toMatch(/^stream roles: FORBIDDEN\n {2}GET .*\/roles.* answered 404/m);
    expect(check.output).toMatch(
      /^Reading everything takes about \d+ general requests: .* which harvest-kafka plan counts\.$/m,
    );
    expect(check.output).toMatch(
      /\nNext: mend stream contacts as said above, then: harvest-kafka check \(with the same --set\)\n$/,
    );

    const once = await finished(where, ['run', '--once']);
    expect(once).toMatchObject({
      code: 77,
      errors: expect.stringMatching(
        /^harvest-kafka: 2 of \d+ streams were not read completely:\ncontacts of account \d+ \(FORBIDDEN\): .*answered 403.*\nroles of account/,
      ),
    });
    expect(once.output).toContain('the company has this module switched off (expense_feature is false)');

    const running = await daemon(where);
    await until('everything else is complete', async () => (await running.readiness()).reasons.length === 2);
    const ready = await running.readiness();
    expect(ready).toMatchObject({ status: 503, ready: false });
    expect(ready.reasons.map(({ stream, state, remedy }) => ({ stream, state, remedy }))).toEqual([
      { stream: 'contacts', state: 'FORBIDDEN', remedy: expect.stringContaining('streams.contacts.enabled: false') },
      { stream: 'roles', state: 'FORBIDDEN', remedy: expect.stringContaining('streams.roles.enabled: false') },
    ]);
    expect(ready.notes).toContainEqual(expect.objectContaining({ stream: 'expenses', state: 'FEATURE_OFF' }));
    const [account] = await running.accounts();
    expect(account!.streams.find(({ stream }) => stream === 'contacts')).toMatchObject({ state: 'FORBIDDEN', rows: 0 });
  });

  test('is ready all the same when only a module is off [P9]', async () => {
    const where = await small();
    Object.assign(where.simulator.data.company, { estimate_feature: false });
    const running = await daemon(where);
    await until('ready', async () => (await running.readiness()).ready);
  });

  test('ends run --once with 75 when a stream is blocked, and says what Harvest said', async () => {
    const where = await small();
    const body = '{"message":"per_page is out of range"}';
    where.simulator.faults.add({ match: { stream: 'tasks' }, do: { kind: 'status', status: 422, body } });
    expect(await finished(where, ['run', '--once'])).toMatchObject({
      code: 75,
      errors: expect.stringMatching(
        /1 of \d+ streams was not read completely:\ntasks of account \d+ \(BLOCKED\): .*per_page is out/,
      ),
    });
  });

  test('ends run --once with 77 when nothing can be read at all', async () => {
    const where = await small();
    where.simulator.faults.add({ do: { kind: 'status', status: 404 } });
    expect(await finished(where, ['run', '--once'])).toMatchObject({
      code: 77,
      errors: expect.stringMatching(
        /no stream can be read: GET .*\/users\/me answered 404.*\n {2}Check harvest\.base_url/,
      ),
    });
  });
});

describe('the token', () => {
  test('of another account is refused', async () => {
    const where = await small();
    const env = { ...environment(where), HARVEST_ACCOUNT_ID: '999' };
    const end = await start(['check', '--set', `topics.prefix=${where.prefix}`], env).ended;
    expect(end.code).toBe(77);
    expect(end.output).toMatch(
      /^account 999: failed\n.*answered 401.*\n {2}Check the access token and the account id/m,
    );
  });

  test('that is refused ends run and check with 77, and is not repeated [P9 P10]', async () => {
    const where = await small();
    const token = 'canary-that-harvest-does-not-know';
    const settings = [...FEW_STREAMS, `topics.prefix=${where.prefix}`, 'http.listen=off', 'log.level=trace'];
    for (const command of [['run'], ['check', '--json']]) {
      const env = { ...environment(where), HARVEST_ACCESS_TOKEN: token };
      const end = await start([...command, ...settings.flatMap((setting) => ['--set', setting])], env).ended;
      expect(end.code, end.output + end.errors).toBe(77);
      expect(end.output + end.errors).toContain('Check the access token');
      expect(end.output + end.errors).not.toContain(token);
    }
  });

  test('that is refused from the first request on leaves nothing behind: no topic and no subject', async () => {
    const where = await small();
    const env = { ...environment(where), HARVEST_ACCESS_TOKEN: 'refused' };
    const settings = [...FEW_STREAMS, `topics.prefix=${where.prefix}`, 'http.listen=off'];
    const end = await start(['run', ...settings.flatMap((setting) => ['--set', setting])], env).ended;
    expect(end.code, end.output + end.errors).toBe(77);
    const admin = await adminOf(where.bootstrap);
    onTestFinished(() => admin.disconnect());
    expect((await admin.listTopics()).filter((topic) => topic.startsWith(where.prefix))).toEqual([]);
    const subjects = (await (await fetch(`${where.registryUrl}/subjects`)).json()) as string[];
    expect(subjects.filter((subject) => subject.startsWith(where.prefix))).toEqual([]);
  });

  test('that is refused later leaves the daemon alive and not ready, with the reason', async () => {
    const where = await small();
    const settings = [...where.settings, 'streams.clients.poll_interval_seconds=1'];
    const running = await daemon({ ...where, settings });
    await until('ready', async () => (await running.readiness()).ready, 120);
    where.simulator.tokens.revokeAllAccess();
    await waitsFor(running, /answered 401/);
    expect((await fetch(`${running.address}/health/live`)).status).toBe(200);
  });

  test('is not blamed when there is no Harvest at the address', async () => {
    const where = await small();
    const env = { ...environment(where), HARVEST_BASE_URL: `${where.registryUrl}/v2` };
    const end = await start(['check', '--set', `topics.prefix=${where.prefix}`], env).ended;
    expect(end.code).toBe(75);
    expect(end.output).toContain('There is no such address: check harvest.base_url');
  });
});

test('a port in use ends run with 69 and the address', async () => {
  const where = await small();
  const holder = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void holder.close());
  await until('the port is taken', () => holder.listening);
  const { port } = holder.address() as AddressInfo;
  const end = await finished({ ...where, settings: [`http.listen=127.0.0.1:${port}`] }, ['run']);
  expect(end).toMatchObject({
    code: 69,
    errors: `harvest-kafka: http.listen 127.0.0.1:${port} cannot be taken: the port is in use\n  Choose another http.listen, or stop the program that holds the port.\n`,
  });
});

describe('the registry', () => {
  const refused = async (where: Where, registryUrl = where.registryUrl) => {
    const end = await finished({ ...where, registryUrl }, ['run', '--once']);
    expect(end.code).toBe(65);
    return end.errors;
  };

  test('at a wrong address is refused with that address', async () => {
    const where = await small();
    const wrong = `${new URL(where.registryUrl).origin}/nosuch`;
    const errors = await refused(where, wrong);
    expect(errors).toContain(`POST ${wrong}/subjects/`);
    expect(errors).toMatch(/answered 404\n {2}.*schema_registry\.url/);
  });

  test('with another schema under our subject is refused, and nothing is registered', async () => {
    const where = await small();
    const subject = `${where.prefix}.clients-value`;
    const foreign = { type: 'record', name: 'Other', fields: [{ name: 'id', type: 'string' }] };
    const put = (method: string, path: string, body: object) =>
      fetch(`${where.registryUrl}${path}`, {
        method,
        headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
        body: JSON.stringify(body),
      });
    await put('POST', `/subjects/${subject}/versions`, { schema: JSON.stringify(foreign) });
    await put('PUT', `/config/${subject}`, { compatibility: 'FULL_TRANSITIVE' });
    expect(await refused(where)).toContain(`${subject} does not take our schema`);
    const diff = await finished(where, ['schemas', 'diff', '--json']);
    expect(diff.code).toBe(65);
    const states = (JSON.parse(diff.output) as { subject: string; state: string }[]).map(({ state }) => state);
    expect(states.filter((state) => state === 'incompatible')).toHaveLength(1);
    expect(states).not.toContain('registered');
  });

  test('without our schemas, when they may not be registered: all of them are listed; the command given mends it', async () => {
    const where = await small();
    const strict = { ...where, settings: [...FEW_STREAMS, 'schema_registry.auto_register=false'] };
    const errors = await refused(strict);
    expect(errors.match(/ is not registered$/gm)).toHaveLength(2 * FEW.length);
    expect(errors).toContain('harvest-kafka schemas register');
    expect(await finished(strict, ['schemas', 'register'])).toMatchObject({ code: 0 });
    expect(await finished(strict, ['run', '--once'])).toMatchObject({ code: 0 });
  });
});

describe('topics', () => {
  test('that would lose records are refused with the command that mends them', async () => {
    const where = await small();
    const topic = `${where.prefix}.clients`;
    await makeTopic(where.bootstrap, { topic, configEntries: [{ name: 'cleanup.policy', value: 'delete' }] });
    const command = `kafka-configs.sh --bootstrap-server ${where.bootstrap} --alter --entity-type topics --entity-name ${topic} --add-config cleanup.policy=compact`;
    for (const end of [await finished(where, ['run', '--once']), await finished(where, ['check'])]) {
      expect(end.code).toBe(65);
      expect(end.output + end.errors).toContain('cleanup.policy is delete, so records expire that must stay');
      expect(end.output + end.errors).toContain(`\n  ${command}\n`);
    }
  });

  test('with keys of another format are refused instead of holding every record twice', async () => {
    const where = await small();
    expect(await finished(where, ['run', '--once'])).toMatchObject({ code: 0 });
    expect(
      await finished({ ...where, settings: [...FEW_STREAMS, 'key.format=string'] }, ['run', '--once']),
    ).toMatchObject({
      code: 65,
      errors: expect.stringMatching(/carries a key in Avro, this configuration writes text\n {2}Set key\.format back/),
    });
    expect(await finished(where, ['run', '--once'])).toMatchObject({ code: 0 });
  });
});

/** Enough for commands that reach nobody. */
const CONFIGURED = { HARVEST_ACCOUNT_ID: '1', HARVEST_ACCESS_TOKEN: 't' };

test('the demo that is stopped while it starts ends without a complaint', async () => {
  const data = await temporaryFolder();
  const running = start(['demo', '--data', data], {
    HARVEST_KAFKA_LAB_CACHE: process.env.HARVEST_KAFKA_LAB_CACHE ?? '',
    HOME: homedir(),
  });
  await until('the broker is being started', () => existsSync(join(data, 'simulated', 'broker')));
  running.process.kill('SIGINT');
  expect(await running.ended).toMatchObject({ code: 0, errors: '' });
});
