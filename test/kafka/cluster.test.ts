// Three brokers that replicate: leaders and coordinators move while the sink commits. kafkajs alone loses records here when
// one send covers partitions of several leaders.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { OutMessage } from '../../src/engine/ports.ts';
import { type Broker, startCluster } from '../../src/lab/broker.ts';
import { batch, committedOn, Model, message, openPatiently, sinkOn } from '../support/kafka.ts';
import { uniquePrefix } from '../support/stack.ts';

let dataDir: string;
let brokers: Broker[] = [];

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'harvest-kafka-test-'));
  brokers = await startCluster({ dataDir, size: 3 });
});

afterAll(async () => {
  await Promise.all(brokers.map((broker) => broker.kill()));
  await rm(dataDir, { recursive: true, force: true });
});

test('each broker of three is killed in turn while batches over six partitions are committed; nothing is lost or repeated', {
  timeout: 300_000,
}, async () => {
  const prefix = uniquePrefix();
  const all = { brokers: brokers.map(({ bootstrap }) => bootstrap) };
  const choices = { prefix, partitions: 6, kafka: all };
  const sink = sinkOn(brokers[0]!.bootstrap, choices);
  const model = new Model();
  await openPatiently(sink, model, 60_000);

  const sent: OutMessage[] = [];
  let done = 0;
  const killing = (async () => {
    for (const broker of brokers) {
      await systemClock.sleep(1_500);
      await broker.kill();
      await systemClock.sleep(2_500);
      await broker.start();
    }
  })();
  let killed = false;
  const over = killing.finally(() => {
    killed = true;
  });
  while (!killed) {
    const n = done + 1;
    const messages = Array.from({ length: 60 }, (_, i) =>
      message(i % 2 ? 'clients' : 'users', `${n}-${i}`, 'x'.repeat(100)),
    );
    try {
      await sink.commit(batch(messages, { clients: { n }, users: { n } }));
      model.apply(messages);
      done = n;
    } catch (error) {
      expect(error).toMatchObject({ kind: 'reopen' });
      const { rows, broken } = await openPatiently(sink, model, 120_000);
      expect(broken.size).toBe(0);
      done = (rows.get('clients')?.n as number | undefined) ?? 0;
      expect([n - 1, n]).toContain(done);
    }
    if (done === n) sent.push(...messages);
  }
  await over;
  await sink.close();

  for (const stream of ['clients', 'users']) {
    const expected = sent.filter((one) => one.stream === stream).map(({ key, value }) => `${key}=${value}`);
    expect(await committedOn(brokers[0]!.bootstrap, `${prefix}.${stream}`)).toEqual(expected.sort());
  }
  expect(done).toBeGreaterThan(20);

  const restored = new Model();
  const successor = sinkOn(brokers[0]!.bootstrap, choices);
  const { rows } = await openPatiently(successor, restored, 60_000);
  await successor.close();
  expect(rows.get('users')).toEqual({ n: done });
  expect(restored.values).toEqual(model.values);
});
