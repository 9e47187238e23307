// An excluded value reaches nothing: not the topics, the dead letters, the notifications, the rows, the events. And what lies on
// a topic from before a field was excluded is published anew without it.
import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import type { Transport } from '../../src/harvest/transport.ts';
import { maskOf, valueSchemas } from '../../src/privacy.ts';
import { catalog } from '../../src/streams/catalog.ts';
import { account, benchAccount, falseChanges, inProcess, named, simulatedSource } from '../support/account.ts';
import { schemas, streamNamed, testCodec } from '../support/codec.ts';
import { MemoryLog } from '../support/memory-log.ts';
import { verified } from '../support/verification.ts';

const STREAMS = ['company', 'contacts', 'invoices', 'tasks'];
const SALT = 'pepper-and-salt';
const { signal } = new AbortController();

/** The schemas and the mask of a daemon with these settings. */
async function parts(...settings: readonly string[]) {
  const config = loadConfig({
    text: '',
    env: {},
    overrides: [
      'harvest.accounts.0.id=1',
      'harvest.accounts.0.access_token=t',
      'kafka.brokers=localhost:9092',
      'schema_registry.url=http://localhost:8081',
      `privacy.salt=${SALT}`,
      ...settings,
    ],
  });
  return { schemas: await valueSchemas(config, catalog), mask: maskOf(config) };
}

/** Marks of values that are excluded, wherever Harvest sends them. */
const marks = {
  email: 'canary-email',
  key: 'canary-client-key',
  description: 'canary-description',
  inside: 'canary-inside-the-creator',
  digits: '8765.4321987',
  hashed: 'canary-hashed',
};

