// What `sink apply` makes of answers that Kafka Connect gives before and besides the good ones. The server of these tests gives
// answers over real HTTP that a healthy worker does not give.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import { applyConnector } from '../../../src/sink/apply.ts';
import { createConnectClient } from '../../../src/sink/connect-client.ts';
import { EPOCH } from '../../support/epoch.ts';

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

const CONNECTOR = { name: 'harvest-sink', config: { 'tasks.max': '1' } };
const DONE: Answer = { status: 200, body: {} };
const BUSY: Answer = { status: 409, body: { error_code: 409, message: 'rebalance in progress' } };

const state = (connector: string, tasks: readonly object[]): Answer => ({
  status: 200,
  body: { name: CONNECTOR.name, connector: { state: connector }, tasks: tasks.map((task, id) => ({ id, ...task })) },
});
const RUNNING = state('RUNNING', [{ state: 'RUNNING' }]);

/** A server that gives these answers to each request in turn, the last one for ever. */
async function answering(answers: Readonly<Record<string, readonly Answer[]>>) {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const name = `${request.method} ${request.url!.replace('/connectors/harvest-sink', '')}`;
    const before = requests.filter((each) => each === name).length;
    requests.push(name);
    const { status, body } = answers[name]?.at(before) ?? answers[name]?.at(-1) ?? DONE;
    request
      .resume()
      .on('end', () => response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

/** Sleeping takes no time, and nothing that is answered over a socket ever takes too long. */
function sleepless(): Clock {
  let sleptMs = 0;
  return {
    now: () => EPOCH + sleptMs,
    monotonic: () => sleptMs,
    sleep: async (ms) => {
      sleptMs += ms;
    },
    after: () => () => {},
  };
}

async function applied(url: string, fromBeginning = false) {
  const clock = sleepless();
  const client = createConnectClient(url, clock);
  onTestFinished(() => client.close());
  const signal = new AbortController().signal;
  return applyConnector(client, CONNECTOR, { clock, random: () => 1, signal, patienceMs: 60_000, fromBeginning });
}

test('it waits while the workers share out their tasks, and until all has run for a while', async () => {
  const { url, requests } = await answering({
    'PUT /config': [BUSY, BUSY, DONE],
    'GET /status': [
      { status: 404, body: { error_code: 404, message: 'No status found' } },
      state('UNASSIGNED', []),
      state('RUNNING', []),
      state('RUNNING', [{ state: 'RUNNING' }, { state: 'UNASSIGNED' }]),
      state('RUNNING', [{ state: 'RUNNING' }, { state: 'RUNNING' }]),
    ],
  });
  expect(await applied(url)).toMatchObject({ tasks: [{ state: 'RUNNING' }, { state: 'RUNNING' }] });
  expect(requests.filter((each) => each === 'PUT /config')).toHaveLength(3);
  expect(requests).not.toContain('POST /restart?includeTasks=true&onlyFailed=true');
});

test('a worker that has only begun, and answers 404 without a word, is waited for', async () => {
  const { url, requests } = await answering({
    'PUT /config': [{ status: 404, body: '' }, { status: 404, body: '<html>Not Found</html>' }, DONE],
    'GET /status': [RUNNING],
  });
  expect(await applied(url)).toMatchObject({ tasks: [{ state: 'RUNNING' }] });
  expect(requests.filter((each) => each === 'PUT /config')).toHaveLength(3);
});

test('a task that failed before is started again, and not taken for a new failure', async () => {
  const { url, requests } = await answering({
    'GET /status': [
      state('RUNNING', [{ state: 'FAILED', trace: 'old' }]),
      state('RUNNING', [{ state: 'RESTARTING' }]),
      RUNNING,
    ],
  });
  expect(await applied(url)).toMatchObject({ tasks: [{ state: 'RUNNING' }] });
  expect(requests.filter((each) => each.startsWith('POST /restart'))).toHaveLength(1);
});

test('a task that fails is told with the first line of its trace and with the cause', async () => {
  const trace = [
    'org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask',
    '\tat org.apache.kafka.connect.runtime.WorkerSinkTask.deliverMessages(WorkerSinkTask.java:636)',
    'Caused by: org.hibernate.HibernateException: Unable to determine Dialect',
    'Caused by: org.postgresql.util.PSQLException: FATAL: sorry, too many clients already',
    '\t... 11 more',
  ].join('\n');
  const { url } = await answering({
    'GET /status': [state('RUNNING', [{ state: 'RUNNING' }, { state: 'FAILED', trace }])],
  });
  await expect(applied(url)).rejects.toMatchObject({
    code: 'connect.failed',
    exitCode: 69,
    message:
      'task 1 of harvest-sink has FAILED: org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask\n' +
      '  Caused by: org.postgresql.util.PSQLException: FATAL: sorry, too many clients already',
  });
});

test('a dialect that Debezium misses is told for what it is: a database that cannot be opened', async () => {
  const trace = 'org.hibernate.HibernateException: Unable to determine Dialect without JDBC metadata';
  const { url } = await answering({ 'GET /status': [state('RUNNING', [{ state: 'FAILED', trace }])] });
  await expect(applied(url)).rejects.toMatchObject({
    code: 'connect.failed',
    remedy: expect.stringMatching(/cannot open the database: its address, its log-in.*config\.providers=env/),
  });
});

test('a connector that somebody has paused does not run, and that is told', async () => {
  const { url } = await answering({ 'GET /status': [state('PAUSED', [{ state: 'PAUSED' }])] });
  await expect(applied(url)).rejects.toMatchObject({
    code: 'connect.not_running',
    exitCode: 75,
    message: 'harvest-sink does not run after 60 s: the connector PAUSED, task 0 PAUSED',
  });
});

test('read from the beginning it is stopped first, and its offsets are forgotten once its tasks have ended', async () => {
  const { url, requests } = await answering({
    'DELETE /offsets': [{ status: 400, body: { error_code: 400, message: 'must be in the STOPPED state' } }, DONE],
    'GET /status': [RUNNING],
  });
  await applied(url, true);
  expect(requests.filter((each) => !each.startsWith('GET'))).toEqual([
    'PUT /config',
    'PUT /stop',
    'DELETE /offsets',
    'DELETE /offsets',
    'PUT /resume',
  ]);
});

test.each([
  [400, { error_code: 400, message: 'Connector configuration is invalid: no such class' }, 'connect.refused', 78],
  [401, 'Unauthorized', 'connect.unauthorised', 77],
  [502, '<html>Bad gateway</html>', 'connect.refused', 78],
] as const)('an answer %i to its settings ends it with what was said', async (status, body, code, exitCode) => {
  const { url } = await answering({ 'PUT /config': [{ status, body }] });
  const failure = await applied(url).catch((error) => error);
  expect(failure).toMatchObject({
    code,
    exitCode,
    message: expect.stringContaining(`/connectors/harvest-sink/config answered ${status}`),
  });
  if (typeof body !== 'string') expect(failure.message).toContain(body.message);
});

test('something else at the address is told from Connect', async () => {
  const { url } = await answering({
    'PUT /config': [{ status: 200, body: '<html></html>' }],
    'GET /status': [{ status: 200, body: '<html></html>' }],
  });
  await expect(applied(url)).rejects.toMatchObject({
    code: 'connect.refused',
    remedy: expect.stringContaining('--connect-url'),
  });
});

test('nobody at the address is waited for, and told when the patience ends', async () => {
  await expect(applied('http://127.0.0.1:1')).rejects.toMatchObject({ code: 'connect.unavailable', exitCode: 69 });
});
