// Whatever is wrong with one record is a letter: once for each of its versions, and it stops nothing.
import { describe, expect, test } from 'vitest';
import { createSimulator } from '../../../lab/simulator/index.ts';
import { ConversionError } from '../../../src/engine/ports.ts';
import type { Transport } from '../../../src/harvest/transport.ts';
import { account, benchAccount, inProcess, named, viewDifferences, virtualBench } from '../../support/account.ts';
import { streamNamed, testCodec } from '../../support/codec.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

/** Harvest's answers, as `change` leaves them. */
function changed(answer: Transport, path: string, change: (body: string) => string): Transport {
  return async (request, signal) => {
    const { body, ...rest } = await answer(request, signal);
    return { ...rest, body: request.url.includes(path) ? Buffer.from(change(body.toString())) : body };
  };
}

test('fifteen hundred refused records are fifteen hundred dead letters, however often they are read [P7]', async () => {
  const { simulator } = account({ timeEntries: 1_500, years: 0.2 });
  const log = new MemoryLog();
  const transport = changed(inProcess(simulator), '/time_entries', (body) =>
    body.replaceAll(/"hours":[\d.]+/g, '"hours":true'),
  );
  const catchUp = () =>
    benchAccount(simulator, log, { streams: ['company', 'time_entries'], source: { transport } }).catchUp();
  await catchUp();
  log.rows.set('time_entries', { ...log.rows.get('time_entries')!, reconciled_at: null });
  await catchUp();
  const count = simulator.data.time_entries.all().length;
  expect(count).toBeGreaterThan(1_400);
  expect(log.deadLetters).toHaveLength(count);
});

test('a record nested twenty thousand deep is a dead letter with its JSON, once, and the others are published [P7]', async () => {
  const { simulator } = account();
  const log = new MemoryLog();
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  const transport = changed(inProcess(simulator), '/clients', (body) =>
    body.replace('"name":', `"weird":${deep},"name":`),
  );
  const catchUp = () =>
    benchAccount(simulator, log, { streams: ['clients', 'tasks'], source: { transport } }).catchUp();
  await catchUp();
  await catchUp();
  expect(log.deadLetters).toHaveLength(1);
  expect(log.deadLetters[0]!.error).toMatchObject({ field: '_extra', message: expect.stringContaining('1000 deep') });
  expect(log.deadLetters[0]!.value).toContain(`"weird":${deep}`);
  expect(log.compacted('clients').size).toBe(simulator.truth('clients').length - 1);
  expect(log.rows.get('clients')).toMatchObject({ complete: true });
});

test('a company whose switches nest without end stops nothing [P7]', async () => {
  const { simulator } = account();
  const log = new MemoryLog();
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  const transport = changed(inProcess(simulator), '/company', (body) =>
    body.replace(/"week_start_day":"\w+"/, `"week_start_day":${deep}`),
  );
  await benchAccount(simulator, log, { streams: ['company', 'tasks'], source: { transport } }).catchUp();
  expect(log.rows.get('tasks')).toMatchObject({ complete: true });
});

describe('a refused record', () => {
  /** A daemon to which one time entry comes broken as long as `isBroken` says so; its requests by id. */
  async function watched(isBroken: (clock: VirtualClock) => boolean) {
    const clock = new VirtualClock();
    const budgets = { general: null, reports: null };
    const simulator = createSimulator({ timeEntries: 20, years: 0.1, now: clock.now, budgets });
    // A poll reads again what changed a moment before it: this one did not.
    const { id } = simulator.data.time_entries.all().toSorted((a, b) => (a.updated_at < b.updated_at ? -1 : 1))[0]!;
    const log = new MemoryLog();
    const breaking = (body: string) =>
      isBroken(clock) ? body.replace(new RegExp(`("id":${id},.*?"hours":)[\\d.]+`), '$1true') : body;
    const transport = changed(inProcess(simulator), '/time_entries', breaking);
    const bench = virtualBench(simulator, log, clock, { streams: ['company', 'time_entries'], source: { transport } });
    const daemon = bench.start();
    await clock.pass(15 * 60_000);
    daemon.stop();
    await clock.pass(60_000);
    await daemon.ended;
    const asked = simulator.log.all().filter(({ target }) => target.endsWith(`/time_entries/${id}`)).length;
    return { simulator, log, asked };
  }

  test('that was broken on its way is published within minutes, although it did not change', async () => {
    const { simulator, log, asked } = await watched((clock) => clock.monotonic() < 90_000);
    expect(log.deadLetters).toHaveLength(1);
    expect(asked).toBe(2);
    expect(log.rows.get('time_entries')).toMatchObject({ refused: {} });
    expect(await viewDifferences(simulator, log, ['time_entries'])).toEqual([]);
  });

  test('that stays broken is asked for three times, and then waits for its next change', async () => {
    const { log, asked } = await watched(() => true);
    expect(log.deadLetters).toHaveLength(1);
    expect(asked).toBe(3);
  });
});

test('digits that a double does not hold travel in _extra, and in the dead letter of a record that is refused', async () => {
  const { simulator } = account();
  const log = new MemoryLog();
  const digits = '"big":12345678901234567890,"small":0.12345678901234567890,';
  const transport = changed(inProcess(simulator), '/clients', (body) =>
    body.replace('"name":', `${digits}"name":`).replace('"is_active":', `${digits}"is_active":5,"is_active_":`),
  );
  await benchAccount(simulator, log, { streams: ['clients'], source: { transport } }).catchUp();
  expect(log.deadLetters.map(({ value }) => value)).toEqual([expect.stringContaining(digits)]);

  const published = changed(inProcess(simulator), '/tasks', (body) => body.replaceAll('"name":', `${digits}"name":`));
  await benchAccount(simulator, log, { streams: ['tasks'], source: { transport: published } }).catchUp();
  const values = [...log.compacted('tasks').values()];
  expect(values.length).toBeGreaterThan(1);
  const extra = '{"big":12345678901234567890,"small":0.12345678901234567890}';
  for (const { value } of values) expect(value!.toString()).toContain(extra);
});

test('an empty text where a time may be null is null, said once, and refuses nothing', async () => {
  const { simulator } = account({ timeEntries: 20 });
  const log = new MemoryLog();
  const transport = changed(inProcess(simulator), '/time_entries', (body) =>
    body.replaceAll('"timer_started_at":null', '"timer_started_at":""'),
  );
  const run = async () => {
    const bench = benchAccount(simulator, log, { streams: ['time_entries'], source: { transport } });
    await bench.catchUp();
    return named(bench.events, 'drift.seen').filter(({ kind }) => kind === 'empty_text');
  };
  expect(await run()).toEqual([expect.objectContaining({ field: 'timer_started_at', expected: 'a time or null' })]);
  expect(await run()).toEqual([]);
  expect(log.deadLetters).toEqual([]);
  expect(await viewDifferences(simulator, log, ['time_entries'])).toEqual([]);
});

test('any other failure of one record makes a dead letter that names its kind alone [P7]', () => {
  const record = new Proxy(
    {},
    {
      get: () => {
        throw new TypeError('what it holds');
      },
    },
  );
  const encode = () => testCodec().encode(streamNamed('clients'), record, { accountId: 1 });
  expect(encode).toThrow(new ConversionError('the whole record', 'its conversion failed (TypeError)'));
});
