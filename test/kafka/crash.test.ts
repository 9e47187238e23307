// The broker dies by kill -9, topics vanish: what the sink knows afterwards.
import type { Admin } from 'kafkajs';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Broker } from '../../lab/stack/broker.ts';
import { systemClock } from '../../src/base/clock.ts';
import type { OutMessage, Sink } from '../../src/engine/ports.ts';
import { adminOf, begun, patientClient, removeTopic } from '../support/clients.ts';
import {
  batch,
  brokerOfFile,
  CLIENTS,
  committedOn,
  forever,
  Model,
  makeTopic,
  message,
  openPatiently,
  sinkOn,
  USERS,
} from '../support/kafka.ts';
import { uniquePrefix } from '../support/stack.ts';

const KILLS = Number(process.env.TEST_KILLS ?? 3);

let broker: Broker;
let discard: () => Promise<void>;
let admin: Admin;
let prefix: string;
let sink: Sink;
let model: Model;

beforeAll(async () => {
  ({ broker, discard } = await brokerOfFile({
    'broker.session.timeout.ms': '500',
    'broker.heartbeat.interval.ms': '100',
  }));
  admin = await adminOf(broker.bootstrap);
});

afterAll(async () => {
  await admin.disconnect();
  await discard();
});

beforeEach(() => {
  prefix = uniquePrefix();
  sink = sinkOn(broker.bootstrap, { prefix });
  model = new Model();
});

afterEach(async () => {
  await sink.close();
});

const topic = (stream: string) => `${prefix}.${stream}`;
const values = (stream: string) => committedOn(broker.bootstrap, `${prefix}.${stream}`);

async function fill(): Promise<void> {
  await openPatiently(sink, model);
  const messages = [message('clients', '1', 'one'), message('users', '2', 'two')];
  await sink.commit(batch(messages, { clients: { cursor: 1 }, users: { cursor: 1 } }));
  model.apply(messages);
}

const remove = (name: string) => removeTopic(admin, name);

test('a broker killed during and between commits loses nothing and repeats nothing [P2]', async () => {
  await openPatiently(sink, model);
  const sent: OutMessage[] = [];
  let wanted = 0;
  let kills = 0;
  let dying: Promise<void> | null = null;
  const die = async () => {
    await broker.kill();
    await broker.restart();
  };
  const doubts = { committed: 0, undone: 0 };
  while (kills < KILLS || dying) {
    const n = wanted + 1;
    const messages = Array.from({ length: 50 }, (_, i) => message('clients', `${n}-${i}`, 'x'.repeat(200)));
    if (!dying && n % 12 === 0) {
      kills++;
      // A few ms into this commit, or right after it.
      dying = systemClock
        .sleep(kills * 3)
        .then(die)
        .finally(() => {
          dying = null;
        });
    }
    try {
      await sink.commit(batch(messages, { clients: { n } }));
      model.apply(messages);
      wanted = n;
    } catch (error) {
      expect(error).toMatchObject({ kind: 'reopen' });
      const { rows, broken } = await openPatiently(sink, model);
      expect(broken.size).toBe(0);
      const known = (rows.get('clients')?.n as number | undefined) ?? 0;
      expect([n - 1, n]).toContain(known);
      doubts[known === n ? 'committed' : 'undone']++;
      wanted = known;
    }
    if (wanted === n) sent.push(...messages);
  }
  expect(doubts.committed + doubts.undone).toBeGreaterThan(0);
  expect(await values('clients')).toEqual(sent.map(({ key, value }) => `${key}=${value}`).sort());
  const restored = new Model();
  await sink.close();
  sink = sinkOn(broker.bootstrap, { prefix });
  await openPatiently(sink, restored);
  expect(restored.values).toEqual(model.values);
});

