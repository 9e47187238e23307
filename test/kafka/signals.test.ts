// Signals of people on the real broker: seen whenever they are left, gone exactly with the transaction that carries them out.
import { randomUUID } from 'node:crypto';
import type { Admin } from 'kafkajs';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { Signal, Sink } from '../../src/engine/ports.ts';
import type { KafkaSettings } from '../../src/kafka/connection.ts';
import { sendSignals, untilTaken } from '../../src/kafka/send-signals.ts';
import { signalKey } from '../../src/kafka/state-topic.ts';
import { readState } from '../../src/kafka/state-view.ts';
import { adminOf, begun, patientClient, removeTopic } from '../support/clients.ts';
import {
  ACCOUNT,
  batch,
  forever,
  Model,
  makeTopic,
  message,
  openPatiently,
  PATIENTLY,
  type SinkChoices,
  sinkOn,
} from '../support/kafka.ts';
import { slowness } from '../support/patience.ts';
import { sharedStack, uniquePrefix } from '../support/stack.ts';

let kafka: KafkaSettings;
let admin: Admin;
let prefix: string;
const sinks: Sink[] = [];

beforeAll(async () => {
  kafka = { brokers: [sharedStack().bootstrap], compression: 'none' };
  admin = await adminOf(sharedStack().bootstrap);
});

afterAll(() => admin.disconnect());

beforeEach(() => {
  prefix = uniquePrefix();
});

afterEach(async () => {
  for (const sink of sinks.splice(0)) await sink.close();
});

async function opened(choices: Partial<SinkChoices> = {}): Promise<Sink> {
  const sink = sinkOn(kafka.brokers[0]!, { prefix, ...choices });
  sinks.push(sink);
  await openPatiently(sink, new Model());
  return sink;
}

function signal(kind: Signal['kind'] = 'reconcile', stream = 'clients'): Signal {
  return { id: randomUUID(), kind, stream, to: kind === 'reset' ? '2026-01-01' : null, at: '2026-11-21T06:30:00Z' };
}

const leave = (signals: readonly Signal[], accountId = ACCOUNT) => sendSignals(kafka, { prefix, accountId }, signals);
const carriedOut = (n: number, ...signals: readonly Signal[]) => ({
  ...batch([message('clients', String(n), 'x')], { clients: { n } }),
  signalsDone: signals.map(({ id }) => id),
});

test('signals left while nobody runs are there after the start, the oldest first, each account its own', async () => {
  await (await opened()).close();
  const signals = [signal('release'), signal('reset', 'users'), signal('replay')];
  const others = [signal()];
  for (const one of signals) await leave([one]);
  await leave(others, '4712');
  const [mine, theirs] = [await opened(), await opened({ account: '4712' })];
  expect(await mine.signals(forever)).toEqual(signals);
  expect(await theirs.signals(forever)).toEqual(others);

  await theirs.commit(carriedOut(1, ...others));
  expect(await theirs.signals(forever)).toEqual([]);
  expect(await mine.signals(forever)).toEqual(signals);
  const { signals: shown } = await readState(kafka, prefix, systemClock, forever);
  expect(shown).toEqual(signals.map((one) => ({ ...one, accountId: ACCOUNT })));
});

test('signals left while batches are committed are all seen, and none again once it is carried out', async () => {
  const sink = await opened();
  const left: Signal[] = [];
  const leaving = (async () => {
    for (let n = 0; n < 12; n++) {
      left.push(signal());
      await leave([left.at(-1)!]);
    }
  })();
  let over = false;
  void leaving.then(() => {
    over = true;
  });
  const done: string[] = [];
  for (let n = 1; !over || done.length < left.length; n++) {
    // Asked before, while and right after a commit is under way.
    const waiting = await sink.signals(forever);
    expect(done.filter((id) => waiting.some((one) => one.id === id))).toEqual([]);
    const asked = sink.signals(forever);
    await sink.commit(carriedOut(n, ...waiting));
    done.push(...waiting.map(({ id }) => id));
    await asked;
  }
  expect(done).toEqual(left.map(({ id }) => id));
  expect(await (await opened()).signals(forever)).toEqual([]);
});

