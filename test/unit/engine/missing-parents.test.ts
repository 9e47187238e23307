// Children and items whose parent is not on its topic, with the real engine: they leave when Harvest itself says that the parent is
// gone, and stay whenever it does not.
import { describe, expect, test } from 'vitest';
import type { Transport } from '../../../src/harvest/transport.ts';
import { account, benchAccount, falseChanges, inProcess, viewDifferences } from '../../support/account.ts';
import { streamNamed, testCodec } from '../../support/codec.ts';
import { MemoryLog } from '../../support/memory-log.ts';

const CHILDREN = ['invoice_messages', 'invoice_payments'];
const ITEMS = ['invoice_line_items', 'invoice_message_recipients'];
const ALL = ['company', 'invoices', ...CHILDREN, ...ITEMS];
const codec = testCodec();

/** An account that is on its topics; `invoice` has rows on every topic below it. */
async function scene(enabled: readonly string[] = ALL) {
  const { simulator, pass } = account({ timeEntries: 60 });
  const log = new MemoryLog();
  const catchUp = async (streams: readonly string[] = enabled, transport?: Transport) => {
    pass(60_000);
    await benchAccount(simulator, log, { streams, ...(transport && { source: { transport } }) }).catchUp();
  };
  await catchUp();
  const { invoices, invoice_messages, invoice_payments } = simulator.data;
  const invoice = invoices
    .all()
    .find(
      ({ id, line_items }) =>
        line_items.length > 0 &&
        invoice_messages.all().some(({ invoice_id, recipients }) => invoice_id === id && recipients.length > 0) &&
        invoice_payments.all().some(({ invoice_id }) => invoice_id === id),
    )!;
  const tombstones = () => log.history.filter(({ op }) => op === 'd').map(({ stream }) => stream);
  return { simulator, log, catchUp, invoice, tombstones, differences: () => viewDifferences(simulator, log, enabled) };
}

/** A Harvest that leaves the invoice out of its lists and gives `status` for its own address, or its record. */
function hiding(transport: Transport, id: number, status: number | null): Transport {
  return async (request, signal) => {
    const isAskedFor = request.url.endsWith(`/invoices/${id}`);
    if (isAskedFor && status !== null) {
      return { ...(await transport(request, signal)), status, body: Buffer.from('{"message":"no"}') };
    }
    const answer = await transport(request, signal);
    if (!/\/invoices\?/.test(request.url)) return answer;
    const body = JSON.parse(answer.body.toString());
    body.invoices = body.invoices.filter((each: { id: number }) => each.id !== id);
    return { ...answer, body: Buffer.from(JSON.stringify(body)) };
  };
}

describe('the topic of invoices is emptied', () => {
  test('and an invoice deleted before it is filled again: what was below it leaves all the same [P1] [P8]', async () => {
    const { simulator, log, catchUp, invoice, tombstones, differences } = await scene();
    log.empty('invoices');
    simulator.data.invoices.delete(invoice.id);
    await catchUp();
    expect(new Set(tombstones())).toEqual(new Set([...CHILDREN, ...ITEMS]));
    expect(await differences()).toEqual([]);
    expect(falseChanges(log)).toEqual([]);
    expect(log.rows.get('invoices')).toMatchObject({ candidates: [], confirmed: [], hold: null });
  });

  test('and an invoice left out of its list by a gap: it is asked for by its id, published, and nothing leaves [P1] [P8]', async () => {
    const { simulator, log, catchUp, invoice, tombstones, differences } = await scene();
    log.empty('invoices');
    await catchUp(ALL, hiding(inProcess(simulator), invoice.id, null));
    expect(tombstones()).toEqual([]);
    expect(await differences()).toEqual([]);
  });

  test('and an invoice hidden from the token: the stream is held, says so, and nothing leaves [P8]', async () => {
    const { simulator, log, catchUp, invoice, tombstones, differences } = await scene();
    log.empty('invoices');
    await catchUp(ALL, hiding(inProcess(simulator), invoice.id, 403));
    expect(log.rows.get('invoices')).toMatchObject({ hold: { kind: 'refused' }, candidates: [invoice.id] });
    expect(tombstones()).toEqual([]);
    await catchUp();
    expect(await differences()).toEqual([]);
  });

  test.each([
    ['children and items', ALL],
    ['items alone', ['company', 'invoices', 'invoice_line_items']],
  ])(
    'and most invoices deleted meanwhile: of %s, the items are held like rows of their own, until a release [P8]',
    async (_, enabled) => {
      const { simulator, log, catchUp, invoice, tombstones, differences } = await scene(enabled);
      // Only of items are there more than may leave at once.
      simulator.data.invoices.update(invoice.id, {
        line_items: Array.from({ length: 60 }, (_, place) => ({ kind: 'Service', unit_price: place })),
      });
      await catchUp();
      const before = tombstones();
      log.empty('invoices');
      for (const { id } of [...simulator.data.invoices.all()]) simulator.data.invoices.delete(id);
      await catchUp();
      expect(log.rows.get('invoices')).toMatchObject({ hold: { kind: 'cascade' } });
      expect(tombstones()).toEqual(before);
      log.signals.set('1', { id: '1', kind: 'release', stream: 'invoices', to: null, at: '2026-01-01T00:00:00Z' });
      await catchUp();
      expect(await differences()).toEqual([]);
    },
  );
});

test('the topic of messages is emptied and a message deleted before it is filled again: its recipients leave [P1]', async () => {
  const { simulator, log, catchUp, invoice, differences } = await scene();
  const message = simulator.data.invoice_messages
    .all()
    .find(({ invoice_id, recipients }) => invoice_id === invoice.id && recipients.length > 0)!;
  log.empty('invoice_messages');
  simulator.data.invoice_messages.delete(message.id);
  await catchUp();
  expect(await differences()).toEqual([]);
  const gone = log.history
    .filter(({ op }) => op === 'd')
    .map(({ key }) => codec.rowId(streamNamed('invoice_message_recipients'), key));
  expect(gone).toContain(`${message.id}|0`);
});

test('payments that were switched off while their invoice was deleted leave when they are switched on again [P1]', async () => {
  const { simulator, catchUp, invoice, differences } = await scene();
  simulator.data.invoices.delete(invoice.id);
  await catchUp(ALL.filter((name) => name !== 'invoice_payments'));
  expect(await differences()).not.toEqual([]);
  await catchUp();
  expect(await differences()).toEqual([]);
});