test('a topic that was made anew while nobody ran is named broken and forgotten [P1]', async () => {
  await fill();
  await sink.close();
  await remove(topic('clients'));
  sink = sinkOn(broker.bootstrap, { prefix });
  const restored = new Model();
  const { rows, broken, records } = await openPatiently(sink, restored);
  expect([...broken]).toEqual([['clients', expect.stringContaining('ends at offset 0, our record was at 0')]]);
  expect(restored.resets).toEqual(['clients']);
  expect(rows.get('clients')).toEqual({ cursor: 1 });
  expect(records).toBe(1);

  // Refilled, it is whole again for the next one.
  await sink.commit(batch([message('clients', '1', 'one')], { clients: { cursor: 2 } }));
  await sink.close();
  sink = sinkOn(broker.bootstrap, { prefix });
  expect((await openPatiently(sink, new Model())).broken.size).toBe(0);
});

test('a topic that is deleted under a running sink is a doubt, then broken, then filled again [P1]', async () => {
  await fill();
  await remove(topic('clients'));
  const again = batch([message('clients', '3', 'three')], { clients: { cursor: 2 } });
  await expect(sink.commit(again)).rejects.toMatchObject({ kind: 'reopen' });
  const { broken } = await openPatiently(sink, model);
  expect([...broken.keys()]).toEqual(['clients']);
  expect(model.values).toEqual(new Map([['users/2', 'two']]));
  await sink.commit(again);
  expect(await values('clients')).toEqual(['3=three']);
});

test('a topic that somebody made anew under a running sink is noticed by the offsets it gives', async () => {
  await fill();
  await sink.commit(batch([message('clients', '1', 'uno')], { clients: { cursor: 2 } }));
  await remove(topic('clients'));
  const configEntries = [{ name: 'cleanup.policy', value: 'compact' }];
  await makeTopic(broker.bootstrap, { topic: topic('clients'), numPartitions: 1, configEntries });
  const again = batch([message('clients', '3', 'three')], { clients: { cursor: 3 } });
  await expect(sink.commit(again)).rejects.toMatchObject({ code: 'kafka.doubt' });
  const { broken, rows } = await openPatiently(sink, model);
  expect([...broken.keys()]).toEqual(['clients']);
  expect(rows.get('clients')).toEqual({ cursor: 2 });
});

test('a state topic that is gone leaves the data readable and the rows empty', async () => {
  await fill();
  await sink.close();
  await remove(topic('state'));
  sink = sinkOn(broker.bootstrap, { prefix });
  const restored = new Model();
  const { rows, broken } = await openPatiently(sink, restored);
  expect(rows.size).toBe(0);
  expect(broken.size).toBe(0);
  expect(restored.values).toEqual(model.values);
});

test('a state topic that vanishes under a running sink does not bring its old rows back [P2]', async () => {
  await fill();
  await remove(topic('state'));
  await expect(sink.commit(batch([], { clients: { cursor: 2 } }))).rejects.toMatchObject({ kind: 'reopen' });
  expect((await openPatiently(sink, model)).rows.size).toBe(0);
});

test('a transaction that another writer leaves open stops the opening until it ends [P2]', async () => {
  await fill();
  await sink.close();
  const producer = patientClient(broker.bootstrap).producer({
    transactionalId: uniquePrefix(),
    idempotent: true,
    maxInFlightRequests: 1,
  });
  await producer.connect();
  const foreign = await begun(producer, { topic: topic('users'), messages: [{ key: '9', value: 'x' }] });
  sink = sinkOn(broker.bootstrap, { prefix });
  await expect(sink.open(new Model(), forever)).rejects.toMatchObject({
    code: 'kafka.hanging_transaction',
    kind: 'reopen',
    remedy: expect.stringContaining(`abort --topic ${topic('users')} --partition 0 --start-offset`),
  });
  await foreign.abort();
  await producer.disconnect();
  const { rows } = await openPatiently(sink, new Model());
  expect(rows.get(USERS.name)).toEqual({ cursor: 1 });
  expect(rows.get(CLIENTS.name)).toEqual({ cursor: 1 });
});
