// Derived streams with the real engine: line items and recipients come, change and leave with their parents, in their transactions,
// whenever they are switched on.
import { expect, test } from 'vitest';
import type { Simulator } from '../../../lab/simulator/index.ts';
import type { Batch } from '../../../src/engine/ports.ts';
import type { Transport } from '../../../src/harvest/transport.ts';
import type { StreamDefinition } from '../../../src/streams/definition.ts';
import {
  account,
  benchAccount,
  falseChanges,
  inProcess,
  simulatedSource,
  viewDifferences,
} from '../../support/account.ts';
import { streamNamed, testCodec } from '../../support/codec.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { verified } from '../../support/verification.ts';

const PARENTS = ['company', 'invoices', 'invoice_messages'];
const DERIVED = ['invoice_line_items', 'invoice_message_recipients'];
const ALL = [...PARENTS, ...DERIVED];
const codec = testCodec();

/** The changes of a derived stream since `from`, as `c 12`. */
const changes = (log: MemoryLog, from: number, stream = DERIVED[0]!) =>
  log.history
    .slice(from)
    .filter((each) => each.stream === stream)
    .map(({ op, key }) => `${op} ${codec.rowId(streamNamed(stream), key)}`);

function scene() {
  const { simulator, pass } = account({ timeEntries: 60 });
  const log = new MemoryLog();
  const catchUp = async (streams: readonly string[] = ALL, transport?: Transport) => {
    pass(60_000);
    const bench = benchAccount(simulator, log, { streams, ...(transport && { source: { transport } }) });
    await bench.catchUp();
    return bench;
  };
  return { simulator, log, pass, catchUp, differences: () => viewDifferences(simulator, log, ALL) };
}

/** Requests for invoices that ask for all of them, not for what changed and not for their number. */
const wholeReads = (simulator: Simulator) =>
  requests(simulator).filter((path) => /^\/v2\/invoices\?/.test(path) && !/updated_since|per_page=1\b/.test(path))
    .length;

const requests = ({ log }: Simulator) => log.all().map(({ target }) => target);

test('line items and recipients are published with their parents, without a request of their own [P1]', async () => {
  const { simulator, log, catchUp, differences } = scene();
  const bench = await catchUp();
  expect(await differences()).toEqual([]);
  const withDerived = requests(simulator);
  const other = scene();
  await other.catchUp(PARENTS);
  expect(withDerived).toEqual(requests(other.simulator));
  for (const stream of DERIVED) expect(log.compacted(stream).size, stream).toBeGreaterThan(3);
  expect(bench.account.status().streams.map(({ stream, complete, rows }) => [stream, complete, rows])).toEqual(
    ALL.map((name) => [name, true, log.compacted(name).size]),
  );
  await catchUp();
  expect(changes(log, 0).every((change) => change.startsWith('r '))).toBe(true);
  expect(falseChanges(log)).toEqual([]);
});

test('a derived stream is as late as its parent, and by the interval of its parent: recipients are not told late while messages are in time', async () => {
  const { simulator, pass } = account({ timeEntries: 60 });
  const seconds = { invoices: 20, invoice_messages: 21_600 };
  const intervals = ({ name }: StreamDefinition) => ({
    pollMs: (seconds[name as keyof typeof seconds] ?? 60) * 1000,
    countMs: 60_000,
    reconcileMs: 86_400_000,
  });
  const bench = benchAccount(simulator, new MemoryLog(), { streams: ALL, intervals });
  await bench.catchUp();
  pass(3_600_000);
  const told = new Map(bench.account.status().streams.map((status) => [status.stream, status]));
  for (const name of DERIVED) {
    const { stream: parent } = streamNamed(name).parent!;
    expect(told.get(name)!.pollIntervalSeconds).toBe(seconds[parent as keyof typeof seconds]);
    expect(told.get(name)!.lagSeconds).toBe(told.get(parent)!.lagSeconds);
    expect(told.get(name)!.lagSeconds).toBeGreaterThanOrEqual(3600);
  }
});

test('an item that left its invoice gets its tombstone in the transaction of the invoice [P1] [P4]', async () => {
  const { simulator, log, catchUp, differences } = scene();
  await catchUp();
  const invoice = simulator.data.invoices.all().find(({ line_items }) => line_items.length > 1)!;
  const [first, second] = invoice.line_items;
  simulator.data.invoices.update(invoice.id, { line_items: [{ id: first!.id, _destroy: true }] });
  const batches: Batch[] = [];
  const append = log.append.bind(log);
  log.append = (batch) => {
    batches.push(batch);
    append(batch);
  };
  const before = log.history.length;
  await catchUp();
  // The one behind it moves up.
  expect(changes(log, before)).toEqual([`u ${second!.id}`, `d ${first!.id}`]);
  const together = batches.filter(({ messages }) => messages.some(({ stream }) => stream === DERIVED[0]));
  expect(together.map(({ messages }) => messages.filter(({ stream }) => stream === 'invoices').length)).toEqual([1]);
  expect(await differences()).toEqual([]);
});