test('a signal is deleted with the transaction that carries it out, or not at all [P4]', async () => {
  const sink = await opened();
  const one = signal();
  await leave([one]);
  expect(await sink.signals(forever)).toEqual([one]);
  const refused = { ...carriedOut(1, one), messages: [message('users', '1', 'x'.repeat(1_200_000))] };
  await expect(sink.commit(refused)).rejects.toMatchObject({ code: 'kafka.record_too_large' });
  expect(await sink.signals(forever)).toEqual([one]);
  const { rows } = await openPatiently(sink, new Model());
  expect(rows.size).toBe(0);
  expect(await sink.signals(forever)).toEqual([one]);

  await sink.commit(carriedOut(2, one));
  expect(await sink.signals(forever)).toEqual([]);
  expect(await openPatiently(sink, new Model())).toMatchObject({ rows: new Map([['clients', { n: 2 }]]) });
  expect(await sink.signals(forever)).toEqual([]);
  expect((await readState(kafka, prefix, systemClock, forever)).signals).toEqual([]);
});

test('a batch that does nothing but carry out a signal is written', async () => {
  const sink = await opened();
  const one = signal();
  await leave([one]);
  await sink.commit({ ...batch([]), signalsDone: [one.id] });
  expect(await (await opened()).signals(forever)).toEqual([]);
});

test('a state topic made anew while the sink runs is read from its beginning', async () => {
  const sink = await opened();
  for (let n = 0; n < 5; n++) await sink.commit(carriedOut(n));
  await leave([signal()]);
  expect(await sink.signals(forever)).toHaveLength(1);
  const topic = `${prefix}.state`;
  await removeTopic(admin, topic);
  await makeTopic(sharedStack().bootstrap, { topic, configEntries: [{ name: 'cleanup.policy', value: 'compact' }] });
  const fresh = signal('release');
  await leave([fresh]);
  expect(await sink.signals(forever)).toEqual([fresh]);
});

test('a signal that this version does not know is said once and left alone', async () => {
  const told: unknown[] = [];
  const sink = await opened({ log: (_, text, fields) => /a signal/.test(text) && told.push(fields?.signal) });
  const producer = patientClient(sharedStack().bootstrap).producer();
  await producer.connect();
  const values = ['{broken', '{"kind":"dance","stream":"clients","to":null,"at":"2026-11-21T06:30:00Z"}'];
  const ids = values.map(() => randomUUID());
  const messages = values.map((value, n) => ({ key: signalKey(prefix, ACCOUNT, ids[n]!), value }));
  await producer.send({ topic: `${prefix}.state`, messages });
  await producer.disconnect();
  const known = signal();
  await leave([known]);
  for (const _ of ['once', 'twice']) expect(await sink.signals(forever)).toEqual([known]);
  expect(told).toEqual(ids);
});

test('waiting for a signal tells when it is carried out, and when nobody did', async () => {
  const sink = await opened();
  const one = signal();
  const options = { kafka, prefix, accountId: ACCOUNT, clock: systemClock, log: () => {} };
  const first = await leave([one]);
  expect(await untilTaken(options, [one], first, 0, forever)).toBe(false);
  const waiting = untilTaken(options, [one], first, PATIENTLY.timeout, forever);
  await sink.commit(carriedOut(1, one));
  expect(await waiting).toBe(true);
});

test('a signal behind a transaction that is still open does not count as carried out', async () => {
  await opened();
  const producer = patientClient(sharedStack().bootstrap).producer({
    transactionalId: `${prefix}-other`,
    maxInFlightRequests: 1,
    idempotent: true,
  });
  await producer.connect();
  const transaction = await begun(producer, { topic: `${prefix}.state`, messages: [{ key: 'other', value: 'x' }] });
  const one = signal();
  const first = await leave([one]);
  const options = { kafka, prefix, accountId: ACCOUNT, clock: systemClock, log: () => {} };
  expect(await untilTaken(options, [one], first, 500, forever)).toBe(false);
  await transaction.abort();
  await producer.disconnect();
});

test('a look for signals that is aborted ends at once, and the next one is answered', async () => {
  const sink = await opened();
  const gone = sinkOn('127.0.0.1:1', { prefix });
  const controller = new AbortController();
  const asked = gone.signals(controller.signal);
  controller.abort(new Error('enough'));
  const started = systemClock.monotonic();
  await expect(asked).rejects.toThrow('enough');
  expect(systemClock.monotonic() - started).toBeLessThan(4_000 * slowness());
  await gone.close();
  expect(await sink.signals(forever)).toEqual([]);
});