test('an excluded value is in no record, dead letter, notification, state row or event, and verify finds the topics equal [P10]', async () => {
  const { simulator } = account({ timeEntries: 40 });
  const log = new MemoryLog();
  const { schemas, mask } = await parts(
    'streams.contacts.fields.exclude=email,first_name',
    'streams.contacts.fields.hash=last_name',
    'streams.invoices.fields.exclude=client_key,creator,line_items.description,line_items.quantity',
  );
  const [contact, refused] = simulator.data.contacts.all();
  simulator.data.contacts.update(contact!.id, { email: marks.email, last_name: marks.hashed });
  // It cannot be converted, and its dead letter has all that is left of it.
  simulator.data.contacts.update(refused!.id, { email: marks.email, last_name: marks.hashed, title: 7.5 as never });
  const transport = sending(inProcess(simulator), (body) =>
    body
      .replaceAll(/"client_key":"[^"]*"/g, `"client_key":"${marks.key}"`)
      .replaceAll(/"creator":\{/g, `"creator":{"new_member":"${marks.inside}",`)
      .replaceAll(/"description":"[^"]*"/g, `"description":"${marks.description}"`)
      .replaceAll(/"quantity":[\d.]+/g, `"quantity":${marks.digits}`)
      .replaceAll(/"title":7.5/g, '"title":{"mail":true}'),
  );
  const source = { transport, mask };
  const bench = benchAccount(simulator, log, { streams: STREAMS, codec: { schemas }, source });
  await bench.catchUp();

  const asked = { id: contact!.id, parent: null };
  const single = await simulatedSource(simulator, source).fetchRecord(streamNamed('contacts'), asked, signal);
  expect(Object.keys(single!)).not.toContain('email');

  const said = [
    ...log.history.map(({ value }) => value?.toString('latin1') ?? ''),
    JSON.stringify([...log.rows, log.deadLetters, log.notifications, bench.events]),
  ].join('\n');
  expect(Object.values(marks).filter((mark) => said.includes(mark))).toEqual([]);
  const hash = createHmac('sha256', SALT).update(JSON.stringify(marks.hashed)).digest('hex');
  expect(log.deadLetters.map(({ value }) => JSON.parse(value))).toEqual([
    expect.objectContaining({ id: refused!.id, last_name: hash, title: { mail: true } }),
  ]);
  const decoded = await valuesOf(log, 'contacts', schemas);
  expect(decoded.find(({ id }) => id === contact!.id)).toMatchObject({ last_name: hash });
  expect(Object.keys(decoded[0]!)).not.toContain('email');
  expect(named(bench.events, 'drift.seen').map(({ kind, field }) => `${kind} ${field}`)).toEqual(['new_type title']);
  expect(log.compacted('invoices').size).toBe(simulator.truth('invoices').length);

  const { differences, of } = await verified(simulator, log, {
    streams: STREAMS.map(streamNamed),
    codec: testCodec({ schemas }),
    source: simulatedSource(simulator, source),
  });
  expect(differences).toEqual([]);
  expect(of('contacts').refused).toEqual([refused!.id]);
});

test('what is derived from a record has lost what the record has lost, in schema and rows [P10]', async () => {
  const { simulator } = account({ timeEntries: 20 });
  const log = new MemoryLog();
  const { schemas: narrow, mask } = await parts(
    'streams.invoice_line_items.enabled=true',
    'streams.invoices.fields.exclude=line_items.description',
    'streams.invoices.fields.hash=line_items.unit_price',
  );
  const streams = ['company', 'invoices', 'invoice_line_items'];
  await benchAccount(simulator, log, { streams, codec: { schemas: narrow }, source: { mask } }).catchUp();
  const items = await valuesOf(log, 'invoice_line_items', narrow);
  expect(items.length).toBeGreaterThan(5);
  for (const item of items) {
    expect(item).not.toHaveProperty('description');
    expect(item).toMatchObject({ unit_price: expect.stringMatching(/^[0-9a-f]{64}$/), _extra: null });
  }
  expect(log.deadLetters).toEqual([]);
});

test('rows that lie on a topic with a field that is excluded since are published anew without it when they are read again [P2]', async () => {
  const { simulator } = account({ timeEntries: 20 });
  const log = new MemoryLog();
  const streams = ['company', 'contacts'];
  await benchAccount(simulator, log, { streams }).catchUp();
  const count = simulator.truth('contacts').length;
  expect(log.history.filter(({ stream }) => stream === 'contacts')).toHaveLength(count);

  const { schemas: narrow, mask } = await parts('streams.contacts.fields.exclude=email');
  const codec = {
    schemas: narrow,
    ids: new Map([['company', { key: 101, value: 102 }] as const, ['contacts', { key: 105, value: 901 }] as const]),
    writerSchema: async () => schemas.get('contacts')!,
  };
  const catchUp = () => benchAccount(simulator, log, { streams, codec, source: { mask } }).catchUp();
  const told = async () =>
    (
      await verified(simulator, log, {
        streams: [streamNamed('contacts')],
        codec: testCodec(codec),
        source: simulatedSource(simulator, { mask }),
      })
    ).differences;
  expect(await told()).toHaveLength(count);
  log.rows.set('contacts', { ...log.rows.get('contacts')!, reconciled_at: null });
  await catchUp();
  expect(log.history.filter(({ stream }) => stream === 'contacts')).toHaveLength(2 * count);
  expect((await valuesOf(log, 'contacts', narrow, codec.ids)).every((value) => !('email' in value))).toBe(true);
  await catchUp();
  expect(log.history.filter(({ stream }) => stream === 'contacts')).toHaveLength(2 * count);
  expect(await told()).toEqual([]);
  expect(falseChanges(log)).toEqual([]);
});

/** Harvest's answers, as `change` leaves them. */
function sending(answer: Transport, change: (body: string) => string): Transport {
  return async (request, signal) => {
    const { body, ...rest } = await answer(request, signal);
    return { ...rest, body: Buffer.from(change(body.toString())) };
  };
}

async function valuesOf(
  log: MemoryLog,
  stream: string,
  narrow: typeof schemas,
  ids?: ReadonlyMap<string, { key: number; value: number }>,
) {
  const codec = testCodec({ schemas: narrow, ...(ids && { ids }) });
  const values = [...log.compacted(stream).values()];
  return Promise.all(values.map(async ({ value }) => (await codec.decode(streamNamed(stream), value!))!));
}