test('a deleted invoice takes its items along, and its messages their recipients [P1] [P8]', async () => {
  const { simulator, log, catchUp, differences } = scene();
  await catchUp();
  const { invoices, invoice_messages } = simulator.data;
  const message = invoice_messages.all().find(({ recipients }) => recipients.length > 0)!;
  const { line_items } = invoices.expect(message.invoice_id);
  const before = log.history.length;
  invoices.delete(message.invoice_id);
  await catchUp();
  expect(changes(log, before).sort()).toEqual(line_items.map(({ id }) => `d ${id}`).sort());
  expect(changes(log, before, DERIVED[1])).toContain(`d ${message.id}|0`);
  expect(await differences()).toEqual([]);
  expect(falseChanges(log)).toEqual([]);
});

test('a message that is deleted alone takes its recipients along [P1]', async () => {
  const { simulator, log, catchUp, differences } = scene();
  await catchUp();
  const message = simulator.data.invoice_messages.all().find(({ recipients }) => recipients.length > 0)!;
  simulator.data.settings.touches.childDeleted = true;
  simulator.data.invoice_messages.delete(message.id);
  const before = log.history.length;
  await catchUp();
  expect(changes(log, before, DERIVED[1])).toContain(`d ${message.id}|0`);
  expect(await differences()).toEqual([]);
});

test('a derived stream that is switched on later has its parents read once, and they are not published again [P1] [P2]', async () => {
  const { log, catchUp, differences } = scene();
  await catchUp(PARENTS);
  const before = log.history.length;
  await catchUp();
  expect(log.history.slice(before).filter(({ stream }) => PARENTS.includes(stream))).toEqual([]);
  expect(log.history.slice(before).every(({ op }) => op === 'r')).toBe(true);
  expect(await differences()).toEqual([]);
  expect(log.rows.get(DERIVED[0]!)).toMatchObject({ complete: true, position: { reading: null } });
});

test('a derived stream that was switched off for a while has what happened meanwhile, deletions too [P1]', async () => {
  const { simulator, log, pass, catchUp, differences } = scene();
  await catchUp();
  const { invoices } = simulator.data;
  const [changed, gone, later] = invoices.all().filter(({ line_items }) => line_items.length > 0);
  invoices.update(changed!.id, { line_items: [{ id: changed!.line_items[0]!.id, description: 'Changed meanwhile' }] });
  invoices.delete(gone!.id);
  await catchUp(PARENTS);
  // So that no poll overlaps with the change any more.
  pass(3_600_000);
  invoices.update(later!.id, { subject: 'An hour later' });
  await catchUp(PARENTS);
  expect(await differences()).not.toEqual([]);
  await catchUp();
  expect(await differences()).toEqual([]);
  expect(falseChanges(log)).toEqual([]);
});

test('an invoice that does not say what it holds keeps its items, and verify finds them equal [P8]', async () => {
  const { simulator, log, catchUp } = scene();
  await catchUp();
  const answer = inProcess(simulator);
  const silent: Transport = async (request, signal) => {
    const { body, ...rest } = await answer(request, signal);
    return { ...rest, body: Buffer.from(body.toString().replaceAll('"line_items":', '"lines":')) };
  };
  for (const { id } of simulator.data.invoices.all()) simulator.data.invoices.update(id, { notes: 'Hidden lines' });
  const before = log.history.length;
  await catchUp(ALL, silent);
  expect(log.history.slice(before).some(({ stream }) => stream === 'invoices')).toBe(true);
  expect(changes(log, before)).toEqual([]);
  const streams = [streamNamed(DERIVED[0]!)];
  const { differences } = await verified(simulator, log, {
    streams,
    source: simulatedSource(simulator, { transport: silent }),
  });
  expect(differences).toEqual([]);
});

test('verify finds an item that is missing, one too many and an old one, and asks its parents’ lists alone [P1]', async () => {
  const { simulator, log, catchUp } = scene();
  await catchUp();
  const streams = DERIVED.map(streamNamed);
  expect((await verified(simulator, log, { streams })).differences).toEqual([]);
  const [first, second] = simulator.data.invoices.all().filter(({ line_items }) => line_items.length > 0);
  const [gone, stale] = [first!.line_items[0]!.id, second!.line_items[0]!.id];
  simulator.data.invoices.update(first!.id, {
    line_items: [
      { id: gone, _destroy: true },
      { kind: 'Service', unit_price: 7 },
    ],
  });
  simulator.data.invoices.update(second!.id, { line_items: [{ id: stale, quantity: 1234 }] });
  const { differences } = await verified(simulator, log, { streams });
  expect(differences).toContain(`invoice_line_items extra ${gone}`);
  expect(differences).toContain(`invoice_line_items stale ${stale}`);
  expect(differences.some((text) => text.startsWith('invoice_line_items missing'))).toBe(true);
  expect(differences.filter((text) => text.startsWith('invoice_message_recipients'))).toEqual([]);
});

test('a person who asks for a derived stream again has its parents read whole [P1]', async () => {
  const { simulator, log, catchUp } = scene();
  await catchUp();
  log.signals.set('1', { id: '1', kind: 'reconcile', stream: DERIVED[0]!, to: null, at: '2026-01-01T00:00:00Z' });
  const before = wholeReads(simulator);
  await catchUp();
  expect(log.signals.size).toBe(0);
  expect(wholeReads(simulator)).toBe(before + 1);
  expect(log.rows.get(DERIVED[0]!)).toMatchObject({ position: { reading: null } });
});
