import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, beforeAll, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { ConversionError } from '../../src/engine/ports.ts';
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
import { slowness } from '../support/patience.ts';
import { testSinkContract } from '../support/sink-contract.ts';
import { sharedStack, uniquePrefix } from '../support/stack.ts';

let bootstrap: string;
let prefix: string;
const opened: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  ({ bootstrap } = await sharedStack());
});

afterEach(async () => {
  for (const sink of opened.splice(0)) await sink.close();
});

function sink(choices: Partial<SinkChoices> = {}) {
  prefix = choices.prefix ?? uniquePrefix();
  const made = sinkOn(bootstrap, { prefix, ...choices });
  opened.push(made);
  return made;
}

/** Key=value of what a read_committed consumer gets from a topic. */
async function committed(name: string): Promise<string[]> {
  return (await readCommitted(bootstrap, [`${prefix}.${name}`])).map(({ key, value }) => `${key}=${value}`);
}

testSinkContract(() => {
  const first = sink();
  const place = prefix;
  let isFirst = true;
  return {
    // The first is made already: it says which topics they share.
    sink: () => {
      if (!isFirst) return sink({ prefix: place });
      isFirst = false;
      return first;
    },
    committed,
  };
});

test('an opening says what a topic takes', async () => {
  const { maxValueBytes } = await sink().open(new Model(), forever);
  // Kafka's default of 1 MiB and a little, less what else a batch holds.
  expect(maxValueBytes.get('clients')).toBeGreaterThan(1_000_000);
  expect(maxValueBytes.get('clients')).toBeLessThan(1_048_588);
});

test('a batch is visible whole, with its headers, and its rows are read back without what the sink adds [P4]', async () => {
  const first = sink();
  await openPatiently(first, new Model());
  const error = new ConversionError('hours', 'hours: not a number');
  await first.commit({
    ...batch([message('clients', '1', 'one', 'c'), message('users', '2', null)], {
      clients: { cursor: 'x' },
      budgets: { spent: 3 },
    }),
    deadLetters: [{ stream: 'users', key: '9', value: '{"a":1}', stage: 'VALUE_CONVERTER', error }],
    notifications: [{ stream: 'users', body: { name: 'scan.completed' } }],
  });

  const messages = await readCommitted(
    bootstrap,
    ['clients', 'users', 'dead-letters', 'notifications', 'state'].map((name) => `${prefix}.${name}`),
  );
  const of = (name: string) => messages.filter(({ topic }) => topic === `${prefix}.${name}`);
  expect(of('clients')).toMatchObject([
    { value: Buffer.from('one'), headers: { __op: 'c', __source_ts_ms: '1700000000000' } },
  ]);
  expect(of('users')[0]).toMatchObject({ value: null, headers: { __op: 'd' } });
  expect(of('users')[0]!.headers).not.toHaveProperty('__source_ts_ms');
  expect(of('dead-letters')[0]).toMatchObject({
    value: Buffer.from('{"a":1}'),
    headers: {
      '__connect.errors.topic': `${prefix}.users`,
      '__connect.errors.exception.class.name': 'ConversionError',
    },
  });
  expect(String(of('notifications')[0]!.value)).toBe('{"name":"scan.completed"}');
  const stored = of('state').find(
    ({ key }) => String(key) === `["${prefix}",{"account_id":"${ACCOUNT}","stream":"clients"}]`,
  );
  expect(JSON.parse(String(stored!.value))).toEqual({ cursor: 'x', offsets: { 0: 0 } });

  const second = sink({ prefix });
  const { rows } = await openPatiently(second, new Model());
  expect(Object.fromEntries(rows)).toEqual({ clients: { cursor: 'x' }, budgets: { spent: 3 } });
});

test('an empty batch writes nothing', async () => {
  const first = sink();
  await openPatiently(first, new Model());
  const before = (await readCommitted(bootstrap, [`${prefix}.state`])).length;
  await first.commit(batch([]));
  expect((await readCommitted(bootstrap, [`${prefix}.state`])).length).toBe(before);
});

test('when one record of a batch is refused, nothing of the batch is visible, and the next opening goes on [P4]', async () => {
  const first = sink();
  const model = new Model();
  await openPatiently(first, model);
  const good = [message('clients', '1', 'one')];
  await first.commit(batch(good, { clients: { cursor: 1 } }));
  model.apply(good);
  const bad = batch([message('clients', '2', 'two'), message('users', '3', 'x'.repeat(1_200_000))], {
    clients: { cursor: 2 },
  });
  await expect(first.commit(bad)).rejects.toMatchObject({ code: 'kafka.record_too_large', kind: 'blocked' });
  expect(await committed('clients')).toEqual(['1=one']);

  await expect(first.commit(batch([], { users: { cursor: 1 } }))).rejects.toMatchObject({ code: 'kafka.doubt' });
  const { rows } = await openPatiently(first, model);
  expect(rows.get('clients')).toEqual({ cursor: 1 });
  await first.commit(batch([message('clients', '2', 'again')], { clients: { cursor: 2 } }));
  expect(await committed('clients')).toEqual(['1=one', '2=again']);
});

