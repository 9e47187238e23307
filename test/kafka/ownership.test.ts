// The owner of an account: producers with our transactional id that come from elsewhere, and long silence.
import type { Producer } from 'kafkajs';
import { afterEach, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import type { Signal, Sink } from '../../src/engine/ports.ts';
import type { Membership } from '../../src/kafka/ownership.ts';
import { sendSignals } from '../../src/kafka/send-signals.ts';
import type { AccountSignal } from '../../src/kafka/signals.ts';
import { type Owner, ownerKey } from '../../src/kafka/state-topic.ts';
import { begun, patientClient, persistently } from '../support/clients.ts';
import {
  ACCOUNT,
  batch,
  forever,
  Model,
  message,
  openPatiently,
  readCommitted,
  type SinkChoices,
  sinkOn,
} from '../support/kafka.ts';
import { startKafkaProxy } from '../support/kafka-proxy.ts';
import { API } from '../support/kafka-wire.ts';
import { sharedStack, uniquePrefix } from '../support/stack.ts';

let bootstrap: string;
let prefix: string;
const sinks: Sink[] = [];
const producers: Producer[] = [];

beforeAll(async () => {
  ({ bootstrap } = await sharedStack());
});

beforeEach(() => {
  prefix = uniquePrefix();
});

afterEach(async () => {
  for (const sink of sinks.splice(0)) await sink.close();
  for (const producer of producers.splice(0)) await producer.disconnect();
});

function made(choices: Partial<SinkChoices> = {}): Sink {
  const sink = sinkOn(bootstrap, { prefix, ...choices });
  sinks.push(sink);
  return sink;
}

const one = (cursor: number) => batch([message('clients', String(cursor), 'x')], { clients: { cursor } });

const SIGNAL: Signal = { id: 'o', kind: 'reconcile', stream: 'clients', to: null, at: '2026-01-01T00:00:00Z' };
const leaveOrder = () =>
  sendSignals({ brokers: [bootstrap], compression: 'none' }, { prefix, accountId: ACCOUNT }, [SIGNAL]);

/** Fences the account as a producer of anybody would; signs it when an instance is named, as a member with `rank`. */
async function steal(instance: string | null, rank: Partial<Owner> = {}): Promise<void> {
  const producer = patientClient(bootstrap).producer({
    transactionalId: `${prefix}-${ACCOUNT}`,
    idempotent: true,
    maxInFlightRequests: 1,
  });
  producers.push(producer);
  await producer.connect();
  if (instance === null) return (await persistently(() => producer.transaction())).abort();
  const owner: Owner = { instance, opening: 99, opened_at: '2026-01-01T00:00:00Z', ...rank };
  const messages = [{ key: ownerKey(prefix, ACCOUNT), value: JSON.stringify(owner) }];
  await (await begun(producer, { topic: `${prefix}.state`, messages })).commit();
}

async function signatures(): Promise<Owner[]> {
  const messages = await readCommitted(bootstrap, [`${prefix}.state`]);
  return messages
    .filter(({ key }) => String(key).includes('"owner"'))
    .map(({ value }) => JSON.parse(String(value)) as Owner);
}

/** The real clock, whose monotonic time a test may push forward; the broker refuses records from a future wall time. */
function pushedClock(): Clock & { push(ms: number): void } {
  let ahead = 0;
  return {
    ...systemClock,
    monotonic: () => systemClock.monotonic() + ahead,
    push: (ms) => {
      ahead += ms;
    },
  };
}

test('an older instance that fenced us by accident does not keep the account: we take it back [P5]', async () => {
  const older = made({ instance: 'the older one' });
  await openPatiently(older, new Model());
  const newer = made();
  await openPatiently(newer, new Model());
  await newer.commit(one(1));

  await steal('the older one');
  await expect(newer.commit(one(2))).rejects.toMatchObject({ code: 'kafka.doubt', kind: 'reopen' });
  const { rows } = await openPatiently(newer, new Model());
  expect(rows.get('clients')).toEqual({ cursor: 1 });
  await newer.commit(one(2));
});

test('an instance that fenced us and died before it signed has not taken the account [P5]', async () => {
  const sink = made();
  await openPatiently(sink, new Model());
  await steal(null);
  await expect(sink.commit(one(1))).rejects.toMatchObject({ code: 'kafka.doubt', kind: 'reopen' });
  await openPatiently(sink, new Model());
  await sink.commit(one(1));
});

test('an instance that fenced us and was only slow to sign takes the account with its next try [P5]', async () => {
  const older = made({ instance: 'older' });
  await openPatiently(older, new Model());
  const proxy = await startKafkaProxy([bootstrap]);
  onTestFinished(() => proxy.close());
  const newer = sinkOn(proxy.bootstrap, { prefix, instance: 'newer' });
  sinks.push(newer);
  // It has fenced, and its signature is under way for longer than the older one waits for it.
  const signature = proxy.trap({ api: API.produce, fault: 'hold request' });
  const opening = openPatiently(newer, new Model());
  await signature.struck;
  await expect(older.commit(one(1))).rejects.toMatchObject({ code: 'kafka.doubt' });
  await openPatiently(older, new Model());
  await older.commit(one(1));
  signature.release();
  const { rows } = await opening;
  expect(rows.get('clients')).toEqual({ cursor: 1 });
  await expect(older.commit(one(2))).rejects.toMatchObject({ code: 'kafka.fenced' });
  await newer.commit(one(2));
});

test('the instance that took over is named, with the time [P5]', async () => {
  const sink = made();
  await openPatiently(sink, new Model());
  await steal('a newcomer');
  await expect(sink.commit(one(1))).rejects.toMatchObject({
    code: 'kafka.fenced',
    message: expect.stringContaining('instance a newcomer, opened at 2026-01-01T00:00:00Z'),
  });
});

test('after an hour of silence the sink signs anew and commits [P5]', async () => {
  const clock = pushedClock();
  const sink = made({ clock, instance: 'me' });
  await openPatiently(sink, new Model());
  await sink.commit(one(1));
  clock.push(3_599_000);
  await sink.commit(one(2));
  expect(await signatures()).toHaveLength(1);
  clock.push(3_601_000);
  await sink.commit(one(3));
  expect((await signatures()).map(({ opening }) => opening)).toEqual([1, 2]);
  const { rows, records } = await openPatiently(made(), new Model());
  expect(rows.get('clients')).toEqual({ cursor: 3 });
  expect(records).toBe(3);
});

test('a signal that is left in an hour of silence is no doubt [P5]', async () => {
  const clock = pushedClock();
  const sink = made({ clock });
  await openPatiently(sink, new Model());
  await leaveOrder();
  clock.push(3_601_000);
  await sink.commit(one(1));
  expect(await sink.signals(forever)).toEqual([SIGNAL]);
});

test('a signal that a doubted commit did not carry out waits on; the next one carries it out [P4 P5]', async () => {
  await openPatiently(made({ instance: 'the older one' }), new Model());
  const sink = made();
  await openPatiently(sink, new Model());
  await leaveOrder();
  await steal('the older one');
  const carriedOut = { ...one(1), signalsDone: [SIGNAL.id] };
  await expect(sink.commit(carriedOut)).rejects.toMatchObject({ code: 'kafka.doubt' });
  await openPatiently(sink, new Model());
  expect(await sink.signals(forever)).toEqual([SIGNAL]);
  await sink.commit(carriedOut);
  expect(await sink.signals(forever)).toEqual([]);
});

test('after an hour of silence a newer instance is not fenced back [P5]', async () => {
  const clock = pushedClock();
  const sink = made({ clock });
  await openPatiently(sink, new Model());
  const newer = made();
  await openPatiently(newer, new Model());
  clock.push(3_601_000);
  await expect(sink.commit(one(1))).rejects.toMatchObject({ code: 'kafka.fenced' });
  await newer.commit(one(1));
});

test('after an hour of silence, what an older instance did meanwhile is read before anything is written [P5]', async () => {
  await openPatiently(made({ instance: 'the older one' }), new Model());
  const clock = pushedClock();
  const sink = made({ clock });
  await openPatiently(sink, new Model());
  await steal('the older one');
  clock.push(3_601_000);
  await expect(sink.commit(one(1))).rejects.toMatchObject({
    code: 'kafka.doubt',
    message: expect.stringContaining('moved'),
  });
  await openPatiently(sink, new Model());
  await sink.commit(one(1));
});

/** What a member of the group is run under. */
function member(term: number, handOverMs = 0): { readonly membership: Membership; readonly seen: Owner[] } {
  const seen: Owner[] = [];
  const rank = () => ({ group: prefix, member: `m${term}`, term, generation: 1 });
  const onSignature = (owner: Owner) => seen.push(owner);
  const unheard = { onSigned: () => {}, onSignals: () => {}, carriedOut: () => [] };
  return { membership: { rank, handOverMs, isHandedOver: () => handOverMs > 0, onSignature, ...unheard }, seen };
}

test('a member that opens late, under an older term, gives way before it fences anybody, and hears of the newer term [P5]', async () => {
  const newer = made({ membership: member(6).membership });
  await openPatiently(newer, new Model());
  const { membership, seen } = member(5);
  const late = made({ membership });
  await expect(openPatiently(late, new Model())).rejects.toMatchObject({
    code: 'kafka.fenced',
    message: expect.stringContaining(`m6 of group ${prefix} in term 6`),
  });
  expect(seen.at(-1)).toMatchObject({ term: 6, member: 'm6' });
  // Nobody has fenced it.
  await newer.commit(one(1));
});

test('a member that was fenced by one with an older term takes the account back after one doubt [P5]', async () => {
  const newer = made({ membership: member(6).membership });
  await openPatiently(newer, new Model());
  await steal('late', { group: prefix, member: 'm5', term: 5, generation: 1 });
  await expect(newer.commit(one(1))).rejects.toMatchObject({ code: 'kafka.doubt' });
  await openPatiently(newer, new Model());
  await newer.commit(one(1));
});

test('a member that was taken over by one with a newer term is fenced [P5]', async () => {
  const sink = made({ membership: member(5).membership });
  await openPatiently(sink, new Model());
  await openPatiently(made({ membership: member(6).membership }), new Model());
  await expect(sink.commit(one(1))).rejects.toMatchObject({ code: 'kafka.fenced' });
});

test('the last commit releases the account, and whoever is told to wait for that cuts nothing of it off [P4 P5]', async () => {
  const owner = made({ membership: member(5).membership });
  await openPatiently(owner, new Model());
  // So long that it would not open within this test unless the release is seen.
  const { membership } = member(6, 3_600_000);
  let waits = () => {};
  const waiting = new Promise<void>((resolve) => {
    waits = resolve;
  });
  const isHandedOver = () => {
    waits();
    return membership.isHandedOver();
  };
  const successor = made({ membership: { ...membership, isHandedOver } });
  const model = new Model();
  const opening = openPatiently(successor, model);
  await Promise.race([waiting, opening]);
  await owner.commit(one(1));
  await owner.commit({ ...one(2), isLast: true });
  const { rows } = await opening;
  expect(rows.get('clients')).toEqual({ cursor: 2 });
  expect(model.values.size).toBe(2);
  const [first, last, next] = await signatures();
  expect(last).toEqual({ ...first, released_at: expect.any(String) });
  expect(next).toMatchObject({ term: 6, group: prefix, generation: 1 });
  expect(next!.released_at).toBeUndefined();
});

test('an owner that does not come to its release is fenced when the time for that is over [P11]', async () => {
  const owner = made({ membership: member(5).membership });
  await openPatiently(owner, new Model());
  await openPatiently(made({ membership: member(6, 600).membership }), new Model());
  await expect(owner.commit(one(1))).rejects.toMatchObject({ code: 'kafka.fenced' });
});

test('an owner that is stopped before its first commit leaves a release, and one that was taken over leaves none [P11]', async () => {
  const owner = made({ membership: member(5).membership });
  await openPatiently(owner, new Model());
  await owner.close();
  const released = await signatures();
  expect(released.map(({ term, released_at }) => [term, released_at !== undefined])).toEqual([
    [5, false],
    [5, true],
  ]);
  const loser = made({ membership: member(6, 3_600_000).membership });
  await openPatiently(loser, new Model());
  await openPatiently(made({ membership: member(7).membership }), new Model());
  await loser.close();
  expect((await signatures()).at(-1)).toMatchObject({ term: 7 });
});

test('an owner that has left the group is waited for no longer, although the time for that is not over [P11]', async () => {
  await openPatiently(made({ membership: member(5).membership }), new Model());
  const { membership } = member(6, 3_600_000);
  let isThere = true;
  const successor = made({ membership: { ...membership, isHandedOver: () => isThere } });
  const opening = openPatiently(successor, new Model());
  isThere = false;
  await opening;
  expect((await signatures()).map(({ term }) => term)).toEqual([5, 6]);
});

test('an account that a living group could run is not taken by an instance by itself, which says so [P5]', async () => {
  await openPatiently(made({ membership: member(5).membership }), new Model());
  const asked: string[] = [];
  const isRunBy = async (group: string) => asked.push(group) > 0;
  await expect(made({ isRunBy }).open(new Model(), forever)).rejects.toMatchObject({
    code: 'cluster.owned',
    message: expect.stringContaining(`run by the instances of group ${prefix} (the last was m5)`),
  });
  expect(asked).toEqual([prefix]);
  await openPatiently(made({ isRunBy: async () => false }), new Model());
});

test('a signal to the account as a whole is told until it is carried out, and then deleted once [P4]', async () => {
  const signal: AccountSignal = { id: 'm', kind: 'move', to: 'pub-2', at: '2026-01-01T00:00:00Z' };
  const heard: string[] = [];
  let carriedOut: string[] = [];
  const sink = made({
    membership: {
      ...member(5).membership,
      onSignals: (signals) => heard.push(signals.map(({ id }) => id).join()),
      carriedOut: () => carriedOut,
    },
  });
  await openPatiently(sink, new Model());
  await sendSignals({ brokers: [bootstrap], compression: 'none' }, { prefix, accountId: ACCOUNT }, [signal]);
  // It is none of a stream's.
  expect(await sink.signals(forever)).toEqual([]);
  await sink.commit(one(1));
  carriedOut = ['m'];
  await sink.commit(one(2));
  await sink.commit(one(3));
  await sink.signals(forever);
  expect(heard).toEqual(['m', '']);
  const records = (await readCommitted(bootstrap, [`${prefix}.state`])).filter(({ key }) =>
    String(key).includes('"signal"'),
  );
  expect(records.map(({ value }) => value === null)).toEqual([false, true]);
});
