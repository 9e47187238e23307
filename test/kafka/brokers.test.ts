// Several accounts of one process, as its brokers see them: one connection for all that is asked, one for each that produces.
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { Signal, Sink } from '../../src/engine/ports.ts';
import { Brokers } from '../../src/kafka/brokers.ts';
import { sendSignals } from '../../src/kafka/send-signals.ts';
import { adminOf, removeTopic } from '../support/clients.ts';
import { ACCOUNT, batch, forever, Model, message, openPatiently, sinkOn } from '../support/kafka.ts';
import { type KafkaProxy, startKafkaProxy } from '../support/kafka-proxy.ts';
import { API, asksForAllTopics, type Request } from '../support/kafka-wire.ts';
import { sharedStack, uniquePrefix } from '../support/stack.ts';

/** One for fetches, one for all else. */
const SHARED_CONNECTIONS = 2;

let proxy: KafkaProxy;
let requests: Request[];
const asked = (api: number) => requests.filter((request) => request.api === api).length;

beforeEach(async () => {
  proxy = await startKafkaProxy([sharedStack().bootstrap]);
  onTestFinished(() => proxy.close());
  requests = [];
  proxy.watch((request, moment) => {
    if (moment === 'asked') requests.push(request);
  });
});

/** So many accounts of one process, opened at the same time, each with topics of its own and something on them. */
async function opened(
  count: number,
): Promise<{ readonly sinks: readonly Sink[]; readonly prefixes: readonly string[] }> {
  const brokers = new Brokers({ brokers: [proxy.bootstrap], compression: 'none' }, systemClock);
  const prefixes = Array.from({ length: count }, uniquePrefix);
  const sinks = prefixes.map((prefix) => sinkOn(proxy.bootstrap, { prefix, brokers }));
  onTestFinished(async () => {
    await Promise.all(sinks.map((sink) => sink.close()));
    brokers.close();
  });
  await Promise.all(
    sinks.map(async (sink) => {
      await openPatiently(sink, new Model());
      await sink.commit(batch([message('clients', '1', 'one')], { clients: { cursor: 1 } }));
      await sink.signals(forever);
    }),
  );
  return { sinks, prefixes };
}

test('a transaction asks for its coordinator before what it sends first, and no more, however much it sends', async () => {
  const { sinks } = await opened(1);
  const words = async (id: string) => {
    const before = requests.length;
    await sinks[0]!.commit(batch([message('clients', id, id), message('users', id, id)], { clients: { cursor: id } }));
    return requests.slice(before).map(({ api }) => api);
  };
  for (const id of ['2', '3', '4']) {
    const said = await words(id);
    const first = said.indexOf(API.produce);
    // More than once where the broker is not yet done with the transaction before.
    expect(said.slice(0, first)).toContain(API.findCoordinator);
    expect(said.slice(first).filter((api) => api === API.addPartitions || api === API.endTransaction)).toHaveLength(3);
    expect(said.slice(first)).not.toContain(API.findCoordinator);
  }
});

test.each([1, 5])(
  '%i accounts share two connections for all that is asked, and produce over one each',
  async (count) => {
    await opened(count);
    await expect.poll(() => proxy.connections).toBe(SHARED_CONNECTIONS + count);
  },
);

test('an opening names the topics that it asks for, however many there are in the cluster', async () => {
  const { sinks } = await opened(2);
  await Promise.all(sinks.map((sink) => sink.commit(batch([message('users', '1', 'one')]))));
  expect(asked(API.metadata)).toBeGreaterThan(0);
  expect(requests.filter(asksForAllTopics)).toEqual([]);
});

test('the looks of five accounts are one question, and only the one that something was left for reads', async () => {
  const { sinks, prefixes } = await opened(5);
  const look = () => Promise.all(sinks.map((sink) => sink.signals(forever)));
  // The markers of their commits may still have been on the way.
  await expect
    .poll(async () => {
      requests.length = 0;
      await look();
      return requests.map(({ api }) => api);
    })
    .toEqual([API.listOffsets]);

  const signal: Signal = { id: 's', kind: 'reconcile', stream: 'clients', to: null, at: '2026-01-01T00:00:00Z' };
  const kafka = { brokers: [sharedStack().bootstrap], compression: 'none' } as const;
  await sendSignals(kafka, { prefix: prefixes[3]!, accountId: ACCOUNT }, [signal]);
  requests.length = 0;
  expect(await look()).toEqual([[], [], [], [signal], []]);
  expect(asked(API.listOffsets)).toBe(1);
  expect(asked(API.fetch)).toBe(1);
});

test('an account whose state topic is gone does not keep the others from their signals', async () => {
  const { sinks, prefixes } = await opened(3);
  const admin = await adminOf(sharedStack().bootstrap);
  onTestFinished(() => admin.disconnect());
  await removeTopic(admin, `${prefixes[0]}.state`);
  const stop = new AbortController();
  const lost = sinks[0]!.signals(stop.signal);
  expect(await Promise.all(sinks.slice(1).map((sink) => sink.signals(forever)))).toEqual([[], []]);
  stop.abort(new Error('enough'));
  await expect(lost).rejects.toThrow('enough');
});

test('connections that broke are made anew for all accounts', async () => {
  const { sinks } = await opened(3);
  proxy.cut();
  expect(await Promise.all(sinks.map((sink) => sink.signals(forever)))).toEqual([[], [], []]);
  await Promise.all(sinks.map((sink) => openPatiently(sink, new Model())));
  await expect.poll(() => proxy.connections).toBe(SHARED_CONNECTIONS + 3);
});