test('an older instance that comes back from a doubt gives way to the newer one instead of fencing it [P5]', async () => {
  const older = sink();
  await openPatiently(older, new Model());
  await expect(older.commit(batch([message('users', '1', 'x'.repeat(1_200_000))]))).rejects.toMatchObject({
    kind: 'blocked',
  });
  const newer = sink({ prefix });
  await openPatiently(newer, new Model());
  await expect(older.open(new Model(), forever)).rejects.toMatchObject({ code: 'kafka.fenced' });
  await newer.commit(batch([message('clients', '1', 'newer')], { clients: { cursor: 1 } }));
  expect(await committed('clients')).toEqual(['1=newer']);
});

test('of instances that start together one is left, and what it commits is all there is [P5]', async () => {
  prefix = uniquePrefix();
  const rivals = Array.from({ length: 4 }, () => sink({ prefix }));
  const outcomes = await Promise.allSettled(rivals.map((rival) => openPatiently(rival, new Model())));
  const alive: string[] = [];
  for (const [i, rival] of rivals.entries()) {
    const outcome = outcomes[i]!;
    if (outcome.status === 'rejected') {
      expect(outcome.reason).toMatchObject({ code: 'kafka.fenced' });
      continue;
    }
    const committing = rival.commit(batch([message('clients', String(i), 'mine')], { clients: { winner: i } }));
    await committing.then(
      () => alive.push(`${i}=mine`),
      (error) => expect(error).toMatchObject({ code: 'kafka.fenced' }),
    );
  }
  expect(alive).toHaveLength(1);
  expect(await committed('clients')).toEqual(alive);
});

test('two accounts write the same topics side by side', async () => {
  const one = sink();
  const two = sink({ prefix, account: '4712' });
  await openPatiently(one, new Model());
  await openPatiently(two, new Model());
  for (let i = 0; i < 20; i++) {
    await Promise.all([
      one.commit(batch([message('clients', `a${i}`, 'one')], { clients: { cursor: i } })),
      two.commit(batch([message('clients', `b${i}`, 'two')], { clients: { cursor: -i } })),
    ]);
  }
  const { rows } = await openPatiently(one, new Model());
  expect(rows.get('clients')).toEqual({ cursor: 19 });
  expect(await committed('clients')).toHaveLength(40);
});

test('a restore that fails in the middle goes on from the record that failed', async () => {
  const first = sink();
  await openPatiently(first, new Model());
  await first.commit(
    batch(
      Array.from({ length: 2_500 }, (_, i) => message('clients', `k${i}`, `v${i}`)),
      { clients: { cursor: 1 } },
    ),
  );

  const second = sink({ prefix });
  const seen: string[] = [];
  let failures = 1;
  const restore = {
    reset: () => {},
    record: async (_: string, { key }: { key: Buffer }) => {
      if (seen.length === 1_700 && failures-- > 0) throw new Error('the index is full');
      seen.push(String(key));
    },
  };
  await expect(second.open(restore, forever)).rejects.toThrow('the index is full');
  const { records } = await openPatiently(second, restore);
  expect(records).toBe(800);
  expect(seen).toEqual(Array.from({ length: 2_500 }, (_, i) => `k${i}`));
});

test('keys keep their partition and order; gzip and several partitions restore alike [P3]', async () => {
  const first = sink({ partitions: 3, kafka: { compression: 'gzip' } });
  const model = new Model();
  await openPatiently(first, model);
  for (let version = 0; version < 3; version++) {
    const messages = Array.from({ length: 1_500 }, (_, i) =>
      message('clients', `key-${i}`, version === 2 && i % 3 === 0 ? null : `v${version}`),
    );
    await first.commit(batch(messages, { clients: { cursor: version } }));
    model.apply(messages);
  }
  const restored = new Model();
  await openPatiently(sink({ prefix, partitions: 3 }), restored);
  expect(restored.values).toEqual(model.values);
});

test('overlapping calls are a defect of the caller, not a broken transaction', async () => {
  const first = sink();
  await openPatiently(first, new Model());
  const running = first.commit(batch([message('clients', '1', 'one')], { clients: { cursor: 1 } }));
  await expect(first.commit(batch([message('clients', '2', 'two')]))).rejects.toMatchObject({ code: 'bug' });
  await running;
  expect(await committed('clients')).toEqual(['1=one']);
});

test('an opening that is aborted ends at once', async () => {
  const controller = new AbortController();
  const first = sinkOn('127.0.0.1:1', { prefix: uniquePrefix() });
  const opening = first.open(new Model(), controller.signal);
  controller.abort(new Error('enough'));
  const asked = systemClock.monotonic();
  await expect(opening).rejects.toThrow('enough');
  expect(systemClock.monotonic() - asked).toBeLessThan(4_000 * slowness());
  await first.close();
});

test('a first bootstrap broker that takes connections and closes them does not keep us from the others', async () => {
  const hangingUp = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
  onTestFinished(() => void hangingUp.close());
  await once(hangingUp, 'listening');
  const first = `127.0.0.1:${(hangingUp.address() as AddressInfo).port}`;
  const { rows } = await openPatiently(sink({ kafka: { brokers: [first, bootstrap] } }), new Model());
  expect(rows.size).toBe(0);
});

test('a broker that cannot be reached is named', async () => {
  const first = sinkOn('127.0.0.1:1', { prefix: uniquePrefix() });
  await expect(first.open(new Model(), forever)).rejects.toMatchObject({
    code: 'kafka.unavailable',
    kind: 'reopen',
    message: expect.stringContaining('127.0.0.1:1'),
  });
  await first.close();
});
