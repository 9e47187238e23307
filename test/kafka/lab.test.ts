// The lab keeps its word: what is killed comes back with its data, and nothing outlives us.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Broker, startBroker } from '../../lab/stack/broker.ts';
import { freePort } from '../../lab/stack/ports.ts';
import { type Registry, startRegistry } from '../../lab/stack/registry.ts';
import { patientClient } from '../support/clients.ts';
import { makeTopic } from '../support/kafka.ts';
import { PATIENTLY } from '../support/patience.ts';
import { ownBroker, temporaryFolder, uniquePrefix } from '../support/stack.ts';

const PRODUCER = { allowAutoTopicCreation: false, idempotent: true, maxInFlightRequests: 1 };

type Client = Broker['client'];

async function send(client: Client, topic: string, value: string): Promise<void> {
  const producer = patientClient(client).producer(PRODUCER);
  await producer.connect();
  await producer.send({ topic, acks: -1, messages: [{ key: 'k', value }] });
  await producer.disconnect();
}

async function values(client: Client, topic: string, count: number): Promise<string[]> {
  const consumer = patientClient(client).consumer({ groupId: uniquePrefix(), maxWaitTimeInMs: 100 });
  const seen: string[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({ eachMessage: async ({ message }) => void seen.push(String(message.value)) });
  await vi.waitFor(() => expect(seen.length).toBeGreaterThanOrEqual(count), PATIENTLY);
  await consumer.disconnect();
  return seen;
}

async function canListTopics(client: Client): Promise<void> {
  const admin = patientClient({ ...client, retry: { retries: 0 } }).admin();
  try {
    await admin.connect();
    await admin.listTopics();
  } finally {
    await admin.disconnect();
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

describe('a broker', () => {
  test('comes back on the same port with what was acknowledged before SIGKILL, and on another port too', async () => {
    const broker = await ownBroker();
    await makeTopic(broker.bootstrap, { topic: 'kept' });
    await send(broker.client, 'kept', 'before');
    await broker.kill();
    expect(broker.pid).toBeUndefined();
    expect(await listens(broker.port)).toBe(false);

    await broker.restart();
    await send(broker.client, 'kept', 'after');
    expect(await values(broker.client, 'kept', 2)).toEqual(['before', 'after']);
    await broker.kill();

    const moved = await ownBroker({ dataDir: broker.dataDir });
    expect(moved.port).not.toBe(broker.port);
    await send(moved.client, 'kept', 'moved');
    expect(await values(moved.client, 'kept', 3)).toEqual(['before', 'after', 'moved']);
  });

  test('answers nothing while paused, and goes on where it was', async () => {
    const broker = await ownBroker();
    await makeTopic(broker.bootstrap, { topic: 'paused' });
    const pid = broker.pid;
    broker.pause();
    await expect(canListTopics({ ...broker.client, requestTimeout: 500, connectionTimeout: 500 })).rejects.toThrow();
    broker.resume();
    await vi.waitFor(() => send(broker.client, 'paused', 'awake'), PATIENTLY);
    expect(broker.pid).toBe(pid);
  });

  test('that cannot start says why', async () => {
    const started = startBroker({ dataDir: await temporaryFolder(), properties: { 'log.retention.ms': 'soon' } });
    await expect(started).rejects.toMatchObject({
      code: 'lab.failed',
      message: expect.stringMatching(/stopped before it was ready\n(.*\n)*.*soon/),
    });
  });

  test('that ends by itself is noticed', async () => {
    const broker = await ownBroker();
    process.kill(broker.pid!, 'SIGKILL');
    await expect(broker.died).rejects.toMatchObject({ code: 'lab.failed' });
  });
});

test('a registry with a data directory keeps its schemas over SIGKILL', async () => {
  const dataDir = await temporaryFolder();
  const subject = (registry: Registry) => `${registry.url}/subjects/s-value/versions`;
  const first = await startRegistry({ dataDir });
  onTestFinished(() => first.kill());
  const registered = await fetch(subject(first), {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema: '"string"' }),
  });
  const { id } = (await registered.json()) as { id: number };
  await first.kill();

  const second = await startRegistry({ dataDir });
  onTestFinished(() => second.kill());
  expect(await (await fetch(`${subject(second)}/latest`)).json()).toMatchObject({ id, version: 1 });
});

describe('the stack command', () => {
  const COMMAND = new URL('../../dist/lab/stack/stack-command.js', import.meta.url).pathname;

  async function start(env: NodeJS.ProcessEnv = process.env) {
    const ports = { broker: await freePort(), registry: await freePort() };
    const options = [
      '--broker-port',
      ports.broker,
      '--registry-port',
      ports.registry,
      '--data',
      await temporaryFolder(),
    ];
    const child: ChildProcess = spawn(process.execPath, [COMMAND, ...options.map(String)], { env });
    onTestFinished(() => void child.kill('SIGKILL'));
    const printed = { text: '' };
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on('data', (piece) => {
        printed.text += piece;
      });
    }
    return { child, ports, printed, ended: once(child, 'close').then(([code]) => code as number | null) };
  }

  test('prints both addresses, and stops both on Ctrl-C', async () => {
    const { child, ports, printed, ended } = await start();
    await vi.waitFor(() => expect(printed.text).toContain('Ctrl-C'), PATIENTLY);
    expect(printed.text).toContain(
      `export KAFKA_BROKERS=127.0.0.1:${ports.broker} SCHEMA_REGISTRY_URL=http://127.0.0.1:${ports.registry}/apis/ccompat/v7`,
    );
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect([await listens(ports.broker), await listens(ports.registry)]).toEqual([false, false]);
  });

  test('leaves no server behind when it is killed itself', async () => {
    const { child, ports, printed, ended } = await start();
    await vi.waitFor(() => expect(printed.text).toContain('Ctrl-C'), PATIENTLY);
    child.kill('SIGKILL');
    await ended;
    const gone = async () =>
      expect([await listens(ports.broker), await listens(ports.registry)]).toEqual([false, false]);
    await vi.waitFor(gone, PATIENTLY);
  });

  test('without Java says so in one sentence and exits with 69', async () => {
    const { printed, ended } = await start({ PATH: await temporaryFolder() });
    expect(await ended).toBe(69);
    expect(printed.text).toBe(
      'Java 17 or newer is missing: install it, for example openjdk-17-jre-headless, or use docker compose.\n',
    );
  });
});
