// Looking on without taking part: a running daemon's open transaction holds nobody up, and nothing is made.
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { Brokers } from '../../src/kafka/brokers.ts';
import { openTopicLog } from '../../src/kafka/topic-log.ts';
import { adminOf, begun, patientClient, removeTopic } from '../support/clients.ts';
import { forever, Model, makeTopic, settled } from '../support/kafka.ts';
import { sharedStack, uniquePrefix } from '../support/stack.ts';

test('the log gives what is committed, later what came since, all of it when the topic is another, and makes nothing', async () => {
  const { bootstrap } = sharedStack();
  const prefix = uniquePrefix();
  const topic = `${prefix}.clients`;
  const admin = await adminOf(bootstrap);
  const producer = patientClient(bootstrap).producer({ transactionalId: prefix, maxInFlightRequests: 1 });
  await producer.connect();
  onTestFinished(async () => {
    await Promise.all([admin.disconnect(), producer.disconnect()]);
  });
  const make = () => makeTopic(bootstrap, { topic, numPartitions: 1 });
  const begin = (key: string, value: string | null) =>
    begun(producer, { topic, messages: [{ key, value, headers: { __source_ts_ms: '1000' } }] });
  await make();
  await (await begin('1', 'one')).commit();
  await settled(bootstrap, topic);

  const brokers = new Brokers({ brokers: [bootstrap], compression: 'none' }, systemClock);
  onTestFinished(() => brokers.close());
  const log = await openTopicLog(brokers, prefix, systemClock);
  const model = new Model();
  const open = await begin('2', 'two');
  await log.news('clients', model, forever);
  await log.news('users', model, forever);
  expect([...model.values]).toEqual([['clients/1', 'one']]);
  await open.commit();
  await (await begin('1', null)).commit();
  await settled(bootstrap, topic);
  await log.news('clients', model, forever);
  expect([...model.values]).toEqual([['clients/2', 'two']]);
  expect(model.delivered).toBe(3);
  await log.news('clients', model, forever);
  expect(model.delivered).toBe(3);

  const all: string[] = [];
  await log.all('clients', ({ key, value, sourceTsMs }) => void all.push(`${key}=${value} ${sourceTsMs}`), forever);
  expect(all).toEqual(['1=one 1000', '2=two 1000', '1=null 1000']);

  await removeTopic(admin, topic);
  await make();
  await (await begin('3', 'three')).commit();
  await settled(bootstrap, topic);
  await log.news('clients', model, forever);
  expect(model.resets).toEqual(['clients']);
  expect([...model.values]).toEqual([['clients/3', 'three']]);
  expect((await admin.listTopics()).filter((name) => name.startsWith(prefix))).toEqual([topic]);
});
