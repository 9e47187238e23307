// Invoices, payments, estimates and their messages.
import { addDays } from '../calendar.ts';
import { ESTIMATE_KINDS, INVOICE_KINDS } from '../dataset/words.ts';
import { money } from '../model/noun.ts';
import type { Dice } from '../random.ts';
import { anyOf, type Change, freshOf, told } from './change.ts';

export const DOCUMENT_CHANGES: readonly Change[] = [
  [
    'invoices.bill',
    3,
    (account, dice) => {
      const project = anyOf(account.projects, dice);
      if (!project) return null;
      const window = { from: addDays(account.today(), -60), to: account.today() };
      const invoice = account.invoices.create({
        client_id: project.client_id,
        subject: `Work on ${project.name}`,
        line_items_import: { project_ids: [project.id], time: window, expenses: window },
      });
      return told('create', 'invoices', invoice, `invoice ${invoice.number} billed ${project.name}`);
    },
  ],
  [
    'invoices.write',
    2,
    (account, dice) => {
      const client = anyOf(account.clients, dice);
      if (!client) return null;
      const line_items = [lineOf(dice, INVOICE_KINDS), lineOf(dice, INVOICE_KINDS)];
      const invoice = account.invoices.create({ client_id: client.id, line_items, tax: dice.pick([null, 7.5]) });
      return told('create', 'invoices', invoice, `invoice ${invoice.number} written`);
    },
  ],
  [
    'invoices.edit',
    3,
    (account, dice) => {
      const invoice = anyOf(account.invoices, dice);
      if (!invoice) return null;
      const moved = dice.chance(0.3) && { issue_date: addDays(invoice.issue_date, dice.between(-20, 5)) };
      // A long one loses its first line for the new one.
      const [first] = invoice.line_items.length > 2 ? invoice.line_items : [];
      const line_items = [lineOf(dice, INVOICE_KINDS), ...(first ? [{ id: first.id, _destroy: true }] : [])];
      account.invoices.update(invoice.id, { notes: 'Corrected', line_items, ...moved });
      return told('edit', 'invoices', invoice, `line added to invoice ${invoice.number}`);
    },
  ],
  [
    'invoices.delete',
    1,
    (account, dice) => {
      const invoice = anyOf(account.invoices, dice);
      if (!invoice) return null;
      return told('delete', 'invoices', account.invoices.delete(invoice.id), `invoice ${invoice.number} deleted`);
    },
  ],
  [
    'invoice_messages.create',
    4,
    (account, dice) => {
      const invoice = freshOf(account.invoices, dice);
      if (!invoice) return null;
      const ordinary = { body: 'Please find it attached.', recipients: [{ name: 'Ann', email: 'ann@example.com' }] };
      const event = dice.weighted([
        [6, null],
        [1, 'close'],
        [1, 're-open'],
        [1, 'draft'],
      ]);
      const message = account.invoice_messages.create({
        invoice_id: invoice.id,
        ...(event === null ? { ...ordinary, subject: `Invoice ${invoice.number}` } : { event_type: event }),
      });
      return told('create', 'invoice_messages', message, `${event ?? 'sent'}: invoice ${invoice.number}`);
    },
  ],
  [
    'invoice_messages.delete',
    1,
    (account, dice) => {
      const message = anyOf(account.invoice_messages, dice);
      if (!message) return null;
      return told('delete', 'invoice_messages', account.invoice_messages.delete(message.id), 'message deleted');
    },
  ],
  [
    'invoice_payments.create',
    4,
    (account, dice) => {
      const invoice = anyOf(account.invoices, dice);
      const due = invoice ? account.invoices.dueAmount(invoice) : 0;
      if (!invoice || due <= 0) return null;
      const amount = dice.chance(0.6) ? due : money(due / 2);
      const payment = account.invoice_payments.create({ invoice_id: invoice.id, amount });
      return told('create', 'invoice_payments', payment, `${amount} paid on invoice ${invoice.number}`);
    },
  ],
  [
    'invoice_payments.delete',
    1,
    (account, dice) => {
      const payment = anyOf(account.invoice_payments, dice);
      if (!payment) return null;
      return told('delete', 'invoice_payments', account.invoice_payments.delete(payment.id), 'payment removed');
    },
  ],
  [
    'estimates.create',
    2,
    (account, dice) => {
      const client = anyOf(account.clients, dice);
      if (!client) return null;
      const line_items = [lineOf(dice, ESTIMATE_KINDS)];
      const estimate = account.estimates.create({ client_id: client.id, line_items, subject: 'Ein Angebot' });
      return told('create', 'estimates', estimate, `estimate ${estimate.number} written`);
    },
  ],
  [
    'estimates.edit',
    2,
    (account, dice) => {
      const estimate = anyOf(account.estimates, dice);
      if (!estimate) return null;
      account.estimates.update(estimate.id, { discount: dice.pick([null, 5, 12.5]), notes: 'Better now?' });
      return told('edit', 'estimates', estimate, `estimate ${estimate.number} edited`);
    },
  ],
  [
    'estimate_messages.create',
    3,
    (account, dice) => {
      const estimate = anyOf(account.estimates, dice);
      if (!estimate) return null;
      const event_type = dice.pick(['send', 'accept', 'decline', 're-open', 'view']);
      const message = account.estimate_messages.create({ estimate_id: estimate.id, event_type });
      return told('create', 'estimate_messages', message, `${event_type}: estimate ${estimate.number}`);
    },
  ],
  [
    'estimate_messages.delete',
    0.7,
    (account, dice) => {
      const message = anyOf(account.estimate_messages, dice);
      if (!message) return null;
      return told('delete', 'estimate_messages', account.estimate_messages.delete(message.id), 'message deleted');
    },
  ],
  [
    'estimates.delete',
    0.7,
    (account, dice) => {
      const estimate = anyOf(account.estimates, dice);
      if (!estimate) return null;
      return told('delete', 'estimates', account.estimates.delete(estimate.id), `estimate ${estimate.number} deleted`);
    },
  ],
];

const lineOf = (dice: Dice, kinds: readonly string[]) => ({
  kind: dice.pick(kinds),
  description: 'Nachtrag – extra',
  quantity: dice.pick([1, 2, 0.5]),
  unit_price: dice.between(10, 2000) + 0.5,
});
